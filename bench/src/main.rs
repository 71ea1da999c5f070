//! `make bench`: starts the release binary on a fresh SQLite store, then on a fresh PostgreSQL database, and measures
//! what a caller sees over keep-alive HTTP. Prints one Markdown table; the floors are those of the design.
//!
//! The transaction Bundles to load are the `.json` files of the folder in `BINNACLE_BENCH_BUNDLES`. PostgreSQL is
//! measured when `BINNACLE_BENCH_POSTGRES` is the URL of an empty database (`tests/bin/postgres start --durable`).
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod connection;
mod load;
mod server;

use load::{Request, measure};
use server::Server;
use std::path::PathBuf;
use std::time::Duration;

/// What can go wrong: a sentence.
type Failure = String;

/// How long each line of the table is measured.
const SPAN: Duration = Duration::from_secs(5);

fn main() -> Result<(), Failure> {
    let bundles = read_bundles()?;
    println!("| database | work | clients | per second | p50 ms | p99 ms | wanted |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let sqlite = format!("sqlite://{}", folder.path().join("bench.db").display());
    run("SQLite", &sqlite, &bundles)?;
    match std::env::var("BINNACLE_BENCH_POSTGRES") {
        Ok(url) => run("PostgreSQL", &url, &bundles),
        Err(_) => {
            println!("\nPostgreSQL was not measured: BINNACLE_BENCH_POSTGRES is not set.");
            Ok(())
        }
    }
}

/// The Bundles to load; none when `BINNACLE_BENCH_BUNDLES` is not set.
fn read_bundles() -> Result<Vec<Vec<u8>>, Failure> {
    let Some(folder) = std::env::var_os("BINNACLE_BENCH_BUNDLES").map(PathBuf::from) else {
        return Ok(Vec::new());
    };
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display())))
        .collect()
}

fn run(database: &str, url: &str, bundles: &[Vec<u8>]) -> Result<(), Failure> {
    let server = Server::start(url)?;
    println!("| {database} | start to first answer | | {} ms | | | 100 ms |", server.start.as_millis());
    if let Some(kilobytes) = server.resident() {
        println!("| {database} | memory, idle | | {} MB | | | 40 MB |", kilobytes / 1024);
    }
    let row = |work: &str, clients: usize, requests: &[Request], wanted: &str| -> Result<(), Failure> {
        let result = measure(server.port, clients, SPAN, requests)?;
        println!(
            "| {database} | {work} | {clients} | {:.0} | {:.2} | {:.2} | {wanted} |",
            result.rate, result.p50, result.p99
        );
        Ok(())
    };
    row("/health/live (the limit)", 16, &[Request::get("/health/live")], "")?;

    if !bundles.is_empty() {
        let (resources, seconds) = load::bundles(server.port, 4, bundles)?;
        let rate = f64::from(resources) / seconds;
        println!("| {database} | transaction Bundles, resources | 4 | {rate:.0} | | | 12,000 · 8,000 |");
    }

    let body = br#"{"resourceType":"Patient","name":[{"family":"Airedale","given":["Nia"]}],"gender":"female","birthDate":"1961-03-09","identifier":[{"system":"https://example.org/mrn","value":"bench"}]}"#;
    let location = load::create(server.port, body)?;
    row("GET Patient/{id}", 16, &[Request::get(&location)], "50,000 · 30,000 (with a token)")?;
    row(
        "Patient?identifier=",
        16,
        &[Request::get("/FHIR/R4/Patient?identifier=https://example.org/mrn|bench")],
        "35,000",
    )?;
    row("Patient?name=", 16, &[Request::get("/FHIR/R4/Patient?name=aired")], "20,000")?;
    row(
        "Patient?birthdate=ge&gender=",
        16,
        &[Request::get("/FHIR/R4/Patient?birthdate=ge1960&gender=female")],
        "8,000",
    )?;
    let create = [Request::post("/FHIR/R4/Patient", body)];
    row("create, durable", 8, &create, "0.4 of bare")?;
    row("create, durable", 32, &create, "5,000")
}
