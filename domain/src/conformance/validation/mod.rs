//! Is this a FHIR R4 resource? One pass over the parsed JSON against the definition tables, which reports every fault
//! with its FHIRPath and changes nothing; where there is none, R4's invariants; then fhirbolt's typed model as a second
//! gate, [`typed_gate`].
//!
//! Faults of structure and value are answered 400, broken invariants and business rules 422 (see `error.rs`). What is
//! checked is only what R4 makes certain: a valid resource is never refused.

mod binding;
mod bundle;
mod date;
mod invariant;
mod narrative;
pub mod nhs_number;
mod place;
mod primitive;
mod reference;
mod rule;
mod structure;
#[cfg(test)]
mod tests;

pub use narrative::is_narrative;

use super::{Definitions, TypeId};
use crate::error::{Error, ErrorCode, Issue, Severity};
use crate::resource::json::Json;

/// Most issues in one report: a body of nothing but faults gets a readable answer.
const MOST_ISSUES: usize = 100;

/// What an operator chose about validation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ValidationSettings {
    /// What to do with NHS numbers that fail their check.
    pub nhs_numbers: NhsNumbers,
    /// What to do with broken invariants that are not checked natively.
    pub invariants: Invariants,
}

/// What to do with a resource that breaks one of R4's invariants (`invariants=refuse|warn`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Invariants {
    /// A fault, [`ErrorCode::Invariant`].
    #[default]
    Refuse,
    /// A warning.
    Warn,
}

/// What to do with an identifier that claims to be an NHS number but fails its check (`nhs-number=refuse|warn`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NhsNumbers {
    /// A fault, [`ErrorCode::InvalidNhsNumber`].
    #[default]
    Refuse,
    /// A warning: published example data have wrong check digits.
    Warn,
}

/// What validation found.
#[derive(Debug, Default)]
pub struct Report {
    /// Why the resource is refused; empty when it is not.
    pub faults: Vec<Issue>,
    /// What the caller should know though the resource is accepted.
    pub warnings: Vec<Issue>,
}

impl Report {
    /// The warnings of an accepted resource, or the error that refuses it.
    pub fn into_result(self) -> Result<Vec<Issue>, Error> {
        match Error::of(self.faults) {
            Some(error) => Err(error),
            None => Ok(self.warnings),
        }
    }
}

/// Checks `resource`, which must be of type `expected` if that is given.
pub fn validate(
    definitions: &Definitions,
    resource: &Json<'_>,
    expected: Option<TypeId>,
    settings: &ValidationSettings,
) -> Report {
    let mut walk = structure::Walk::new(definitions, settings);
    walk.document(resource, expected);
    let mut report = walk.report;
    // The rules speak of elements that are as R4 has them.
    if report.faults.is_empty() {
        let mut broken = Vec::new();
        invariant::check(resource, &mut broken);
        match settings.invariants {
            Invariants::Refuse => report.faults = broken,
            Invariants::Warn => {
                broken.iter_mut().for_each(|issue| issue.severity = Severity::Warning);
                report.warnings.extend(broken);
            }
        }
    }
    report
}

/// Checks a Bundle without the resources of its entries, which are checked where they are prepared.
pub fn validate_shell(definitions: &Definitions, bundle: &Json<'_>, settings: &ValidationSettings) -> Report {
    let mut walk = structure::Walk::new(definitions, settings);
    walk.shell = true;
    walk.document(bundle, definitions.type_id("Bundle"));
    walk.report
}

/// The second gate: whether fhirbolt's typed model reads the document `text` too.
///
/// Needs a stack of 8 MiB. Errors: [`ErrorCode::InvalidStructure`] with fhirbolt's reason.
pub fn typed_gate(text: &[u8]) -> Result<(), Error> {
    model::from_json(text).map(drop).map_err(|refused| {
        Error::new(
            ErrorCode::InvalidStructure,
            format!("The resource does not fit FHIR R4's types: {refused}."),
        )
    })
}
