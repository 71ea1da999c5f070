//! The binnacle server and command line. This file alone names the store.

mod app;
mod cli;
mod clock;
mod docs;
mod egress;
mod fhir;
mod guard;
mod jobs;
mod oauth;
mod operations;
mod pages;
mod routes;
mod settings;
mod worker;

use domain::Error;
use domain::store::Executor;
use persistence::{SqlStore, StoreSettings, Synchronous};
use settings::Settings;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    cli::run(open)
}

/// Opens the store that the settings name, and brings its schema up to date.
fn open(settings: &Settings) -> Result<Arc<dyn Executor>, Error> {
    let store = StoreSettings {
        readers: settings.readers(),
        queue: settings.queue,
        synchronous: match settings.sqlite_synchronous {
            settings::Synchronous::Full => Synchronous::Full,
            settings::Synchronous::Normal => Synchronous::Normal,
        },
        compressed: settings.store_compression == settings::Compression::Zstd,
        ..StoreSettings::new(settings.database_url.clone())
    };
    Ok(Arc::new(SqlStore::open(&store)?))
}
