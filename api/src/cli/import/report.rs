//! What became of an import: counts by type, refusals by reason with the place of an example.

use domain::{Error, ErrorCode, Issue, Severity};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What became of an import.
#[derive(Default)]
pub(crate) struct Report {
    types: BTreeMap<String, Counts>,
    reasons: BTreeMap<String, (usize, String)>,
    warnings: BTreeMap<String, (usize, String)>,
    failures: Vec<String>,
    /// Files that an earlier import has finished.
    pub(crate) skipped: usize,
    /// Files passed over because of their names.
    pub(crate) passed_over: usize,
    /// Entries and resources without ids that an earlier import has stored.
    pub(crate) before: usize,
}

#[derive(Default)]
struct Counts {
    stored: usize,
    refused: usize,
}

impl Report {
    /// Counts a stored resource of a type.
    pub(crate) fn store(&mut self, type_: &str) {
        self.types.entry(type_.to_owned()).or_default().stored += 1;
    }

    /// Counts what the operator should know though it was stored.
    pub(crate) fn warn(&mut self, file: &str, warnings: &[Issue]) {
        for warning in warnings {
            let place = warning.expression.as_deref().unwrap_or_default();
            count(&mut self.warnings, warning.code.row().detail, &warning.diagnostics, file, place);
        }
    }

    /// Counts a refused resource with the reasons. A fault of the server or its store is a failure too.
    pub(crate) fn refuse(&mut self, file: &str, type_: &str, error: &Error) {
        self.refuse_all(file, &[type_.to_owned()], error);
    }

    /// Counts the entries of a refused transaction.
    pub(crate) fn refuse_all(&mut self, file: &str, types: &[String], error: &Error) {
        for type_ in types {
            self.types.entry(type_.clone()).or_default().refused += 1;
        }
        for issue in error.issues().iter().filter(|issue| issue.severity == Severity::Error) {
            let place = issue.expression.as_deref().or(types.first().map(String::as_str)).unwrap_or_default();
            count(&mut self.reasons, issue.code.row().detail, &issue.diagnostics, file, place);
        }
        if matches!(error.code(), ErrorCode::Internal | ErrorCode::Busy | ErrorCode::StoreFull) {
            self.fail(file, "was not stored because the server or its database failed");
        }
    }

    /// Reads the answer to a batch or transaction whose entries are about resources of `types`; answers how many of them
    /// were stored.
    pub(crate) fn answered(&mut self, file: &str, types: &[String], answer: &[u8]) -> usize {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let responses = answer.get("entry").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut stored = 0;
        for (number, type_) in types.iter().enumerate() {
            let response = responses.get(number).and_then(|entry| entry.get("response"));
            let status = response.and_then(|response| response.get("status")?.as_str()).unwrap_or_default();
            let is_stored = status.starts_with('2');
            if is_stored {
                self.store(type_);
                stored += 1;
            } else {
                self.types.entry(type_.clone()).or_default().refused += 1;
            }
            let issues = response.and_then(|response| response.pointer("/outcome/issue")?.as_array());
            for issue in issues.into_iter().flatten() {
                let text = |pointer| issue.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                let kind = match text("/severity") {
                    "error" | "fatal" => &mut self.reasons,
                    "warning" => &mut self.warnings,
                    _ => continue,
                };
                let place = format!("Bundle.entry[{number}] {}", text("/expression/0"));
                count(kind, text("/details/coding/0/code"), text("/diagnostics"), file, &place);
            }
        }
        stored
    }

    /// Notes that a file could not be imported at all.
    pub(crate) fn fail(&mut self, file: &str, sentence: &str) {
        self.failures.push(format!("{file} {sentence}"));
    }

    /// Whether something failed that is not the fault of a resource.
    pub(crate) fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Resources stored.
    pub(crate) fn stored(&self) -> usize {
        self.types.values().map(|counts| counts.stored).sum()
    }

    /// Resources refused.
    pub(crate) fn refused(&self) -> usize {
        self.types.values().map(|counts| counts.refused).sum()
    }

    /// Adds what became of another part.
    pub(crate) fn join(&mut self, other: Report) {
        for (type_, counts) in other.types {
            let sum = self.types.entry(type_).or_default();
            sum.stored += counts.stored;
            sum.refused += counts.refused;
        }
        let kinds = [(&mut self.reasons, other.reasons), (&mut self.warnings, other.warnings)];
        for (sum, more) in kinds {
            for (reason, (count, example)) in more {
                sum.entry(reason).or_insert((0, example)).0 += count;
            }
        }
        self.failures.extend(other.failures);
        self.skipped += other.skipped;
        self.passed_over += other.passed_over;
        self.before += other.before;
    }

    /// The report for people.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{:<36}{:>10}{:>10}\n", "Type", "stored", "refused");
        for (type_, Counts { stored, refused }) in &self.types {
            let _ = writeln!(text, "{type_:<36}{stored:>10}{refused:>10}");
        }
        let _ = writeln!(text, "{:<36}{:>10}{:>10}", "All", self.stored(), self.refused());
        for (count, what) in [
            (
                self.skipped,
                "files were imported before, or are copies of others (--again tries again what was refused).",
            ),
            (self.before, "resources were stored by an earlier import."),
            (self.passed_over, "files were passed over: their names are not those of JSON."),
        ] {
            if count > 0 {
                let _ = writeln!(text, "{count} {what}");
            }
        }
        for (heading, kind) in [("Refused:", &self.reasons), ("Stored, but:", &self.warnings)] {
            if !kind.is_empty() {
                let _ = writeln!(text, "{heading}");
            }
            for (reason, (count, example)) in kind {
                let _ = writeln!(text, "{count:>6} × {reason}\n         for example {example}");
            }
        }
        for failure in &self.failures {
            let _ = writeln!(text, "FAILED: {failure}");
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Counts a reason, and keeps where it was met first.
fn count(
    kind: &mut BTreeMap<String, (usize, String)>,
    code: &str,
    diagnostics: &str,
    file: &str,
    place: &str,
) {
    let example = || (0, format!("{file} at {place}"));
    kind.entry(format!("{code}: {diagnostics}")).or_insert_with(example).0 += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_reason() {
        let mut report = Report::default();
        let error = Error::new(ErrorCode::InvalidValue, "no date").at("Patient.birthDate");
        report.refuse("a.json", "Patient", &error);
        report.refuse("b.json", "Patient", &error);
        report.store("Patient");
        let table = report.table();
        assert!(table.contains("2 × INVALID_VALUE: no date"), "{table}");
        assert!(table.contains("a.json at Patient.birthDate"));
        assert!(!report.failed());
        report.refuse("c.json", "Patient", &Error::new(ErrorCode::Busy, "full"));
        assert!(report.failed());
    }
}
