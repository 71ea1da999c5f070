//! The rows that a search matches, found in indexes as far as they tell, and the resources of one page of them.

use super::drive::Drive;
use super::sort::Order;
use super::{ALIVE, arms, criterion, sort};
use crate::access::{covered_any_living, covered_living};
use crate::found::Found;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::{Access, Reach};
use domain::conformance::TypeId;
use domain::search::query::{Criterion, Query, SortBy};

/// Joins the rows of a page, `m`, with their resources.
pub(super) const OF_PAGE: &str = ") m CROSS JOIN resource v WHERE v.rid = m.rid";

/// The resources of the page of `query` and one more, if there are more, in the direction of reading.
pub(super) fn page(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    drive: Option<&Drive>,
) -> Result<Vec<Found>, Error> {
    let mut statement = sort::resources(&query.sort);
    match arms::of(access, query).filter(|_| drive.is_none()) {
        Some(arms) => arms::merged(&mut statement, tx, access, (query, &arms), true)?,
        None => {
            select(&mut statement, tx, access, query, drive)?;
            sort::beyond(&mut statement, by(tx, access, query), query, None)?;
        }
    }
    sort::order(&mut statement, query, "v.rid", false);
    statement.sql(" LIMIT ").integer(limit(query)).sql(OF_PAGE);
    sort::order(&mut statement, query, "m.rid", false);
    tx.connection.sorted_versions(&statement, !query.sort.is_empty())
}

/// What a query is sorted by.
pub(super) fn by<'a>(tx: &Transaction<'a>, access: &'a Access, query: &'a Query) -> Order<'a> {
    Order { names: tx.names, access, sorts: &query.sort, of_part: false }
}

/// One row more than the page holds.
pub(super) fn limit(query: &Query) -> i64 {
    i64::try_from(query.count).unwrap_or(i64::MAX - 1) + 1
}

/// Adds `SELECT rid, the sort keys FROM … WHERE …` of all matches, each once.
pub(super) fn select(
    statement: &mut Statement,
    tx: &Transaction<'_>,
    access: &Access,
    query: &Query,
    drive: Option<&Drive>,
) -> Result<(), Error> {
    let Some(drive) = drive else {
        if let Some(arms) = arms::of(access, query) {
            return arms::merged(statement, tx, access, (query, &arms), false);
        }
        return all(statement, tx, access, query);
    };
    let rest = query.criteria.iter().enumerate().filter(|(place, _)| drive.meets != Some(*place));
    let (of_index, others): (Vec<&Criterion>, Vec<&Criterion>) =
        rest.map(|(_, criterion)| criterion).partition(|criterion| criterion::is_of_index(criterion));
    let index_suffices = drive.living && others.is_empty() && is_of_index(access, query);
    if index_suffices {
        statement.sql(if drive.unique { "SELECT v.rid AS rid" } else { "SELECT DISTINCT v.rid AS rid" });
        sort::keys(statement, by(tx, access, query), None)?;
    } else {
        statement.sql("SELECT v.rid AS rid");
        sort::keys(statement, by(tx, access, query), None)?;
        statement.sql(" FROM (").sql(if drive.unique {
            "SELECT v.rid AS rid"
        } else {
            "SELECT DISTINCT v.rid AS rid"
        });
    }
    statement.sql(" FROM (").append(drive.rows.clone()).sql(") v WHERE 1 = 1");
    for criterion in of_index {
        criterion::one(statement.sql(" AND "), tx.names, access, criterion)?;
    }
    if index_suffices {
        if let [type_] = query.types.as_slice() {
            covered_living(statement.sql(" AND "), tx.names, access, *type_)?;
        }
        return Ok(());
    }
    statement.sql(") d CROSS JOIN resource v WHERE v.rid = d.rid AND ");
    living(statement, tx, access, &query.types)?;
    for criterion in others {
        criterion::one(statement.sql(" AND "), tx.names, access, criterion)?;
    }
    Ok(())
}

/// Adds the same as [`select`] from the table of all resources, ending in conditions on `v`.
pub(super) fn all(
    statement: &mut Statement,
    tx: &Transaction<'_>,
    access: &Access,
    query: &Query,
) -> Result<(), Error> {
    statement.sql("SELECT v.rid AS rid");
    sort::keys(statement, by(tx, access, query), None)?;
    statement.sql(" FROM resource v WHERE ");
    living(statement, tx, access, &query.types)?;
    criterion::all(statement, tx.names, access, &query.criteria)
}

/// Whether the access to the type searched and the order are told by index rows.
pub(super) fn is_of_index(access: &Access, query: &Query) -> bool {
    let [type_] = query.types.as_slice() else { return false };
    let seen = match access.reach(*type_) {
        Reach::All | Reach::None => true,
        Reach::Any(clauses) => {
            clauses.iter().all(|clause| clause.criteria.iter().all(criterion::is_of_index))
        }
    };
    seen && query.sort.iter().all(|sort| matches!(sort.by, SortBy::Parameter(_)))
}

/// Adds type, life and access of the resource `v`, of one of `types` or of any when there are none.
pub(super) fn living(
    statement: &mut Statement,
    tx: &Transaction<'_>,
    access: &Access,
    types: &[TypeId],
) -> Result<(), Error> {
    match types {
        [] => covered_any_living(statement.sql(ALIVE).sql(" AND "), tx.names, access),
        [type_] => {
            statement
                .sql("v.type_id = ")
                .integer(tx.names.number(*type_))
                .sql(" AND ")
                .sql(ALIVE)
                .sql(" AND ");
            covered_living(statement, tx.names, access, *type_)
        }
        types => {
            let numbers: Vec<i64> = types.iter().map(|type_| tx.names.number(*type_)).collect();
            statement.sql("v.type_id IN ").list(&numbers).sql(" AND ").sql(ALIVE).sql(" AND ");
            covered_any_living(statement, tx.names, access)
        }
    }
}
