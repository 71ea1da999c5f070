//! Brings the schema up to date, one process at a time, and refuses one that is newer than this binary.

use crate::connection::{Connection, Link};
use crate::dialect::Dialect;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use domain::{Error, ErrorCode};
use std::collections::BTreeSet;

/// Runs the migrations that are missing. Other processes wait for the lock, then find nothing to do.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    match connection.dialect() {
        Dialect::Sqlite => {
            // The lock must be held across diesel's own transactions, so another process may hold it: wait and look again.
            with_retries(|| run(connection))
        }
        Dialect::Postgres => {
            connection.command(Dialect::LOCK_SCHEMA)?;
            let outcome = run(connection);
            connection.command(Dialect::UNLOCK_SCHEMA)?;
            outcome
        }
    }
}

fn run(connection: &mut Connection) -> Result<(), Error> {
    match &mut connection.link {
        Link::Sqlite(c) => {
            refuse_newer(known(&migrations::SQLITE), applied(&mut **c))?;
            (**c).run_pending_migrations(migrations::SQLITE).map(drop).map_err(failed)
        }
        Link::Postgres(c) => {
            refuse_newer(known(&migrations::POSTGRES), applied(&mut **c))?;
            (**c).run_pending_migrations(migrations::POSTGRES).map(drop).map_err(failed)
        }
    }
}

/// Two processes that migrate one SQLite file at once: the second finds it locked or the tables made.
fn with_retries(mut attempt: impl FnMut() -> Result<(), Error>) -> Result<(), Error> {
    for _ in 0..20 {
        match attempt() {
            Err(error) if error.code() == ErrorCode::Internal => {
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            outcome => return outcome,
        }
    }
    attempt()
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::internal(format!("the schema could not be brought up to date: {error}"))
}

fn known(source: &EmbeddedMigrations) -> BTreeSet<String> {
    let all: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> = source.migrations().unwrap_or_default();
    all.iter().map(|migration| migration.name().version().to_string()).collect()
}

fn applied<DB: diesel::backend::Backend, C: MigrationHarness<DB>>(connection: &mut C) -> BTreeSet<String> {
    let versions: Vec<MigrationVersion<'_>> = connection.applied_migrations().unwrap_or_default();
    versions.iter().map(ToString::to_string).collect()
}

fn refuse_newer(known: BTreeSet<String>, applied: BTreeSet<String>) -> Result<(), Error> {
    match applied.difference(&known).next() {
        None => Ok(()),
        Some(version) => Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "The database has migration {version}, which this binary does not know. Start a newer binnacle."
            ),
        )),
    }
}
