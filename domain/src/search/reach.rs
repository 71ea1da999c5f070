//! Which types a search looks at: access is decided for these, and what is not named here cannot be seen by it.

use super::query::{Criterion, Include, Query};
use crate::conformance::{Definitions, TypeId};

/// The types whose resources a search matches, brings along or looks at through a chain; `None` for every type.
pub fn types(query: &Query) -> Option<Vec<TypeId>> {
    if query.types.is_empty() {
        return None;
    }
    let mut found = query.types.clone();
    of_criteria(&query.criteria, &mut found);
    for include in &query.includes {
        found.extend(of_include(include)?);
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

fn of_criteria(criteria: &[Criterion], found: &mut Vec<TypeId>) {
    for criterion in criteria {
        match criterion {
            Criterion::Chain { targets, criteria, .. } => {
                found.extend(targets);
                criteria.iter().for_each(|criteria| of_criteria(criteria, found));
            }
            Criterion::Has { source, criteria, .. } => {
                found.push(*source);
                of_criteria(criteria, found);
            }
            Criterion::Any(criteria) => of_criteria(criteria, found),
            Criterion::Id(_)
            | Criterion::LastUpdated(_)
            | Criterion::Matches { .. }
            | Criterion::Missing { .. }
            | Criterion::Never => {}
        }
    }
}

/// What an include brings along; `None` where its references may point to anything.
fn of_include(include: &Include) -> Option<Vec<TypeId>> {
    if include.reverse {
        return Some(vec![include.source]);
    }
    if let Some(target) = include.target {
        return Some(vec![target]);
    }
    let mut found = Vec::new();
    for parameter in &include.parameters {
        let targets = &Definitions::r4().parameter_of(*parameter).targets;
        if targets.is_empty() {
            return None;
        }
        found.extend(targets);
    }
    Some(found)
}

/// The types that the links of chains and `_has` need, one list for each link: of each at least one must be in reach.
pub(crate) fn links(criteria: &[Criterion]) -> Vec<Vec<TypeId>> {
    let mut found = Vec::new();
    for criterion in criteria {
        match criterion {
            Criterion::Chain { targets, criteria, .. } => {
                found.push(targets.clone());
                // A type without scope may stand beside one with it; only what follows for all types is needed.
                if let [criteria] = criteria.as_slice() {
                    found.extend(links(criteria));
                }
            }
            Criterion::Has { source, criteria, .. } => {
                found.push(vec![*source]);
                found.extend(links(criteria));
            }
            Criterion::Any(_)
            | Criterion::Id(_)
            | Criterion::LastUpdated(_)
            | Criterion::Matches { .. }
            | Criterion::Missing { .. }
            | Criterion::Never => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Instant;
    use crate::search::page::Seal;
    use crate::search::{Context, parse};

    fn query(type_: &str, pairs: &[(&str, &str)]) -> Query {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let seal = Seal { key: &[0; 32], caller: "" };
        let context = Context { base: "https://x.example", now: Instant(0), lenient: false, seal };
        parse(&context, Definitions::r4().type_id(type_), &pairs).unwrap().query
    }

    fn names(types: Vec<TypeId>) -> Vec<&'static str> {
        types.into_iter().map(|type_| Definitions::r4().type_name(type_)).collect()
    }

    #[test]
    fn a_search_looks_at_its_type_its_chains_and_what_it_brings_along() {
        for (type_, pairs, expected) in [
            ("Observation", &[("code", "x")][..], &["Observation"][..]),
            ("Observation", &[("subject:Patient.name", "x")], &["Observation", "Patient"]),
            (
                "Patient",
                &[("_has:Observation:patient:performer:Practitioner.name", "x")],
                &["Observation", "Patient", "Practitioner"],
            ),
            ("Observation", &[("_include", "Observation:patient")], &["Group", "Observation", "Patient"]),
            ("Observation", &[("_include", "Observation:subject:Device")], &["Device", "Observation"]),
            ("Patient", &[("_revinclude", "Condition:patient")], &["Condition", "Patient"]),
        ] {
            let mut found = names(types(&query(type_, pairs)).unwrap());
            found.sort_unstable();
            for name in expected {
                assert!(found.contains(name), "{pairs:?}: {found:?}");
            }
            assert!(found.len() <= expected.len(), "{pairs:?}: {found:?}");
        }
    }

    #[test]
    fn links_are_what_a_chain_cannot_do_without() {
        let found = links(
            &query("Patient", &[("_has:Observation:patient:performer:Practitioner.name", "x")]).criteria,
        );
        assert_eq!(found.into_iter().map(names).collect::<Vec<_>>(), [["Observation"], ["Practitioner"]]);
    }
}
