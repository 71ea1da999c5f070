//! Locks of PostgreSQL's writers on what need not exist. SQLite has one writer at a time and needs none.

use crate::connection::Connection;
use crate::dialect::Dialect;
use crate::error::busy;
use crate::statement::Statement;
use crate::transaction::{Locking, Transaction};
use domain::Error;
use domain::store::Lock;

/// Takes locks for a transaction. One that already holds some may not wait for more.
pub(crate) fn take(tx: &mut Transaction<'_>, locks: &[Lock]) -> Result<(), Error> {
    if tx.connection.dialect() == Dialect::Sqlite || locks.is_empty() {
        return Ok(());
    }
    tx.wanted.extend(locks);
    if !acquire(tx.connection, locks, tx.locking)? {
        tx.contended = true;
        return Err(busy("Another request is writing the same resource."));
    }
    tx.locking = Locking::Try;
    Ok(())
}

/// Takes advisory locks in order, so that two transactions that wait for all of theirs at once cannot block each other.
/// `false` if one was refused.
pub(crate) fn acquire(connection: &mut Connection, locks: &[Lock], locking: Locking) -> Result<bool, Error> {
    let mut locks = locks.to_vec();
    // What is held alone need not be shared too: of two locks with one key the first stays.
    locks.sort_unstable();
    locks.dedup_by_key(|lock| lock.key);
    let keys: Vec<i64> = locks.iter().map(|lock| lock.key).collect();
    // A lock's answer is no text and no number: counting it is the way to ask for it.
    let mut statement = if locks.iter().any(|lock| lock.shared) {
        let shared: Vec<i64> = locks.iter().map(|lock| i64::from(lock.shared)).collect();
        let mut statement = Statement::new(match locking {
            Locking::Wait => {
                "SELECT COUNT(CASE WHEN s = 1 THEN pg_advisory_xact_lock_shared(k)::text \
                 ELSE pg_advisory_xact_lock(k)::text END) * 0 FROM (SELECT * FROM unnest("
            }
            Locking::Try => {
                "SELECT COUNT(*) FILTER (WHERE NOT CASE WHEN s = 1 THEN pg_try_advisory_xact_lock_shared(k) \
                 ELSE pg_try_advisory_xact_lock(k) END) FROM (SELECT * FROM unnest("
            }
        });
        statement.array(&keys).sql(", ").array(&shared).sql(") AS u(k, s)");
        statement
    } else {
        let mut statement = Statement::new(match locking {
            Locking::Wait => "SELECT COUNT(pg_advisory_xact_lock(k)::text) * 0 FROM (SELECT unnest(",
            Locking::Try => {
                "SELECT COUNT(*) FILTER (WHERE NOT pg_try_advisory_xact_lock(k)) FROM (SELECT unnest("
            }
        });
        statement.array(&keys).sql(") AS k");
        statement
    };
    statement.sql(" ORDER BY 1) l");
    Ok(connection.integers(&statement)?.pop() == Some(0))
}
