//! The current versions of what is about to be written: locked, then read, all in a few statements.

use super::read::{SELECT_CURRENT, key};
use super::{lock, stored};
use crate::access::covered;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::{Access, Reach};
use domain::conformance::TypeId;
use domain::id::Id;
use domain::store::{Current, Lock, Stored};
use std::collections::{HashMap, HashSet};

/// Keys that one statement looks for.
const KEYS: usize = 1024;

/// The current versions of `keys`, locked until the transaction ends.
pub(crate) fn current(
    tx: &mut Transaction<'_>,
    access: &Access,
    keys: &[(TypeId, Id)],
) -> Result<Vec<Current>, Error> {
    let numbers: Vec<i64> = keys.iter().map(|(type_, id)| key(*type_, id)).collect();
    let locks: Vec<Lock> = numbers.iter().map(|key| Lock { key: *key, shared: false }).collect();
    lock::take(tx, &locks)?;
    let mut found: HashMap<(TypeId, Id), Stored> = HashMap::with_capacity(keys.len());
    let mut by_type: HashMap<TypeId, Vec<i64>> = HashMap::new();
    for ((type_, _), number) in keys.iter().zip(&numbers) {
        by_type.entry(*type_).or_default().push(*number);
    }
    for (type_, numbers) in by_type {
        for numbers in numbers.chunks(KEYS) {
            for stored in covered_versions(tx, access, type_, numbers)? {
                found.insert((stored.type_, stored.id.clone()), stored);
            }
        }
    }
    let absent: Vec<i64> = keys
        .iter()
        .zip(&numbers)
        .filter(|((type_, _), _)| *access.reach(*type_) != Reach::All)
        .filter(|(key, _)| !found.contains_key(key))
        .map(|(_, number)| *number)
        .collect();
    let hidden = existing(tx, &absent)?;
    let state = |(key, number): (&(TypeId, Id), &i64)| match found.remove(key) {
        Some(stored) => Current::Present(stored),
        None if hidden.contains(number) => Current::Hidden,
        None => Current::Absent,
    };
    Ok(keys.iter().zip(&numbers).map(state).collect())
}

fn covered_versions(
    tx: &mut Transaction<'_>,
    access: &Access,
    type_: TypeId,
    keys: &[i64],
) -> Result<Vec<Stored>, Error> {
    let mut statement = Statement::new(SELECT_CURRENT);
    statement.sql("v.key").any(tx.connection.dialect(), keys);
    statement.sql(" AND v.type_id = ").integer(tx.names.number(type_)).sql(" AND ");
    covered(&mut statement, tx.names, access, type_)?;
    let rows = tx.connection.versions(&statement)?;
    rows.into_iter().map(|row| stored(tx.names, row)).collect()
}

/// Which of `keys` exist, whoever may see them.
fn existing(tx: &mut Transaction<'_>, keys: &[i64]) -> Result<HashSet<i64>, Error> {
    let mut found = HashSet::new();
    for keys in keys.chunks(KEYS) {
        let mut statement = Statement::new("SELECT key FROM resource WHERE key");
        statement.any(tx.connection.dialect(), keys);
        found.extend(tx.connection.integers(&statement)?);
    }
    Ok(found)
}
