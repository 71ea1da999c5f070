//! The codes that a ValueSet enumerates, as index rows, so that `:in` is answered by joins (`FHIR R4 valueset.html#compositions`).
//!
//! A set enumerates when `compose` lists every code, or else when it carries a whole expansion. Filters, whole code
//! systems and other value sets have to be worked out by a terminology service.

use super::{Facet, IndexEntry, Part};
use crate::conformance::{Definitions, ParameterId};
use crate::index::hash::text_key;
use crate::resource::json::Json;
use crate::search::kind::token::{code_key, key_row};
use std::collections::BTreeSet;

/// Whether a ValueSet enumerates its codes: what its row without a code says in `system`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub enum Why {
    /// It does.
    Enumerates = 0,
    /// It picks codes by a filter.
    Filter = 1,
    /// It takes in a code system whole.
    System = 2,
    /// It is made of other value sets.
    ValueSets = 3,
    /// It has neither a definition nor a whole expansion.
    Nothing = 4,
}

impl Why {
    /// What a stored row says.
    pub fn of(stored: i64) -> Why {
        let known = [Why::Enumerates, Why::Filter, Why::System, Why::ValueSets];
        known.into_iter().find(|why| *why as i64 == stored).unwrap_or(Why::Nothing)
    }

    /// Why it does not enumerate; nothing when it does.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Why::Enumerates => None,
            Why::Filter => Some("it picks codes by a filter"),
            Why::System => Some("it takes in a whole code system"),
            Why::ValueSets => Some("it is made of other value sets"),
            Why::Nothing => Some("it has neither codes in 'compose' nor a whole expansion"),
        }
    }
}

/// The parameter whose rows hold the codes.
pub fn parameter() -> Option<ParameterId> {
    let definitions = Definitions::r4();
    definitions
        .type_id("ValueSet")
        .and_then(|type_| definitions.parameter(type_, "code"))
        .map(|found| found.id)
}

/// A code and its system, by their keys.
type Code = (i64, i64);

/// Adds the rows of a ValueSet.
pub(super) fn index(resource: &Json<'_>, out: &mut Vec<IndexEntry>) {
    let Some(parameter) = parameter() else { return };
    let (codes, why) = match codes(resource) {
        Ok(codes) => (codes, Why::Enumerates),
        Err(why) => (BTreeSet::new(), why),
    };
    let rows = std::iter::once((0, why as i64)).chain(codes);
    out.extend(rows.map(|(code, system)| IndexEntry {
        parameter,
        facet: Facet::Member,
        part: Part::Itself,
        value: key_row(code, system),
    }));
}

fn codes(resource: &Json<'_>) -> Result<BTreeSet<Code>, Why> {
    let composed = resource.get("compose").map_or(Err(Why::Nothing), composed);
    composed.or_else(|why| resource.get("expansion").and_then(expanded).ok_or(why))
}

/// The codes that `compose` lists.
fn composed(compose: &Json<'_>) -> Result<BTreeSet<Code>, Why> {
    let mut codes = BTreeSet::new();
    for include in compose.get("include").map(Json::each).unwrap_or_default() {
        codes.extend(listed(include)?);
    }
    for exclude in compose.get("exclude").map(Json::each).unwrap_or_default() {
        match listed(exclude) {
            Ok(excluded) => codes.retain(|code| !excluded.contains(code)),
            Err(Why::System) => {
                let system = exclude.get("system").and_then(Json::as_str).map_or(0, text_key);
                codes.retain(|(_, of)| *of != system);
            }
            Err(why) => return Err(why),
        }
    }
    Ok(codes)
}

/// The codes of one `include` or `exclude`.
fn listed(set: &Json<'_>) -> Result<BTreeSet<Code>, Why> {
    let has = |member: &str| set.get(member).is_some_and(|value| !value.each().is_empty());
    if has("valueSet") {
        return Err(Why::ValueSets);
    }
    if has("filter") {
        return Err(Why::Filter);
    }
    if !has("concept") {
        return Err(Why::System);
    }
    let system = set.get("system").and_then(Json::as_str);
    let concepts = set.get("concept").map(Json::each).unwrap_or_default();
    Ok(concepts.iter().filter_map(|concept| code(system, concept)).collect())
}

fn code(system: Option<&str>, concept: &Json<'_>) -> Option<Code> {
    let code = concept.get("code").and_then(Json::as_str)?;
    Some((code_key(system, code), system.map_or(0, text_key)))
}

/// The codes of an expansion, if it is whole.
fn expanded(expansion: &Json<'_>) -> Option<BTreeSet<Code>> {
    let number = |member: &str| match expansion.get(member) {
        Some(Json::Number(number)) => number.parse::<usize>().ok(),
        _ => None,
    };
    let (mut codes, mut entries) = (BTreeSet::new(), 0);
    contained(expansion, &mut codes, &mut entries);
    let whole = number("offset").unwrap_or(0) == 0 && number("total").is_none_or(|total| total <= entries);
    (whole && entries > 0).then_some(codes)
}

/// Adds the codes below `node`; abstract ones are there for order alone.
fn contained(node: &Json<'_>, codes: &mut BTreeSet<Code>, entries: &mut usize) {
    for entry in node.get("contains").map(Json::each).unwrap_or_default() {
        *entries += 1;
        if entry.get("abstract") != Some(&Json::Bool(true)) {
            codes.extend(code(entry.get("system").and_then(Json::as_str), entry));
        }
        contained(entry, codes, entries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<usize, Why> {
        codes(&Json::parse(text.as_bytes()).unwrap()).map(|codes| codes.len())
    }

    #[test]
    fn what_lists_its_codes_enumerates() {
        let listed = r#"{"include":[{"system":"s","concept":[{"code":"a"},{"code":"b"}]},{"system":"t","concept":[{"code":"a"}]}]"#;
        assert_eq!(of(&format!(r#"{{"compose":{listed}}}}}"#)), Ok(3));
        let exclude = |text: &str| of(&format!(r#"{{"compose":{listed},"exclude":[{text}]}}}}"#));
        assert_eq!(exclude(r#"{"system":"s","concept":[{"code":"B"}]}"#), Ok(2));
        assert_eq!(exclude(r#"{"system":"s"}"#), Ok(1));
        assert_eq!(exclude(r#"{"valueSet":["x"]}"#), Err(Why::ValueSets));
        let expansion = r#""expansion":{"total":3,"contains":[{"abstract":true,"contains":[{"system":"s","code":"a"}]},{"system":"s","code":"b"}]}"#;
        assert_eq!(of(&format!("{{{expansion}}}")), Ok(2));
        assert_eq!(of(&format!(r#"{{{expansion},"compose":{{"include":[{{"system":"s"}}]}}}}"#)), Ok(2));
    }

    #[test]
    fn what_must_be_worked_out_does_not() {
        let include = |text: &str| of(&format!(r#"{{"compose":{{"include":[{text}]}}}}"#));
        assert_eq!(include(r#"{"system":"s"}"#), Err(Why::System));
        assert_eq!(include(r#"{"system":"s","filter":[{"op":"is-a"}]}"#), Err(Why::Filter));
        assert_eq!(
            include(r#"{"system":"s","concept":[{"code":"a"}],"valueSet":["x"]}"#),
            Err(Why::ValueSets)
        );
        assert_eq!(of("{}"), Err(Why::Nothing));
        let part = r#"{"expansion":{"total":9,"contains":[{"system":"s","code":"b"}]}}"#;
        assert_eq!(of(part), Err(Why::Nothing));
    }
}
