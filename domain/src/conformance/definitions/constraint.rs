//! The rules that R4 puts on elements (`FHIR R4 conformance-rules.html#constraints`), those of severity `error`.

use super::table::rows;

const CONSTRAINTS: &str = include_str!("../../../definitions/constraints.tsv");

/// A rule that every value of an element obeys.
#[derive(Debug, Clone, Copy)]
pub struct Constraint {
    /// The element, or the type when it is one of the type itself: `Patient.contact`, `Period`.
    pub path: &'static str,
    /// What it is called: `pat-1`.
    pub key: &'static str,
    /// FHIRPath that is true of every value.
    pub expression: &'static str,
    /// The rule as a sentence.
    pub human: &'static str,
}

/// All of R4's.
pub(super) fn load() -> Vec<Constraint> {
    let read = |mut row: super::table::Row| Constraint {
        path: row.next(),
        key: row.next(),
        expression: row.next(),
        human: row.next(),
    };
    rows(CONSTRAINTS).map(read).collect()
}
