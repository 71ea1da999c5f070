//! The current versions of what is about to be written: locked, then read, all in a few statements.

use super::read::{SELECT_CURRENT, key};
use super::stored;
use crate::access::covered;
use crate::connection::Connection;
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

/// Takes the locks of `keys`. A transaction that already holds some may not wait for more.
pub(crate) fn lock(tx: &mut Transaction<'_>, keys: &[i64]) -> Result<(), Error> {
    if tx.connection.dialect() == Dialect::Sqlite || keys.is_empty() {
        return Ok(());
    }
    tx.wanted.extend(keys);
    if !acquire(tx.connection, keys, tx.locking)? {
        tx.contended = true;
        return Err(busy("Another request is writing the same resource."));
    }
    tx.locking = Locking::Try;
    Ok(())
}

/// Takes advisory locks, which also hold what does not exist yet: in order, so that two transactions that wait for all
/// of theirs at once cannot block each other. `false` if one was refused.
pub(crate) fn acquire(connection: &mut Connection, keys: &[i64], locking: Locking) -> Result<bool, Error> {
    let mut locks = keys.to_vec();
    locks.sort_unstable();
    locks.dedup();
    let mut statement = Statement::new(match locking {
        // Its answer is no text and no number: counting it is the way to ask for it.
        Locking::Wait => "SELECT COUNT(pg_advisory_xact_lock(k)::text) * 0 FROM (SELECT unnest(",
        Locking::Try => {
            "SELECT COUNT(*) FILTER (WHERE NOT pg_try_advisory_xact_lock(k)) FROM (SELECT unnest("
        }
    });
    statement.array(&locks).sql(") AS k ORDER BY 1) l");
    Ok(connection.integers(&statement)?.pop() == Some(0))
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
