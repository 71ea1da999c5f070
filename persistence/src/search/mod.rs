//! Search: a checked Query and an Access become statements.

pub(crate) mod criterion;
mod drive;
mod include;
mod sort;
mod test;

use crate::access::{covered, covered_any};
use crate::resources::stored;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::search::query::{Position, Query, Total};
use domain::store::{Matches, Stored};

const SELECT: &str = "SELECT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body FROM ";

const COUNT: &str = "SELECT COUNT(*) FROM ";

/// Resources that are not deleted.
pub(super) const ALIVE: &str = "v.method <> 3";

/// Adds the rows searched, as `v`: all, or first those of the driving condition (`CROSS JOIN` keeps SQLite to that order).
fn rows(statement: &mut Statement, drive: Option<&Statement>) {
    match drive {
        None => statement.sql("resource v WHERE "),
        Some(drive) => statement
            .sql("(SELECT DISTINCT rid FROM (")
            .append(drive.clone())
            .sql(") n) d CROSS JOIN resource v WHERE v.rid = d.rid AND "),
    };
}

/// Runs a search. `access` is a criterion of matches, total, chains and what is brought along.
pub(crate) fn run(tx: &mut Transaction<'_>, access: &Access, query: &Query) -> Result<Matches, Error> {
    let drive = drive::choose(tx, access, query)?;
    let total = if query.total == Total::None {
        None
    } else {
        let mut statement = Statement::new(COUNT);
        rows(&mut statement, drive.as_ref());
        conditions(&mut statement, tx, access, query)?;
        tx.connection.integers(&statement)?.pop().and_then(|count| u64::try_from(count).ok())
    };
    if query.count == 0 {
        return Ok(Matches { matches: vec![], included: vec![], included_cut: false, total, next: None });
    }
    let mut statement = Statement::new(SELECT);
    rows(&mut statement, drive.as_ref());
    conditions(&mut statement, tx, access, query)?;
    if let Some(position) = &query.after {
        sort::after(&mut statement, tx, &query.sort, position)?;
    }
    sort::order(&mut statement, tx, &query.sort)?;
    statement.sql(" LIMIT ").integer(i64::try_from(query.count).unwrap_or(i64::MAX - 1) + 1);
    let found = tx.connection.versions(&statement)?;
    let more = found.len() > query.count;
    let matches: Vec<Stored> =
        found.into_iter().take(query.count).map(|row| stored(tx.names, row)).collect::<Result<_, _>>()?;
    let next = match matches.last().filter(|_| more) {
        Some(last) => Some(Position { values: sort::values(tx, &query.sort, last)?, row: last.row }),
        None => None,
    };
    let (included, included_cut) = include::bring(tx, access, query, &matches)?;
    Ok(Matches { matches, included, included_cut, total, next })
}

/// Type, life, access and criteria.
fn conditions(
    statement: &mut Statement,
    tx: &Transaction<'_>,
    access: &Access,
    query: &Query,
) -> Result<(), Error> {
    statement.sql(ALIVE).sql(" AND ");
    match query.types.as_slice() {
        [] => covered_any(statement, tx.names, access)?,
        [type_] => {
            statement.sql("v.type_id = ").integer(tx.names.number(*type_)).sql(" AND ");
            covered(statement, tx.names, access, *type_)?;
        }
        types => {
            let numbers: Vec<i64> = types.iter().map(|type_| tx.names.number(*type_)).collect();
            statement.sql("v.type_id IN ").list(&numbers).sql(" AND ");
            covered_any(statement, tx.names, access)?;
        }
    }
    criterion::all(statement, tx.names, access, &query.criteria)
}
