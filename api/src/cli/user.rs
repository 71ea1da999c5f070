//! `binnacle user`: local logins, for development and small sites.

use super::{Open, open_store, say, secret_from_stdin, sentence};
use crate::clock::SystemIds;
use crate::settings::Settings;
use crate::worker::Worker;
use clap::Subcommand;
use domain::authorization::user;
use domain::id::IdSource;
use std::process::ExitCode;

/// `binnacle user …`.
#[derive(Subcommand)]
pub(crate) enum User {
    /// Add a local user and print them as JSON
    Add {
        /// The name typed at login
        #[arg(long)]
        username: String,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
        /// Who that is: Patient/ID, Practitioner/ID, …
        #[arg(long)]
        fhir_user: String,
        /// A patient the user may act for, Patient/ID; repeats
        #[arg(long)]
        may_act_for: Vec<String>,
    },
}

impl User {
    /// Runs the command.
    ///
    /// Errors: a sentence for the operator.
    pub(crate) fn run(self, settings: &Settings, open: Open) -> Result<ExitCode, String> {
        let User::Add { username, password_stdin: _, fhir_user, may_act_for } = self;
        let password = secret_from_stdin()?;
        let told = |error| sentence(&error);
        let password = user::hash(&password, &SystemIds.secret()).map_err(told)?;
        let user = user::User { username, password, fhir_user, may_act_for };
        user.validate().map_err(told)?;
        let printed = serde_json::json!({
            "username": user.username, "fhirUser": user.fhir_user, "mayActFor": user.may_act_for,
        });
        let worker = Worker::new(open_store(settings, open)?);
        worker.write_blocking(move |tx| user::add(tx, &user)).map_err(told)?;
        say(&format!("{printed:#}"));
        Ok(ExitCode::SUCCESS)
    }
}
