//! `binnacle check`: whether every index row and compartment row of the store is what extraction would write today, every
//! body can be read and every version is there. It reads only, page by page, also while the server runs.

use super::{Open, open_store, say, sentence};
use crate::app::domain_server;
use crate::settings::Settings;
use crate::worker::Worker;
use clap::Args;
use domain::access::Access;
use domain::store::integrity::{Fault, Finding, Page};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// `binnacle check`. It needs the BINNACLE_PUBLIC_URL under which the store was filled: absolute references below it are
/// local.
#[derive(Args)]
pub(crate) struct Check {
    /// Faults to print; all are counted
    #[arg(long, default_value_t = 100)]
    most: usize,
}

impl Check {
    /// Checks the store and prints a table; exit status 1 when something is wrong.
    ///
    /// Errors: the store cannot be read.
    pub(crate) fn run(self, settings: &Settings, open: Open) -> Result<ExitCode, String> {
        let worker = Worker::new(open_store(settings, open)?);
        let failed = |error| sentence(&error);
        let bar = ProgressBar::new(worker.read_blocking(|tx| tx.resources()).map_err(failed)?);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {percent}% · {pos} resources, {per_sec} · {eta} left")
        {
            bar.set_style(style);
        }
        let mut result = Outcome { most: self.most, ..Outcome::default() };
        let server = Arc::new(domain_server(settings, true));
        let learning = Arc::clone(&server);
        worker.read_blocking(move |tx| learning.learn(tx)).map_err(failed)?;
        let parameters = server.parameters();
        let mut after = None;
        loop {
            let base = settings.base();
            let parameters = Arc::clone(&parameters);
            let page = worker
                .read_blocking(move |tx| tx.check(&Access::everything(), &parameters, &base, after))
                .map_err(failed)?;
            bar.inc(page.resources);
            after = page.next;
            result.add(page);
            if after.is_none() {
                break;
            }
        }
        bar.finish_and_clear();
        say(&result.table());
        Ok(if result.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What all pages gave.
#[derive(Default)]
struct Outcome {
    most: usize,
    resources: u64,
    versions: u64,
    rows: u64,
    wrong: u64,
    /// Faults by where they are.
    places: BTreeMap<&'static str, u64>,
    shown: Vec<Finding>,
}

impl Outcome {
    fn add(&mut self, page: Page) {
        self.resources += page.resources;
        self.versions += page.versions;
        self.rows += page.rows;
        for finding in page.findings {
            self.wrong += 1;
            *self.places.entry(place(&finding.fault)).or_default() += 1;
            if self.shown.len() < self.most {
                self.shown.push(finding);
            }
        }
    }

    /// The outcome for people.
    fn table(&self) -> String {
        let mut text = String::new();
        let counted = [
            ("Resources", self.resources),
            ("Versions", self.versions),
            ("Index and compartment rows", self.rows),
        ];
        for (what, count) in counted {
            let _ = writeln!(text, "{what:<36}{count:>12} checked");
        }
        if self.wrong == 0 {
            text.push_str("Everything is as it should be.");
            return text;
        }
        for (place, count) in &self.places {
            let _ = writeln!(text, "{place:<36}{count:>12} wrong");
        }
        for Finding { resource, fault } in &self.shown {
            let _ = writeln!(text, "WRONG: {resource}: {}", explain(fault));
        }
        if let Some(more) = self.wrong.checked_sub(self.shown.len() as u64).filter(|more| *more > 0) {
            let _ = writeln!(text, "… and {more} more (--most N shows more).");
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// The table that a fault is in.
const fn place(fault: &Fault) -> &'static str {
    match fault {
        Fault::Key | Fault::Body { .. } => "resource",
        Fault::Versions => "history",
        Fault::Count { .. } => "type_count",
        Fault::Rows { table, .. } | Fault::Orphans { table, .. } => table,
    }
}

fn explain(fault: &Fault) -> String {
    match fault {
        Fault::Key => "resource: its key is not that of its type and id".into(),
        Fault::Body { version } => {
            format!("resource: the body of version {version} cannot be read or is not that version")
        }
        Fault::Versions => "history: a version is missing, or not later than the one before".into(),
        Fault::Rows { table, missing, unexpected } => {
            format!("{table}: {missing} rows missing, {unexpected} that should not be there")
        }
        Fault::Count { kept, living } => format!("type_count: counted as {kept}, there are {living}"),
        Fault::Orphans { table, rows } => format!("{table}: {rows} rows of no resource"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_counted_and_some_shown() {
        let finding = |number: u64| Finding {
            resource: format!("Patient/{number}"),
            fault: Fault::Rows { table: "ix_token", missing: 1, unexpected: 0 },
        };
        let mut outcome = Outcome { most: 2, ..Outcome::default() };
        outcome.add(Page { findings: (0..5).map(finding).collect(), ..Page::default() });
        let table = outcome.table();
        assert!(
            table.contains("Patient/1: ix_token: 1 rows missing") && !table.contains("Patient/2"),
            "{table}"
        );
        assert!(table.contains("and 3 more"), "{table}");
    }
}
