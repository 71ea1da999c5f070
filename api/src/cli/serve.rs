//! `binnacle serve`: the server, from its settings to its end.

use super::import::Loader;
use super::{Open, demo, open_store, say};
use crate::app::{self, App};
use crate::settings::{LogFormat, Settings};
use crate::worker::Worker;
use clap::Args;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;

/// `binnacle serve`.
#[derive(Args)]
pub(crate) struct Serve {
    /// For development: ask for no tokens; every caller may do everything. Loopback addresses only
    #[arg(long)]
    open: bool,
    /// Load the demo record set first
    #[arg(long)]
    demo: bool,
}

impl Serve {
    /// Serves until a signal.
    ///
    /// Errors: a sentence for the operator.
    pub(crate) fn run(self, settings: Settings, open: Open) -> Result<ExitCode, String> {
        let address = settings.address()?;
        if self.open && !address.ip().is_loopback() {
            return Err(
                "--open serves everyone everything, so BINNACLE_LISTEN must be a loopback address.".into()
            );
        }
        start_log(&settings)?;
        if self.open {
            tracing::warn!("--open: no tokens are asked for; every caller may read and change everything");
        }
        // A server that cannot listen says so before it opens the store.
        let listener = TcpListener::bind(address)
            .map_err(|error| format!("BINNACLE_LISTEN {address} cannot be listened on: {error}."))?;
        let store = open_store(&settings, open)?;
        domain::conformance::Definitions::r4();
        if self.demo {
            let loader = Loader::new(app::domain_server(&settings, true), Worker::new(Arc::clone(&store)));
            let count = demo::load(&loader)?;
            say(&format!("The demo record set is in the store: {count} resources."));
            say(&demo::logins(&settings, &Worker::new(Arc::clone(&store)))?);
        }
        say(&format!("Binnacle serves {} on {address}.", settings.base()));
        let app = App { demo: self.demo, ..App::new(settings, self.open, store)? };
        actix_web::rt::System::new()
            .block_on(app::serve(app, listener))
            .map_err(|error| format!("The server ended: {error}."))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Starts the log on standard error, and keeps panics' messages, which may hold data, out of it.
fn start_log(settings: &Settings) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|_| "BINNACLE_LOG is wrong: it is tracing directives, such as info,access=debug.")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a thread panicked");
    }));
    Ok(())
}
