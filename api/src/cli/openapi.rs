//! `binnacle openapi`: the documents that `/openapi.json` and `/openapi/{Type}.json` serve, without a server.

use super::{say, sentence};
use crate::docs;
use crate::settings::Settings;
use clap::Args;
use domain::conformance::SearchParameters;
use openapi::Depth;
use std::process::ExitCode;

/// `binnacle openapi`.
#[derive(Args)]
pub(crate) struct OpenApi {
    /// Only this resource type, complete in itself
    #[arg(long = "type", value_name = "TYPE")]
    type_: Option<String>,
}

impl OpenApi {
    /// Prints the document.
    ///
    /// Errors: there is no such resource type.
    pub(crate) fn run(self, settings: &Settings) -> Result<ExitCode, String> {
        let name = self.type_.unwrap_or_default();
        let document = docs::bytes(settings, SearchParameters::r4(), true, &name, Depth::Full)
            .map_err(|error| sentence(&error))?;
        say(&String::from_utf8_lossy(&document));
        Ok(ExitCode::SUCCESS)
    }
}
