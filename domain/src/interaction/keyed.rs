//! Where the resources that a transaction makes stand by the values that its conditions ask for, so that a condition looks
//! at a few of them and not at all.

use super::conditional::Condition;
use crate::conformance::ParameterId;
use crate::index::{Facet, IndexValue, Indexed};
use crate::search::query::{Criterion, Test, TextMatch};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A parameter in a facet.
type Which = (ParameterId, Facet);

/// Places of resources by their values of the parameters that conditions ask for.
#[derive(Default)]
pub(super) struct Keyed {
    wanted: HashSet<Which>,
    numbers: HashMap<(Which, i64), Vec<usize>>,
    texts: BTreeMap<(Which, String), Vec<usize>>,
}

/// What one test asks for.
enum Key<'t> {
    Number(i64),
    /// What the folded text begins with.
    Prefix(&'t str),
}

impl Keyed {
    /// For these conditions.
    pub(super) fn of<'c>(conditions: impl Iterator<Item = &'c Condition>) -> Keyed {
        Keyed {
            wanted: conditions.filter_map(|condition| Some(keys(condition)?.0)).collect(),
            ..Keyed::default()
        }
    }

    /// Takes note of the resource at `at`.
    pub(super) fn add(&mut self, at: usize, indexed: &Indexed) {
        for row in &indexed.entries {
            let which = (row.parameter, row.facet);
            if !self.wanted.contains(&which) {
                continue;
            }
            match &row.value {
                IndexValue::Token { code: number, .. } | IndexValue::Reference { target: number, .. } => {
                    self.numbers.entry((which, *number)).or_default().push(at);
                }
                IndexValue::String { folded, .. } => {
                    self.texts.entry((which, folded.clone())).or_default().push(at);
                }
                _ => {}
            }
        }
    }

    /// The places among which those that a condition selects are; `None` means all.
    pub(super) fn places(&self, condition: &Condition) -> Option<BTreeSet<usize>> {
        let (which, keys) = keys(condition)?;
        let mut places = BTreeSet::new();
        for key in keys {
            match key {
                Key::Number(number) => {
                    places.extend(self.numbers.get(&(which, number)).into_iter().flatten())
                }
                Key::Prefix(prefix) => {
                    let from = self.texts.range((which, prefix.to_owned())..);
                    let within = from.take_while(|((of, text), _)| *of == which && text.starts_with(prefix));
                    places.extend(within.flat_map(|(_, places)| places));
                }
            }
        }
        Some(places)
    }
}

/// The first parameter whose value a condition asks for by keys, and these.
fn keys(condition: &Condition) -> Option<(Which, Vec<Key<'_>>)> {
    condition.query.criteria.iter().find_map(|criterion| match criterion {
        Criterion::Matches { parameter, facet, tests, negated: false } => {
            let mut keys = Vec::with_capacity(tests.len());
            for test in tests {
                match test {
                    Test::Token { code: Some(code), .. } => keys.push(Key::Number(*code)),
                    Test::Reference { targets, .. } => keys.extend(targets.iter().map(|to| Key::Number(*to))),
                    Test::Text { how: TextMatch::Starts, text } => keys.push(Key::Prefix(text)),
                    _ => return None,
                }
            }
            Some(((*parameter, *facet), keys))
        }
        _ => None,
    })
}
