//! How many rows a condition finds, up to a bound: it decides what a search starts from, never what it answers, so that
//! a count may be remembered for a while.

use super::totals::Estimates;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::conformance::TypeId;
use moka::sync::Cache;
use std::time::Duration;

/// Counts remembered.
const CAPACITY: u64 = 100_000;

/// Seconds for which a count is remembered.
const LIFETIME: u64 = 30;

/// Counts of conditions, by the fingerprint of their statement.
pub(crate) struct Counts {
    known: Cache<u64, i64>,
    /// Rows from which on a condition finds many.
    many: i64,
    /// How totals are estimated.
    pub(super) estimates: Estimates,
}

impl Counts {
    /// No counts yet. A condition that finds fewer than `many` rows is selective.
    pub(crate) fn new(many: i64, estimates: Estimates) -> Counts {
        let known = Cache::builder().max_capacity(CAPACITY).time_to_live(Duration::from_secs(LIFETIME));
        Counts { known: known.build(), many, estimates }
    }
}

/// The number of rows of `rows`; `None` if they are many.
pub(super) fn few(tx: &mut Transaction<'_>, rows: &Statement) -> Result<Option<i64>, Error> {
    let many = tx.names.counts.many;
    let mut statement = Statement::new("SELECT COUNT(*) FROM (");
    statement.append(rows.clone()).sql(" LIMIT ").integer(many).sql(") n");
    let count = remembered(tx, &statement)?.unwrap_or(many);
    Ok((count < many).then_some(count))
}

/// How many resources of a type are not deleted.
pub(super) fn living(tx: &mut Transaction<'_>, type_: TypeId) -> Result<i64, Error> {
    let mut statement =
        Statement::new("SELECT CAST(COALESCE(SUM(living), 0) AS BIGINT) FROM type_count WHERE type_id = ");
    statement.integer(tx.names.number(type_));
    Ok(remembered(tx, &statement)?.unwrap_or(0))
}

/// The number that a statement gives, or gave lately.
fn remembered(tx: &mut Transaction<'_>, statement: &Statement) -> Result<Option<i64>, Error> {
    let known = &tx.names.counts.known;
    let fingerprint = statement.fingerprint();
    if let Some(count) = known.get(&fingerprint) {
        return Ok(Some(count));
    }
    let count = tx.connection.integers(statement)?.pop();
    count.into_iter().for_each(|count| known.insert(fingerprint, count));
    Ok(count)
}
