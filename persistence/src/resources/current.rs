//! The current versions of what is about to be written: locked, then read, all in a few statements.

use super::read::{SELECT_CURRENT, key};
use super::stored;
use crate::access::covered;
use crate::dialect::Dialect;
use crate::error::busy;
use crate::statement::Statement;
use crate::transaction::{Locking, Transaction};
use domain::Error;
use domain::access::{Access, Reach};
use domain::conformance::TypeId;
use domain::id::Id;
use domain::store::{Current, Stored};
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
    lock(tx, &numbers)?;
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

/// Takes advisory locks, which also hold what does not exist yet: in order, so that two transactions that wait for all
/// of theirs at once cannot block each other. A transaction that already holds some may not wait for more.
fn lock(tx: &mut Transaction<'_>, keys: &[i64]) -> Result<(), Error> {
    if tx.connection.dialect() == Dialect::Sqlite || keys.is_empty() {
        return Ok(());
    }
    let mut locks = keys.to_vec();
    locks.sort_unstable();
    locks.dedup();
    let (waits, begin) = match tx.locking {
        Locking::Wait | Locking::Always => {
            (true, "SELECT COUNT(pg_advisory_xact_lock(k)::text) FROM (SELECT unnest(")
        }
        Locking::Try => {
            (false, "SELECT COUNT(*) FILTER (WHERE NOT pg_try_advisory_xact_lock(k)) FROM (SELECT unnest(")
        }
    };
    let mut statement = Statement::new(begin);
    statement.array(&locks).sql(") AS k ORDER BY 1) l");
    let refused = tx.connection.integers(&statement)?.pop().unwrap_or(0);
    if !waits && refused > 0 {
        tx.contended = true;
        return Err(busy("Another request is writing the same resource."));
    }
    if tx.locking == Locking::Wait {
        tx.locking = Locking::Try;
    }
    Ok(())
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
