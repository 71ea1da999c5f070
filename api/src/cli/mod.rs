//! The command line: `binnacle serve`, `migrate` and the rest.

mod check;
mod client;
mod demo;
mod import;
mod keys;
mod openapi;
mod serve;
mod user;

use crate::settings::{self, Settings};
use clap::{Parser, Subcommand};
use domain::Error;
use domain::store::Executor;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// How `main` opens the store.
pub(crate) type Open = fn(&Settings) -> Result<Arc<dyn Executor>, Error>;

/// A FHIR R4 backend for person-held records.
#[derive(Parser)]
#[command(name = "binnacle", version)]
struct Arguments {
    /// Settings file, in place of ./binnacle.toml
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve FHIR over HTTP
    #[command(after_help = settings::help())]
    Serve(serve::Serve),
    /// Bring the database's schema up to date
    Migrate,
    /// Register, list and disable OAuth clients
    #[command(subcommand)]
    Client(client::Client),
    /// Add local users
    #[command(subcommand)]
    User(user::User),
    /// The keys that sign access tokens
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Load resources from files
    Import(import::Import),
    /// Verify that the store's index rows, compartments and versions are right
    Check(check::Check),
    /// Print the OpenAPI document
    Openapi(openapi::OpenApi),
}

/// Runs the command that the arguments name.
pub(crate) fn run(open: Open) -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = Settings::load(arguments.config.as_deref()).and_then(|settings| match arguments.command {
        Command::Serve(serve) => serve.run(settings, open),
        Command::Client(command) => command.run(&settings, open),
        Command::User(command) => command.run(&settings, open),
        Command::Keys(command) => command.run(&settings, open),
        Command::Import(import) => import.run(settings, open),
        Command::Check(check) => check.run(&settings, open),
        Command::Openapi(command) => command.run(&settings),
        Command::Migrate => {
            open_store(&settings, open)?;
            say("The schema is up to date.");
            Ok(ExitCode::SUCCESS)
        }
    });
    outcome.unwrap_or_else(|sentence| {
        let _ = writeln!(std::io::stderr(), "binnacle: {sentence}");
        ExitCode::FAILURE
    })
}

/// Opens the store, having made the folder of a SQLite file.
fn open_store(settings: &Settings, open: Open) -> Result<Arc<dyn Executor>, String> {
    if let Some(path) = settings.database_url.strip_prefix("sqlite://")
        && let Some(folder) = std::path::Path::new(path).parent()
    {
        std::fs::create_dir_all(folder).map_err(|error| {
            format!("The folder {} of BINNACLE_DATABASE_URL cannot be made: {error}.", folder.display())
        })?;
    }
    open(settings).map_err(|error| {
        let issue = error.issues().first().map(|issue| issue.diagnostics.clone());
        format!("The database cannot be opened (BINNACLE_DATABASE_URL): {}", issue.unwrap_or_default())
    })
}

/// Writes a line to standard output. A closed pipe is nobody's fault.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A refusal as a sentence for the operator.
fn sentence(error: &Error) -> String {
    error.issues().iter().map(|issue| issue.diagnostics.as_str()).collect::<Vec<_>>().join(" ")
}

/// A secret from standard input, without its line end.
fn secret_from_stdin() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|_| "The secret on standard input is not text.")?;
    let secret = line.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err("There is nothing on standard input.".into()) } else { Ok(secret.to_owned()) }
}
