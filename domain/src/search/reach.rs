//! Which types a search cannot do without at the links of its chains.

use super::query::Criterion;
use crate::conformance::TypeId;

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
            Criterion::Any(criteria) | Criterion::All(criteria) => found.extend(links(criteria)),
            Criterion::Contains { criteria, .. } => found.extend(links(criteria)),
            Criterion::Not(criterion) | Criterion::Container(criterion) => {
                found.extend(links(std::slice::from_ref(criterion)));
            }
            // Of several types one without scope may stand beside one with it, as of a chain.
            Criterion::ByType(_)
            | Criterion::Compartment { .. }
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
    use crate::conformance::Definitions;
    use crate::search::page::Seal;
    use crate::search::{Context, Limits, parse};

    fn criteria(type_: &str, pairs: &[(&str, &str)]) -> Vec<Criterion> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let seal = Seal { key: &[0; 32], caller: "" };
        let parameters = crate::conformance::SearchParameters::r4();
        let context = Context {
            parameters,
            base: "https://x.example",
            now: Instant(0),
            lenient: false,
            seal,
            limits: &Limits::DEFAULT,
        };
        parse(&context, Definitions::r4().type_id(type_), &pairs).unwrap().query.criteria
    }

    fn names(types: Vec<TypeId>) -> Vec<&'static str> {
        types.into_iter().map(|type_| Definitions::r4().type_name(type_)).collect()
    }

    #[test]
    fn links_are_what_a_chain_cannot_do_without() {
        let found =
            links(&criteria("Patient", &[("_has:Observation:patient:performer:Practitioner.name", "x")]));
        assert_eq!(found.into_iter().map(names).collect::<Vec<_>>(), [["Observation"], ["Practitioner"]]);
    }
}
