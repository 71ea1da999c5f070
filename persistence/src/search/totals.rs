//! How many resources a search matches: from the counts of types where it asks for no more, else by counting, or for an
//! estimate by counting up to a bound and in a sample beyond it. Each sees what the caller may see and nothing else.

use super::drive::Drive;
use super::rows;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::{Access, Reach};
use domain::conformance::{Definitions, TypeId};
use domain::search::query::{Query, Total};

/// Rows of a sample that one statement looks at.
const CHUNK: usize = 1024;

/// How estimates are made.
#[derive(Debug, Clone, Copy)]
pub struct Estimates {
    /// Matches up to which an estimate is the exact count.
    pub exact: i64,
    /// Rows looked at in a sample; smaller stores are counted exactly.
    pub sample: i64,
    /// Matches in a sample below which it says too little: then all are counted.
    pub enough: i64,
}

impl Estimates {
    /// A sample with a thousand matches is less than 10 % off in all but one of a thousand cases.
    pub const DEFAULT: Estimates = Estimates { exact: 10_000, sample: 65_536, enough: 1_000 };
}

/// The total that `query` asks for; `None` if it asks for none, or only for one that the page tells.
pub(super) fn total(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    drive: Option<&Drive>,
) -> Result<Option<u64>, Error> {
    if matches!(query.total, Total::None | Total::Known) {
        return Ok(None);
    }
    // The order makes no difference to the number.
    let query = Query { sort: Vec::new(), after: None, ..query.clone() };
    let count = match counted(access, &query) {
        Some(types) => of_types(tx, &types)?,
        None if query.total == Total::Estimate => estimate(tx, access, &query, drive)?,
        None => count(tx, access, &query, drive, None)?,
    };
    Ok(u64::try_from(count).ok())
}

/// The types that a search without conditions finds all of; `None` if it has conditions, or the caller's access has.
fn counted(access: &Access, query: &Query) -> Option<Vec<TypeId>> {
    if !query.criteria.is_empty() {
        return None;
    }
    let types: Vec<TypeId> = match query.types.as_slice() {
        [] => Definitions::r4().endpoints().collect(),
        types => types.to_vec(),
    };
    let whole = |type_: &TypeId| matches!(access.reach(*type_), Reach::All | Reach::None);
    types
        .iter()
        .all(whole)
        .then(|| types.into_iter().filter(|type_| *access.reach(*type_) == Reach::All).collect())
}

/// The counts kept of types.
fn of_types(tx: &mut Transaction<'_>, types: &[TypeId]) -> Result<i64, Error> {
    if types.is_empty() {
        return Ok(0);
    }
    let numbers: Vec<i64> = types.iter().map(|type_| tx.names.number(*type_)).collect();
    let mut statement =
        Statement::new("SELECT CAST(COALESCE(SUM(living), 0) AS BIGINT) FROM type_count WHERE type_id IN ");
    Ok(tx.connection.integers(statement.list(&numbers))?.pop().unwrap_or(0))
}

/// Counts matches, up to `most` if there is a bound.
fn count(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    drive: Option<&Drive>,
    most: Option<i64>,
) -> Result<i64, Error> {
    let mut statement = Statement::new("SELECT COUNT(*) FROM (");
    rows::select(&mut statement, tx, access, query, drive)?;
    if let Some(most) = most {
        statement.sql(" LIMIT ").integer(most);
    }
    statement.sql(") n");
    Ok(tx.connection.integers(&statement)?.pop().unwrap_or(0))
}

/// About how many matches there are.
fn estimate(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    drive: Option<&Drive>,
) -> Result<i64, Error> {
    let Estimates { exact, enough, .. } = tx.names.counts.estimates;
    // Where no index finds matches, counting a few of them may look at everything.
    if drive.is_some() {
        let found = count(tx, access, query, drive, Some(exact))?;
        if found < exact {
            return Ok(found);
        }
    }
    if let Some(step) = step(tx)? {
        let found = in_sample(tx, access, query, step)?;
        if found >= enough {
            return Ok(found.saturating_mul(step));
        }
    }
    count(tx, access, query, drive, None)
}

/// How far apart the rows of a sample are; `None` where there are too few rows for one.
fn step(tx: &mut Transaction<'_>) -> Result<Option<i64>, Error> {
    let step = last(tx)? / tx.names.counts.estimates.sample.max(1);
    Ok(Some(step).filter(|step| *step >= 2))
}

/// The last row.
fn last(tx: &mut Transaction<'_>) -> Result<i64, Error> {
    Ok(tx.connection.optional_integer(&Statement::new("SELECT MAX(rid) FROM resource"))?.unwrap_or(0))
}

/// Counts the matches among one row of each stretch of `step`, at a place in it that looks random. They are asked for by
/// number: from a query of the numbers PostgreSQL would start at the wrong end.
fn in_sample(tx: &mut Transaction<'_>, access: &Access, query: &Query, step: i64) -> Result<i64, Error> {
    let stretches: Vec<i64> = (0..=last(tx)? / step).collect();
    let mut found = 0;
    for stretches in stretches.chunks(CHUNK) {
        let rids: Vec<i64> =
            stretches.iter().map(|stretch| stretch * step + 1 + place(*stretch, step)).collect();
        let mut statement = Statement::new("SELECT COUNT(*) FROM (");
        rows::all(&mut statement, tx, access, query)?;
        statement.sql(" AND v.rid").any(tx.connection.dialect(), &rids).sql(") n");
        found += tx.connection.integers(&statement)?.pop().unwrap_or(0);
    }
    Ok(found)
}

/// A number from 0 to `step`, which is not reached, that has nothing to do with the order of rows (splitmix64).
fn place(stretch: i64, step: i64) -> i64 {
    let mixed = stretch.wrapping_add(1).wrapping_mul(-0x61c8_8646_80b5_83eb);
    let mixed = (mixed ^ ((mixed >> 30) & 0x3_ffff_ffff)).wrapping_mul(-0x40a7_b892_e31b_1a47);
    (mixed ^ ((mixed >> 27) & 0x1f_ffff_ffff)).rem_euclid(step)
}
