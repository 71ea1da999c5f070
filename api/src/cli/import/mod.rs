//! `binnacle import`: Bundles, NDJSON and single resources from files into the store, through the same door as HTTP.

mod entry;
mod load;
mod report;
mod source;

pub(crate) use load::{Loader, Loading};
use report::Report;

use super::{Open, open_store, say};
use crate::app::domain_server;
use crate::settings::{NhsNumber, Settings};
use crate::worker::Worker;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use source::{Files, Sink};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Stack of the threads that load: they check resources, which recurses.
const STACK: usize = 8 << 20;

/// `binnacle import`.
#[derive(Args)]
pub(crate) struct Import {
    /// Files (.json, .ndjson, .jsonl, these with .gz or .zst, .zip) or folders of files
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// refuse, or warn to let wrong NHS numbers in
    #[arg(long, value_parser = ["refuse", "warn"])]
    nhs_number: Option<String>,
    /// Read files again that an earlier import has finished. What it refused is tried again; nothing is stored twice
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
        let files = Files::below(&self.paths)?;
        if files.named.is_empty() {
            return Err(
                "None of the files has an ending of what can be imported: see `binnacle import --help`."
                    .into(),
            );
        }
        let store = open_store(&settings, open)?;
        let loader = Loader::new(domain_server(&settings, true), Worker::new(store));
        let mut report = load_all(&files.named, &loader, self.again)?;
        report.passed_over = files.passed_over;
        say(&report.table());
        Ok(if report.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Loads the files, several at a time, with a progress bar on standard error.
fn load_all(files: &[PathBuf], loader: &Loader, again: bool) -> Result<Report, String> {
    let sizes = files.iter().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len());
    let bar = ProgressBar::new(sizes.sum());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent}% · {msg} · {eta} left") {
        bar.set_style(style);
    }
    let report = Mutex::new(Report::default());
    let next = AtomicUsize::new(0);
    let load_some = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let part = load_file(file, loader, again, &bar);
            report.lock().unwrap_or_else(PoisonError::into_inner).join(part);
        }
    };
    let threads = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(files.len()) {
            let builder = std::thread::Builder::new().name("import".into()).stack_size(STACK);
            builder.spawn_scoped(scope, load_some).map_err(|error| format!("No thread: {error}."))?;
        }
        Ok::<(), String>(())
    })?;
    bar.finish_and_clear();
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn load_file(path: &Path, loader: &Loader, again: bool, bar: &ProgressBar) -> Report {
    let name = path.display().to_string();
    let mut report = Report::default();
    let digest = match digest(path) {
        Ok(digest) => digest,
        Err(error) => {
            report.fail(&name, &format!("cannot be read: {error}"));
            return report;
        }
    };
    let finished = format!("file/{digest}");
    if !again && loader.is_noted(&finished) {
        bar.inc(path.metadata().map_or(0, |metadata| metadata.len()));
        report.skipped = 1;
        return report;
    }
    let mut documents = Documents { loader, loading: loader.start(), digest: &digest, number: 0, bar };
    // A zip archive is read from its end; the bar jumps when it is done.
    source::read(&name, path, |file| Counted { file, bar }, &mut documents);
    let report = documents.loading.finish();
    if !report.failed() {
        loader.note(finished);
    }
    report
}

/// SHA-256 of a file's bytes, in hexadecimal digits.
fn digest(path: &Path) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut digest)?;
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A file whose reading moves the progress bar.
struct Counted<'b> {
    file: File,
    bar: &'b ProgressBar,
}

impl std::io::Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.bar.inc(length as u64);
        Ok(length)
    }
}

/// The documents of one file on their way into the store.
struct Documents<'l> {
    loader: &'l Loader,
    loading: Loading<'l>,
    digest: &'l str,
    number: u64,
    bar: &'l ProgressBar,
}

impl Sink for Documents<'_> {
    fn document(&mut self, name: &str, bytes: &[u8]) {
        self.number += 1;
        self.loading.document(name, &format!("{}/{}", self.digest, self.number), bytes);
        let all = self.loader.stored();
        let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
        self.bar.set_message(format!("{all} resources, {:.0}/s", all as f64 / seconds));
    }

    fn broken(&mut self, name: &str, sentence: &str) {
        self.loading.broken(name, sentence);
    }
}
