//! What became of an import: counts by type, refusals by reason with the place of an example.

use domain::{Error, ErrorCode, Severity};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What became of an import.
#[derive(Default)]
pub(crate) struct Report {
    types: BTreeMap<String, Counts>,
    reasons: BTreeMap<String, (usize, String)>,
    failures: Vec<String>,
    skipped: usize,
}

#[derive(Default)]
struct Counts {
    stored: usize,
    refused: usize,
}

impl Report {
    /// Counts stored resources of a type.
    pub(crate) fn store(&mut self, type_: &str, count: usize) {
        self.types.entry(type_.to_owned()).or_default().stored += count;
    }

    /// Counts refused resources of a type with their reasons. A fault of the server or its store is a failure too.
    pub(crate) fn refuse(&mut self, file: &str, type_: &str, count: usize, error: &Error) {
        self.types.entry(type_.to_owned()).or_default().refused += count;
        for issue in error.issues().iter().filter(|issue| issue.severity == Severity::Error) {
            let place = issue.expression.as_deref().unwrap_or(type_);
            self.reason(issue.code.row().detail, &issue.diagnostics, file, place);
        }
        if matches!(error.code(), ErrorCode::Internal | ErrorCode::Busy | ErrorCode::StoreFull) {
            self.fail(file, "was not stored because the server or its database failed");
        }
    }

    /// Reads the answer to a batch or transaction whose entries hold resources of `types`.
    pub(crate) fn answered(&mut self, file: &str, types: &[String], answer: &[u8]) {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let responses = answer.get("entry").and_then(Value::as_array).cloned().unwrap_or_default();
        for (number, type_) in types.iter().enumerate() {
            let response = responses.get(number).and_then(|entry| entry.get("response"));
            let status = response.and_then(|response| response.get("status")?.as_str()).unwrap_or("200");
            if status.starts_with('2') {
                self.store(type_, 1);
                continue;
            }
            self.types.entry(type_.clone()).or_default().refused += 1;
            let issue = response.and_then(|response| response.pointer("/outcome/issue/0"));
            let text = |pointer| issue.and_then(|issue| issue.pointer(pointer)?.as_str()).unwrap_or_default();
            let place = format!("Bundle.entry[{number}] {}", text("/expression/0"));
            self.reason(text("/details/coding/0/code"), text("/diagnostics"), file, &place);
        }
    }

    fn reason(&mut self, code: &str, diagnostics: &str, file: &str, place: &str) {
        let example = || (0, format!("{file} at {place}"));
        self.reasons.entry(format!("{code}: {diagnostics}")).or_insert_with(example).0 += 1;
    }

    /// Notes that a file could not be imported at all.
    pub(crate) fn fail(&mut self, file: &str, sentence: &str) {
        self.failures.push(format!("{file} {sentence}"));
    }

    /// Counts a file that an earlier import has finished.
    pub(crate) fn skip(&mut self) {
        self.skipped += 1;
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
        for (reason, (count, example)) in other.reasons {
            self.reasons.entry(reason).or_insert((0, example)).0 += count;
        }
        self.failures.extend(other.failures);
        self.skipped += other.skipped;
    }

    /// The report for people.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{:<36}{:>10}{:>10}\n", "Type", "stored", "refused");
        for (type_, Counts { stored, refused }) in &self.types {
            let _ = writeln!(text, "{type_:<36}{stored:>10}{refused:>10}");
        }
        let _ = writeln!(text, "{:<36}{:>10}{:>10}", "All", self.stored(), self.refused());
        if self.skipped > 0 {
            let _ = writeln!(text, "{} files were imported before.", self.skipped);
        }
        for (reason, (count, example)) in &self.reasons {
            let _ = writeln!(text, "{count:>6} × {reason}\n         for example {example}");
        }
        for failure in &self.failures {
            let _ = writeln!(text, "FAILED: {failure}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_reason() {
        let mut report = Report::default();
        let error = Error::new(ErrorCode::InvalidValue, "no date").at("Patient.birthDate");
        report.refuse("a.json", "Patient", 1, &error);
        report.refuse("b.json", "Patient", 1, &error);
        report.store("Patient", 3);
        let table = report.table();
        assert!(table.contains("2 × INVALID_VALUE: no date"), "{table}");
        assert!(table.contains("a.json at Patient.birthDate"));
        assert!(!report.failed());
        report.refuse("c.json", "Patient", 1, &Error::new(ErrorCode::Busy, "full"));
        assert!(report.failed());
    }
}
