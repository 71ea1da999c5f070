//! Pages of a search sorted by a date of which no condition finds few rows: the index of that date gives the order, and
//! the scan ends with the page. Resources without the date come last, by a second statement.

use super::drive::is_of;
use super::rows::{OF_PAGE, RESOURCES, by, is_of_index, limit, living, page as undated};
use super::{criterion, sort};
use crate::access::covered_living;
use crate::connection::VersionRow;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::conformance::{ParameterId, SearchKind};
use domain::index::Facet;
use domain::search::query::{Criterion, Position, Query, Sort, SortBy, SortValue};

/// The date by which `query` is sorted first, if one index holds it for the type searched.
pub(super) fn parameter(query: &Query) -> Option<ParameterId> {
    let ([type_], Some(Sort { by: SortBy::Parameter(parameter), .. })) =
        (query.types.as_slice(), query.sort.first())
    else {
        return None;
    };
    let fits = criterion::kind_of(*parameter) == SearchKind::Date && is_of(*parameter, *type_);
    fits.then_some(*parameter)
}

/// The resources of the page of `query` and one more, if there are more.
pub(super) fn page(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    parameter: ParameterId,
) -> Result<Vec<VersionRow>, Error> {
    let held = query.after.as_ref().and_then(|position| position.values.first());
    let mut found = match held {
        Some(None) => Vec::new(),
        Some(Some(SortValue::Integer(held))) => with_date(tx, access, query, (parameter, Some(*held)))?,
        _ => with_date(tx, access, query, (parameter, None))?,
    };
    let missing = limit(query) - i64::try_from(found.len()).unwrap_or(i64::MAX);
    if missing > 0 {
        let mut rest = Query {
            sort: query.sort.iter().skip(1).copied().collect(),
            count: usize::try_from(missing - 1).unwrap_or(0),
            after: query.after.as_ref().filter(|_| matches!(held, Some(None))).map(|position| Position {
                values: position.values.iter().skip(1).cloned().collect(),
                row: position.row,
            }),
            ..query.clone()
        };
        rest.criteria.push(Criterion::Missing { parameter, missing: true });
        found.extend(undated(tx, access, &rest, None)?);
    }
    Ok(found)
}

/// Those that have the date, from `held` on.
fn with_date(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    (parameter, held): (ParameterId, Option<i64>),
) -> Result<Vec<VersionRow>, Error> {
    let descending = query.sort.first().is_some_and(|sort| sort.descending);
    let p = tx.names.p(parameter, Facet::Value);
    let index_suffices = query.criteria.iter().all(criterion::is_of_index) && is_of_index(access, query);
    let mut statement = Statement::new(RESOURCES);
    // The first key is the index's own column.
    let first = if index_suffices { "v.lo" } else { "d.lo" };
    statement.sql("SELECT v.rid AS rid");
    sort::keys(&mut statement, by(tx, access, query), Some(first))?;
    statement
        .sql(" FROM (SELECT i.rid AS rid, i.lo AS lo, i.hi AS hi FROM ix_date i WHERE i.p = ")
        .integer(p);
    if let Some(held) = held {
        statement.sql(if descending { " AND i.lo <= " } else { " AND i.lo >= " }).integer(held);
    }
    if index_suffices {
        statement.sql(") v WHERE ");
        if let [type_] = query.types.as_slice() {
            covered_living(&mut statement, tx.names, access, *type_)?;
        }
    } else {
        statement.sql(") d CROSS JOIN resource v WHERE v.rid = d.rid AND ");
        living(&mut statement, tx, access, &query.types)?;
    }
    criterion::all(&mut statement, tx.names, access, &query.criteria)?;
    // Of several dates the one sorted by speaks for the resource.
    statement.sql(match (index_suffices, descending) {
        (true, true) => " AND (SELECT 1 FROM ix_date j WHERE j.rid = v.rid AND (j.lo > v.lo OR (j.lo = v.lo AND j.hi > v.hi)) AND j.p = ",
        (true, false) => " AND (SELECT 1 FROM ix_date j WHERE j.rid = v.rid AND (j.lo < v.lo OR (j.lo = v.lo AND j.hi < v.hi)) AND j.p = ",
        (false, true) => " AND (SELECT 1 FROM ix_date j WHERE j.rid = d.rid AND (j.lo > d.lo OR (j.lo = d.lo AND j.hi > d.hi)) AND j.p = ",
        (false, false) => " AND (SELECT 1 FROM ix_date j WHERE j.rid = d.rid AND (j.lo < d.lo OR (j.lo = d.lo AND j.hi < d.hi)) AND j.p = ",
    });
    statement.integer(p).sql(criterion::NONE);
    if let Some(position) = query.after.as_ref().filter(|_| held.is_some()) {
        sort::after(&mut statement, by(tx, access, query), position, Some(first))?;
    }
    sort::order(&mut statement, &query.sort, "v.rid", true);
    statement.sql(" LIMIT ").integer(limit(query)).sql(OF_PAGE);
    sort::order(&mut statement, &query.sort, "m.rid", true);
    tx.connection.versions(&statement)
}
