//! Required bindings to value sets whose codes are known (`FHIR R4 terminologies.html#required`).

use super::place::Place;
use super::structure::Walk;
use crate::conformance::definitions::{Binding, Strength};
use crate::error::ErrorCode;
use crate::resource::json::Json;

impl Walk<'_> {
    /// Checks a value of type `code` bound by `binding`.
    pub(super) fn binding(&mut self, binding: &Binding, code: &str, value: &Json<'_>, place: &Place<'_>) {
        if binding.strength != Strength::Required || !binding.enumerable {
            return;
        }
        match (code, value) {
            ("code", Json::String(code)) if !self.definitions.in_value_set(binding, code) => {
                self.outside(binding, code, place);
            }
            ("Coding", coding) if self.in_set(binding, coding) == Some(false) => {
                self.outside(binding, coding.get("code").and_then(Json::as_str).unwrap_or_default(), place);
            }
            ("CodeableConcept", concept) => self.concept(binding, concept, place),
            _ => {}
        }
    }

    /// A concept must have one coding from the set. Text alone is let through: there is no code to judge.
    fn concept(&mut self, binding: &Binding, concept: &Json<'_>, place: &Place<'_>) {
        let codings = concept.get("coding").map(Json::each).unwrap_or_default();
        let mut judged =
            codings.iter().filter_map(|coding| Some((coding, self.in_set(binding, coding)?))).peekable();
        let Some((first, _)) = judged.peek().copied() else { return };
        if !judged.any(|(_, inside)| inside) {
            self.outside(binding, first.get("code").and_then(Json::as_str).unwrap_or_default(), place);
        }
    }

    /// Whether a coding is in the set; `None` when it has no code.
    fn in_set(&self, binding: &Binding, coding: &Json<'_>) -> Option<bool> {
        let code = coding.get("code").and_then(Json::as_str)?;
        let system = coding.get("system").and_then(Json::as_str);
        let same_system = match (system, self.definitions.system_of(binding)) {
            (Some(sent), Some(bound)) => without_scheme(sent) == without_scheme(bound),
            _ => true,
        };
        Some(same_system && self.definitions.in_value_set(binding, code))
    }

    fn outside(&mut self, binding: &Binding, code: &str, place: &Place<'_>) {
        self.fault(ErrorCode::InvalidCode, place, || {
            format!("'{code}' is not a code of the required value set {}.", binding.value_set)
        });
    }
}

/// National APIs write `https://terminology.hl7.org/…` where the canonical is `http://`.
fn without_scheme(system: &str) -> &str {
    system.split_once("://").map_or(system, |(_, rest)| rest)
}
