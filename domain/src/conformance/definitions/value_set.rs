//! The value sets of required bindings, where their codes can be enumerated.

use super::table::rows;
use rustc_hash::{FxHashMap, FxHashSet};

const VALUE_SETS: &str = include_str!("../../../definitions/value_sets.tsv");
const CODES: &str = include_str!("../../../definitions/codes.tsv");

/// The enumerable value sets.
pub(super) struct ValueSets {
    sets: FxHashMap<&'static str, FxHashSet<&'static str>>,
    /// The system of sets whose codes are all of one.
    systems: FxHashMap<&'static str, Option<&'static str>>,
}

impl ValueSets {
    pub(super) fn load() -> ValueSets {
        let mut sets: FxHashMap<&'static str, FxHashSet<&'static str>> = FxHashMap::default();
        let mut systems = FxHashMap::default();
        for mut row in rows(VALUE_SETS) {
            let (value_set, _count, not_enumerable) = (row.next(), row.next(), row.next());
            if not_enumerable.is_empty() {
                sets.insert(value_set, FxHashSet::default());
            }
        }
        for mut row in rows(CODES) {
            let (value_set, system, code) = (row.next(), row.next(), row.next());
            let one = systems.entry(value_set).or_insert(Some(system));
            *one = one.filter(|one| *one == system);
            if let Some(set) = sets.get_mut(value_set) {
                set.insert(code);
            }
        }
        ValueSets { sets, systems }
    }

    pub(super) fn enumerable(&self, value_set: &str) -> bool {
        self.sets.contains_key(value_set)
    }

    pub(super) fn contains(&self, value_set: &str, code: &str) -> bool {
        self.sets.get(value_set).is_none_or(|set| set.contains(code))
    }

    pub(super) fn system(&self, value_set: &str) -> Option<&'static str> {
        self.systems.get(value_set).copied().flatten()
    }

    pub(super) fn codes(&self, value_set: &str) -> Option<Vec<&'static str>> {
        self.sets.get(value_set).map(|set| {
            let mut codes: Vec<&'static str> = set.iter().copied().collect();
            codes.sort_unstable();
            codes
        })
    }
}
