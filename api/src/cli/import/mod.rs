//! `binnacle import`: Bundles, NDJSON and single resources from files into the store, through the same door as HTTP.

mod load;
mod report;
mod source;

pub(crate) use load::Loader;
pub(crate) use report::Report;

use super::{Open, open_store, say};
use crate::app::domain_server;
use crate::settings::{NhsNumber, Settings};
use crate::worker::Worker;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Stack of the threads that load: they check resources, which recurses.
const STACK: usize = 8 << 20;

/// `binnacle import`.
#[derive(Args)]
pub(crate) struct Import {
    /// Files (.json, .ndjson, and .gz, .zst or .zip of them) or folders of files
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// refuse, or warn to let wrong NHS numbers in
    #[arg(long, value_parser = ["refuse", "warn"])]
    nhs_number: Option<String>,
    /// Read files again that an earlier import has finished
    #[arg(long)]
    again: bool,
}

impl Import {
    /// Imports, and prints what became of it.
    ///
    /// Errors: a path or the store cannot be used. A refused resource is no error.
    pub(crate) fn run(self, mut settings: Settings, open: Open) -> Result<ExitCode, String> {
        match self.nhs_number.as_deref() {
            Some("warn") => settings.nhs_number = NhsNumber::Warn,
            Some(_) => settings.nhs_number = NhsNumber::Refuse,
            None => {}
        }
        let files = source::files(&self.paths)?;
        let store = open_store(&settings, open)?;
        let finished = Finished::open(&settings, self.again)?;
        let loader = Loader::new(domain_server(&settings, true), Worker::new(store));
        let report = load_all(&files, &loader, &finished)?;
        say(&report.table());
        Ok(if report.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Loads the files, several at a time, with a progress bar on standard error.
fn load_all(files: &[PathBuf], loader: &Loader, finished: &Finished) -> Result<Report, String> {
    let sizes = files.iter().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len());
    let bar = ProgressBar::new(sizes.sum());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent}% · {msg} · {eta} left") {
        bar.set_style(style);
    }
    let report = Mutex::new(Report::default());
    let next = AtomicUsize::new(0);
    let stored = AtomicUsize::new(0);
    let load_some = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut part = Report::default();
            load_file(file, loader, finished, &mut part);
            let stored = stored.fetch_add(part.stored(), Ordering::Relaxed) + part.stored();
            bar.inc(file.metadata().map_or(0, |metadata| metadata.len()));
            let seconds = bar.elapsed().as_secs_f64().max(0.001);
            bar.set_message(format!("{stored} resources, {:.0}/s", stored as f64 / seconds));
            report.lock().unwrap_or_else(PoisonError::into_inner).join(part);
        }
    };
    let threads = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let builder = std::thread::Builder::new().name("import".into()).stack_size(STACK);
            builder.spawn_scoped(scope, load_some).map_err(|error| format!("No thread: {error}."))?;
        }
        Ok::<(), String>(())
    })?;
    bar.finish_and_clear();
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn load_file(file: &Path, loader: &Loader, finished: &Finished, report: &mut Report) {
    let name = file.display().to_string();
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return report.fail(&name, &format!("cannot be read: {error}")),
    };
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if finished.has(&digest) {
        return report.skip();
    }
    match source::documents(&name, bytes) {
        Ok(documents) => {
            for (name, document) in documents {
                loader.load(&name, &document, report);
            }
        }
        Err(sentence) => return report.fail(&name, &sentence),
    }
    if !report.failed() {
        finished.add(&digest);
    }
}

/// The digests of the files that are in the store, kept beside it so that an import that broke off goes on.
struct Finished {
    known: HashSet<String>,
    file: Mutex<File>,
}

impl Finished {
    fn open(settings: &Settings, again: bool) -> Result<Finished, String> {
        let database: String =
            Sha256::digest(&settings.database_url).iter().take(4).map(|b| format!("{b:02x}")).collect();
        let sqlite =
            settings.database_url.strip_prefix("sqlite://").and_then(|path| Path::new(path).parent());
        let folder = sqlite.unwrap_or_else(|| Path::new("data"));
        let path = folder.join(format!("imported-{database}.txt"));
        let failed = |error| format!("{} cannot be written: {error}.", path.display());
        std::fs::create_dir_all(folder).map_err(failed)?;
        let known = if again { String::new() } else { std::fs::read_to_string(&path).unwrap_or_default() };
        let known = known.lines().map(str::to_owned).collect();
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        Ok(Finished { known, file: Mutex::new(file) })
    }

    fn has(&self, digest: &str) -> bool {
        self.known.contains(digest)
    }

    fn add(&self, digest: &str) {
        // Not remembering a file costs a repetition, nothing else.
        let _ = writeln!(self.file.lock().unwrap_or_else(PoisonError::into_inner), "{digest}");
    }
}
