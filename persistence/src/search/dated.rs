//! Pages of a search sorted by a date of which no condition finds few rows: the index of that date gives the order, and
//! the scan ends with the page. Resources without the date come last, by a second statement.

use super::drive::is_of;
use super::rows::{OF_PAGE, by, is_of_index, limit, living, page as without_date};
use super::{criterion, sort};
use crate::access::covered_living;
use crate::found::Found;
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

/// The resources of the page of `query` and one more, if there are more, in the direction of reading.
pub(super) fn page(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    parameter: ParameterId,
) -> Result<Vec<Found>, Error> {
    let held = query.after.as_ref().and_then(|position| position.values.first());
    // Where the page borders on: one with the date, one without, or none.
    let (from, among_undated) = match held {
        Some(Some(SortValue::Integer(held))) => (Some(*held), false),
        Some(_) => (None, true),
        None => (None, false),
    };
    let skipped = if query.backward { from.is_some() } else { among_undated };
    let mut found = Vec::new();
    if !skipped {
        found = part(tx, access, query, (parameter, from, query.backward))?;
    }
    let missing = limit(query) - i64::try_from(found.len()).unwrap_or(i64::MAX);
    if missing > 0 {
        let rest = Query { count: usize::try_from(missing - 1).unwrap_or(0), ..query.clone() };
        found.extend(part(tx, access, &rest, (parameter, from, !query.backward))?);
    }
    Ok(found)
}

/// The first resources of one of the two parts: those with the date (of `from` and beyond), or those without.
fn part(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    (parameter, from, undated): (ParameterId, Option<i64>, bool),
) -> Result<Vec<Found>, Error> {
    if !undated {
        return with_date(tx, access, query, (parameter, from));
    }
    let mut rest = Query {
        sort: query.sort.iter().skip(1).cloned().collect(),
        after: query.after.as_ref().filter(|_| from.is_none()).map(|position| Position {
            values: position.values.iter().skip(1).cloned().collect(),
            row: position.row,
        }),
        ..query.clone()
    };
    rest.criteria.push(Criterion::Missing { parameter, missing: true });
    let mut found = without_date(tx, access, &rest, None)?;
    for one in &mut found {
        one.keys.insert(0, None);
    }
    Ok(found)
}

/// Those that have the date, from `held` on.
fn with_date(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    (parameter, held): (ParameterId, Option<i64>),
) -> Result<Vec<Found>, Error> {
    let descending = query.sort.first().is_some_and(|sort| sort.descending);
    let p = tx.names.p(parameter, Facet::Value);
    let index_suffices = query.criteria.iter().all(criterion::is_of_index) && is_of_index(access, query);
    let mut statement = sort::resources(&query.sort);
    // The first key is the index's own column.
    let first = if index_suffices { "v.lo" } else { "d.lo" };
    statement.sql("SELECT v.rid AS rid");
    sort::keys(&mut statement, by(tx, access, query), Some(first))?;
    statement
        .sql(" FROM (SELECT i.rid AS rid, i.lo AS lo, i.hi AS hi FROM ix_date i WHERE i.p = ")
        .integer(p);
    if let Some(held) = held {
        statement
            .sql(if descending != query.backward { " AND i.lo <= " } else { " AND i.lo >= " })
            .integer(held);
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
    if held.is_some() {
        sort::beyond(&mut statement, by(tx, access, query), query, Some(first))?;
    }
    sort::order(&mut statement, query, "v.rid", true);
    statement.sql(" LIMIT ").integer(limit(query)).sql(OF_PAGE);
    sort::order(&mut statement, query, "m.rid", true);
    tx.connection.sorted_versions(&statement, true)
}
