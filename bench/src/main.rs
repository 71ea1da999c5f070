//! `make bench`: starts the release binary on fresh SQLite stores, then on fresh PostgreSQL databases, and measures what
//! a caller with an access token sees over keep-alive HTTP, beside the limits of the same run. Prints one Markdown
//! table; the floors are those of the design. Fails when something fails, not when a floor is missed. `--copies 100` loads
//! a hundred relabelled copies of the data and tells how each search grows from one to ten to a hundred.
//!
//! The Synthea Bundles come from `BINNACLE_SHARED_DATA`. PostgreSQL is measured when `BINNACLE_BENCH_POSTGRES` is the URL
//! of a database on an empty cluster (`tests/bin/postgres start --durable`).

mod bare;
mod connection;
mod data;
mod load;
mod request;
mod rest;
mod run;
mod searches;
mod server;
mod store;
mod table;
mod work;

use clap::Parser;
use std::time::Duration;
use store::Database;

/// What can go wrong: a sentence.
type Failure = String;

/// Measures the release binary of Binnacle.
#[derive(Parser)]
struct Arguments {
    /// Measure only lines whose name holds this, and what they need
    #[arg(long, default_value = "")]
    only: String,
    /// Seconds that each line is measured, after a fifth of that as warm-up
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Measure only this database: sqlite or postgresql
    #[arg(long, default_value = "")]
    database: String,
    /// Measure in a store of one, ten, … up to so many relabelled copies of the data; 100 take many minutes and gigabytes
    #[arg(long, default_value_t = 1)]
    copies: usize,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let length =
        Duration::try_from_secs_f64(arguments.seconds).map_err(|error| format!("--seconds: {error}"))?;
    let data = data::read()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut databases = vec![Database::Sqlite(folder.path().to_owned())];
    databases.extend(std::env::var("BINNACLE_BENCH_POSTGRES").ok().map(Database::Postgres));
    databases.retain(|database| database.name().to_ascii_lowercase().contains(&arguments.database));
    if databases.is_empty() {
        return Err("--database is sqlite, or postgresql with BINNACLE_BENCH_POSTGRES".to_owned());
    }
    table::head();
    for database in &databases {
        let (folder, copies) = (folder.path(), arguments.copies.max(1));
        let plan = run::Plan { database, data: &data, folder, only: &arguments.only, length, copies };
        plan.run().map_err(|failure| format!("{}: {failure}", database.name()))?;
    }
    Ok(())
}
