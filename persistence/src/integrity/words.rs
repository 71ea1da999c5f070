//! Whether the sets of words that resources share are all there. A set that no resource has any longer stays.

use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::index::{IndexEntry, IndexValue, Indexed};
use std::collections::{BTreeMap, BTreeSet};

/// Sets asked for at once.
const SETS: usize = 256;

/// The sets of words of a resource.
fn sets(indexed: &Indexed) -> impl Iterator<Item = (i64, &[i64])> {
    indexed.entries.iter().filter_map(|entry: &IndexEntry| match &entry.value {
        IndexValue::Words { set, words } => Some((*set, words.as_slice())),
        _ => None,
    })
}

/// How many words are missing from the stored sets of these resources, where some are.
pub(crate) fn incomplete<'i>(
    tx: &mut Transaction<'_>,
    resources: impl Iterator<Item = &'i Indexed>,
) -> Result<BTreeMap<i64, usize>, Error> {
    let mut wanted: BTreeMap<i64, BTreeSet<i64>> =
        resources.flat_map(sets).map(|(set, words)| (set, words.iter().copied().collect())).collect();
    let all: Vec<i64> = wanted.keys().copied().collect();
    for some in all.chunks(SETS) {
        let mut statement = Statement::new("SELECT words, word FROM ix_words WHERE words");
        statement.any(tx.connection.dialect(), some);
        for (set, word) in tx.connection.pairs(&statement)? {
            if let Some(words) = wanted.get_mut(&set) {
                words.remove(&word);
            }
        }
    }
    Ok(wanted
        .into_iter()
        .map(|(set, words)| (set, words.len()))
        .filter(|(_, missing)| *missing > 0)
        .collect())
}

/// How many words a resource is not found by.
pub(crate) fn missing(incomplete: &BTreeMap<i64, usize>, indexed: &Indexed) -> usize {
    sets(indexed).filter_map(|(set, _)| incomplete.get(&set)).sum()
}
