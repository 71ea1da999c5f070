//! Sort keys, the order they give, and the place where a page begins.

use super::ALIVE;
use crate::access::covered_any_living;
use crate::names::Names;
use crate::statement::Statement;
use domain::access::Access;
use domain::conformance::{Definitions, SearchKind};
use domain::index::Facet;
use domain::search::limits::MOST_SORT_KEYS;
use domain::search::query::{Query, Sort, SortBy, SortValue};
use domain::{Error, ErrorCode};

/// Who sorts, and by what.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    /// The database's numbers.
    pub(super) names: &'a Names,
    /// Only references to what it covers are sorted by: whether something else exists is not told.
    pub(super) access: &'a Access,
    /// The sort keys.
    pub(super) sorts: &'a [Sort],
    /// Whether of the contained resource `c` and not of the resource `v`.
    pub(super) of_part: bool,
}

/// Adds the value of a sort key of the resource `v`, or of what it contains. `_id` and `_lastUpdated` are the container's.
fn value(statement: &mut Statement, of: Order<'_>, sort: &Sort) -> Result<(), Error> {
    let parameters = match &sort.by {
        SortBy::LastUpdated => {
            statement.sql("v.updated_us");
            return Ok(());
        }
        SortBy::Id => {
            statement.sql("v.fhir_id");
            return Ok(());
        }
        by => by.parameters(),
    };
    // They are all of one kind.
    let kind = parameters.first().map(|first| Definitions::r4().kind_of(*first));
    let select = match (kind.ok_or_else(unsupported)?, sort.descending) {
        (SearchKind::Date, false) => "(SELECT MIN(i.lo) FROM ix_date i WHERE i.rid = ",
        (SearchKind::Date, true) => "(SELECT MAX(i.lo) FROM ix_date i WHERE i.rid = ",
        (SearchKind::String, false) => "(SELECT MIN(i.folded) FROM ix_string i WHERE i.rid = ",
        (SearchKind::String, true) => "(SELECT MAX(i.folded) FROM ix_string i WHERE i.rid = ",
        (SearchKind::Number, false) => "(SELECT MIN(i.lo) FROM ix_number i WHERE i.rid = ",
        (SearchKind::Number, true) => "(SELECT MAX(i.lo) FROM ix_number i WHERE i.rid = ",
        (SearchKind::Quantity, false) => "(SELECT MIN(i.lo) FROM ix_quantity i WHERE i.rid = ",
        (SearchKind::Quantity, true) => "(SELECT MAX(i.lo) FROM ix_quantity i WHERE i.rid = ",
        (SearchKind::Uri, false) => "(SELECT MIN(i.value) FROM ix_uri i WHERE i.rid = ",
        (SearchKind::Uri, true) => "(SELECT MAX(i.value) FROM ix_uri i WHERE i.rid = ",
        (SearchKind::Token, false) => "(SELECT MIN(NULLIF(i.text, '')) FROM ix_token i WHERE i.rid = ",
        (SearchKind::Token, true) => "(SELECT MAX(NULLIF(i.text, '')) FROM ix_token i WHERE i.rid = ",
        (SearchKind::Reference, descending) => {
            statement.sql(if descending { "(SELECT MAX(" } else { "(SELECT MIN(" });
            target(statement, of)?;
            ") FROM ix_reference i WHERE i.rid = "
        }
        _ => return Err(unsupported()),
    };
    statement.sql(select);
    if of.of_part {
        statement.sql("c.rid AND +i.p IN (");
        for (n, parameter) in parameters.iter().enumerate() {
            let any = of.names.p_of_any(*parameter, Facet::Value);
            statement.sql(if n > 0 { ", " } else { "" }).integer(any).sql(" + c.part");
        }
        statement.sql("))");
        return Ok(());
    }
    // As in conditions, `+` keeps SQLite from the index by value where that by `rid` does not hold all columns: it is in the
    // order of what is asked for, and was read from its lowest value up to that of `v`, for every `v`.
    statement.sql(match kind {
        Some(SearchKind::Date) => "v.rid AND i.p",
        _ => "v.rid AND +i.p",
    });
    match parameters {
        [parameter] => statement.sql(" = ").integer(of.names.p(*parameter, Facet::Value)),
        parameters => {
            let numbers: Vec<i64> =
                parameters.iter().map(|parameter| of.names.p(*parameter, Facet::Value)).collect();
            statement.sql(" IN ").list(&numbers)
        }
    };
    statement.sql(")");
    Ok(())
}

/// Adds what the reference `i` is sorted by.
fn target(statement: &mut Statement, of: Order<'_>) -> Result<(), Error> {
    statement
        .sql("CASE WHEN i.text <> '' THEN i.text ELSE (SELECT n.name || '/' || v.fhir_id FROM resource v ");
    statement.sql("CROSS JOIN resource_type n WHERE v.key = i.target AND n.id = v.type_id AND ").sql(ALIVE);
    covered_any_living(statement.sql(" AND "), of.names, of.access)?;
    statement.sql(") END");
    Ok(())
}

fn unsupported() -> Error {
    Error::new(ErrorCode::NotSupported, "Sorting by this kind of parameter is not supported yet.")
}

/// Names of the sort keys among the columns of a search's rows.
const KEYS: [(&str, &str, &str); MOST_SORT_KEYS] = [
    (" AS k0", "k0", ", k0"),
    (" AS k1", "k1", ", k1"),
    (" AS k2", "k2", ", k2"),
    (" AS k3", "k3", ", k3"),
    (" AS k4", "k4", ", k4"),
    (" AS k5", "k5", ", k5"),
    (" AS k6", "k6", ", k6"),
    (" AS k7", "k7", ", k7"),
    (" AS k8", "k8", ", k8"),
    (" AS k9", "k9", ", k9"),
    (" AS k10", "k10", ", k10"),
    (" AS k11", "k11", ", k11"),
    (" AS k12", "k12", ", k12"),
    (" AS k13", "k13", ", k13"),
    (" AS k14", "k14", ", k14"),
    (" AS k15", "k15", ", k15"),
];

/// Adds the sort keys as columns. `first` is where the first one stands already.
pub(super) fn keys(
    statement: &mut Statement,
    of: Order<'_>,
    first: Option<&'static str>,
) -> Result<(), Error> {
    for (n, (sort, (name, ..))) in of.sorts.iter().zip(KEYS).enumerate() {
        key(statement.sql(", "), of, sort, first.filter(|_| n == 0))?;
        statement.sql(name);
    }
    Ok(())
}

/// Adds a sort key: its column, if it has one, or its value.
fn key(
    statement: &mut Statement,
    of: Order<'_>,
    sort: &Sort,
    column: Option<&'static str>,
) -> Result<(), Error> {
    match column {
        Some(column) => {
            statement.sql(column);
            Ok(())
        }
        None => value(statement, of, sort),
    }
}

/// Adds the names of the sort keys as columns.
pub(super) fn names(statement: &mut Statement, sorts: &[Sort]) {
    for (_, (.., column)) in sorts.iter().zip(KEYS) {
        statement.sql(column);
    }
}

/// Begins a query of the resources of a page and their sort keys, of the rows that follow as `m`.
pub(super) fn resources(sorts: &[Sort]) -> Statement {
    let mut statement = columns(sorts);
    statement.sql(" FROM (");
    statement
}

/// The columns of a resource and the sort keys.
pub(super) fn columns(sorts: &[Sort]) -> Statement {
    let mut statement =
        Statement::new("SELECT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body");
    names(&mut statement, sorts);
    statement
}

/// Adds ` ORDER BY`: the keys, resources without a value last, then `rid`; all of it reversed to read backward. `present`
/// tells that no row lacks the first.
pub(super) fn order(statement: &mut Statement, query: &Query, rid: &'static str, present: bool) {
    statement.sql(" ORDER BY ");
    for (n, (sort, (_, name, _))) in query.sort.iter().zip(KEYS).enumerate() {
        // What is never missing can be read in the order of an index.
        let always = sort.by.parameters().is_empty();
        let may_lack = !(always || present && n == 0);
        statement.sql(name).sql(match (sort.descending != query.backward, may_lack, query.backward) {
            (false, false, _) => ", ",
            (true, false, _) => " DESC, ",
            (false, true, false) => " NULLS LAST, ",
            (true, true, false) => " DESC NULLS LAST, ",
            (false, true, true) => " NULLS FIRST, ",
            (true, true, true) => " DESC NULLS FIRST, ",
        });
    }
    statement.sql(rid).sql(if query.backward { " DESC" } else { "" });
}

/// Adds ` AND` that the resource comes after the place that the page borders on or, to read backward, before it. `first` is
/// the column of the first key, if it has one.
pub(super) fn beyond(
    statement: &mut Statement,
    of: Order<'_>,
    query: &Query,
    first: Option<&'static str>,
) -> Result<(), Error> {
    let row = if query.backward { " AND v.rid < " } else { " AND v.rid > " };
    beyond_row(statement, of, query, (row, &|n| first.filter(|_| n == 0)))
}

/// The same where all keys are columns, and `u.place` tells the matches apart.
pub(super) fn beyond_place(statement: &mut Statement, of: Order<'_>, query: &Query) -> Result<(), Error> {
    let row = if query.backward { " AND u.place < " } else { " AND u.place > " };
    beyond_row(statement, of, query, (row, &|n| KEYS.get(n).map(|(_, name, _)| *name)))
}

fn beyond_row(
    statement: &mut Statement,
    of: Order<'_>,
    query: &Query,
    (beyond_row, column): (&'static str, &dyn Fn(usize) -> Option<&'static str>),
) -> Result<(), Error> {
    let Some(position) = &query.after else { return Ok(()) };
    let (sorts, backward) = (of.sorts, query.backward);
    if sorts.is_empty() {
        statement.sql(beyond_row).integer(position.row);
        return Ok(());
    }
    statement.sql(" AND (");
    for differs in 0..=sorts.len() {
        statement.sql(if differs > 0 { " OR (1 = 1" } else { "(1 = 1" });
        for (n, (sort, held)) in sorts.iter().zip(&position.values).take(differs).enumerate() {
            statement.sql(" AND ");
            key(statement, of, sort, column(n))?;
            match held {
                None => statement.sql(" IS NULL"),
                Some(held) => bind(statement.sql(" = "), held),
            };
        }
        match sorts.get(differs).zip(position.values.get(differs)) {
            None => {
                statement.sql(beyond_row).integer(position.row);
            }
            // Those without a value are the last.
            Some((_, None)) if !backward => {
                statement.sql(" AND 1 = 0");
            }
            Some((sort, None)) => {
                statement.sql(" AND ");
                key(statement, of, sort, column(differs))?;
                statement.sql(" IS NOT NULL");
            }
            Some((sort, Some(held))) => {
                statement.sql(" AND (");
                key(statement, of, sort, column(differs))?;
                bind(statement.sql(if sort.descending != backward { " < " } else { " > " }), held);
                if !backward {
                    statement.sql(" OR ");
                    key(statement, of, sort, column(differs))?;
                    statement.sql(" IS NULL");
                }
                statement.sql(")");
            }
        }
        statement.sql(")");
    }
    statement.sql(")");
    Ok(())
}

fn bind<'s>(statement: &'s mut Statement, value: &SortValue) -> &'s mut Statement {
    match value {
        SortValue::Integer(value) => statement.integer(*value),
        SortValue::Text(value) => statement.text(value),
        SortValue::Real(value) => statement.real(*value),
    }
}
