//! `binnacle`: the server and its command line. The only file of this crate that names `persistence`.

mod fhir;
mod settings;
mod sources;
mod worker;

use actix_web::{App, HttpResponse, HttpServer, web};
use clap::{Parser, Subcommand};
use domain::server::{Server, Settings as ServerSettings};
use domain::store::Executor;
use persistence::{SqlStore, StoreSettings};
use settings::Settings;
use std::process::ExitCode;
use std::sync::Arc;

/// A FHIR R4 backend for person-held records.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the FHIR API.
    Serve {
        /// Development only: no tokens asked, every caller may do everything; loopback addresses only.
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Brings the database's schema up to date.
    Migrate {
        #[command(flatten)]
        settings: Settings,
    },
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    // A panic's message can quote the data it met: only its place is logged.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(place = panic.location().map(ToString::to_string), "panic");
    }));
    let outcome = match Arguments::parse().command {
        Command::Migrate { settings } => open_store(&settings).map(drop),
        Command::Serve { open, settings } => serve(&settings, open),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn open_store(settings: &Settings) -> Result<SqlStore, String> {
    settings.make_database_folder()?;
    SqlStore::open(&StoreSettings::new(&settings.database_url)).map_err(|error| error.to_string())
}

fn serve(settings: &Settings, open: bool) -> Result<(), String> {
    if !open {
        return Err("This build serves with --open only: its token endpoint is not mounted yet.".to_owned());
    }
    if !settings.listen.ip().is_loopback() {
        return Err(
            "--open asks no tokens, so it listens on a loopback address only. Change BINNACLE_LISTEN."
                .to_owned(),
        );
    }
    tracing::warn!("--open: no tokens are asked, every caller may do everything");
    let store: Arc<dyn Executor> = Arc::new(open_store(settings)?);
    let server = Arc::new(Server {
        settings: ServerSettings {
            base: format!("{}/FHIR/R4", settings.public_url.trim_end_matches('/')),
            cursor_key: sources::random(),
            tokens: !open,
            public_url: settings.public_url.trim_end_matches('/').to_owned(),
            max_entries: 20_000,
        },
        clock: Arc::new(sources::SystemClock),
        ids: Arc::new(sources::RandomIds),
    });
    let state = web::Data::new(fhir::State { server, worker: worker::Worker::new(store) });
    let run = async {
        let app = move || {
            App::new()
                .app_data(state.clone())
                .app_data(web::PayloadConfig::new(fhir::MAX_BODY))
                .route("/health/live", web::get().to(HttpResponse::Ok))
                .route("/health/ready", web::get().to(fhir::ready))
                .service(web::scope("/FHIR/R4").default_service(web::to(fhir::answer)))
                .default_service(web::to(fhir::nothing_here))
        };
        let http = HttpServer::new(app).shutdown_timeout(30).bind(settings.listen)?;
        tracing::info!(listen = %settings.listen, "ready");
        http.run().await
    };
    actix_web::rt::System::new().block_on(run).map_err(|error| format!("{}: {error}", settings.listen))
}
