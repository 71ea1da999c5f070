//! `binnacle keys`: the keys that sign access tokens.

use super::{Open, open_store, say, sentence};
use crate::settings::Settings;
use crate::worker::Worker;
use clap::Subcommand;
use domain::authorization::keys;
use std::process::ExitCode;

/// `binnacle keys …`.
#[derive(Subcommand)]
pub(crate) enum Keys {
    /// Print the public keys as a JWK Set
    List,
    /// Add a key, which running servers sign with within ten seconds; the earlier ones still verify
    Rotate,
}

impl Keys {
    /// Runs the command.
    ///
    /// Errors: a sentence for the operator.
    pub(crate) fn run(self, settings: &Settings, open: Open) -> Result<ExitCode, String> {
        let worker = Worker::new(open_store(settings, open)?);
        let keys = worker.write_blocking(move |tx| {
            if matches!(self, Keys::Rotate) {
                keys::rotate(tx)?;
            }
            keys::ensure(tx)
        });
        say(&format!("{:#}", keys.map_err(|error| sentence(&error))?.jwks()));
        Ok(ExitCode::SUCCESS)
    }
}
