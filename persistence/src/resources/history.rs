//! Versions: one of them, and the pages of a history.

use super::read::{key, read};
use super::stored;
use crate::access::{covered, covered_any};
use crate::dialect::Dialect;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::conformance::TypeId;
use domain::id::Id;
use domain::store::{HistoryPage, HistoryPosition, HistoryQuery, HistoryScope, Listed, Stored};
use std::collections::BTreeMap;

const COLUMNS: &str = "SELECT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body FROM ";

const COUNT: &str = "SELECT COUNT(*) FROM ";

/// All versions, current and earlier, as `v`.
const VERSIONS: &str = "(SELECT rid, type_id, fhir_id, key, version, updated_us, method, body FROM resource \
     UNION ALL \
     SELECT h.rid, h.type_id, r.fhir_id, r.key, h.version, h.updated_us, h.method, h.body \
     FROM history h JOIN resource r ON r.rid = h.rid) v WHERE ";

/// A version of a resource, if `access` covers that version.
pub(crate) fn vread(
    tx: &mut Transaction<'_>,
    access: &Access,
    type_: TypeId,
    id: &Id,
    version: i64,
) -> Result<Option<Stored>, Error> {
    if let Some(current) = read(tx, access, type_, id)?.filter(|current| current.version == version) {
        return Ok(Some(current));
    }
    let mut statement = Statement::new(COLUMNS);
    statement.sql(VERSIONS).sql("v.key = ").integer(key(type_, id));
    statement.sql(" AND v.type_id = ").integer(tx.names.number(type_));
    statement
        .sql(" AND v.fhir_id = ")
        .text(id.as_str())
        .sql(" AND v.version = ")
        .integer(version)
        .sql(" AND ");
    covered(&mut statement, tx.names, access, type_)?;
    let row = tx.connection.versions(&statement)?.pop();
    row.map(|row| stored(tx.names, row)).transpose()
}

/// A page of a history, newest first.
pub(crate) fn page(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &HistoryQuery,
) -> Result<HistoryPage, Error> {
    let total = if query.total {
        let mut statement = Statement::new(COUNT);
        conditions(&mut statement, tx, access, query)?;
        tx.connection.integers(&statement)?.pop().and_then(|count| u64::try_from(count).ok())
    } else {
        None
    };
    if query.count == 0 {
        return Ok(HistoryPage { versions: Vec::new(), total, next: None });
    }
    let mut statement = Statement::new(COLUMNS);
    conditions(&mut statement, tx, access, query)?;
    if let Some(HistoryPosition { updated, row, version }) = query.after {
        statement.sql(" AND (v.updated_us, v.rid, v.version) < (").integer(updated.0);
        statement.sql(", ").integer(row).sql(", ").integer(version).sql(")");
    }
    let limit = i64::try_from(query.count).unwrap_or(i64::MAX - 1) + 1;
    statement.sql(" ORDER BY v.updated_us DESC, v.rid DESC, v.version DESC LIMIT ").integer(limit);
    let rows = tx.connection.versions(&statement)?;
    let more = rows.len() > query.count;
    let versions: Vec<Stored> =
        rows.into_iter().take(query.count).map(|row| stored(tx.names, row)).collect::<Result<_, _>>()?;
    let next = versions.last().filter(|_| more).map(|last| HistoryPosition {
        updated: last.updated,
        row: last.row,
        version: last.version,
    });
    Ok(HistoryPage { versions, total, next })
}

fn conditions(
    statement: &mut Statement,
    tx: &Transaction<'_>,
    access: &Access,
    query: &HistoryQuery,
) -> Result<(), Error> {
    statement.sql(VERSIONS);
    match &query.scope {
        HistoryScope::Instance(type_, id) => {
            statement.sql("v.key = ").integer(key(*type_, id));
            statement.sql(" AND v.type_id = ").integer(tx.names.number(*type_));
            statement.sql(" AND v.fhir_id = ").text(id.as_str()).sql(" AND ");
            covered(statement, tx.names, access, *type_)?;
        }
        HistoryScope::Type(type_) => {
            statement.sql("v.type_id = ").integer(tx.names.number(*type_)).sql(" AND ");
            covered(statement, tx.names, access, *type_)?;
        }
        HistoryScope::System => covered_any(statement, tx.names, access)?,
    }
    if let Some(since) = query.since {
        statement.sql(" AND v.updated_us >= ").integer(since.0);
    }
    if let Some(listed) = &query.listed {
        named(statement, tx.connection.dialect(), listed);
    }
    if let Some((lo, hi)) = query.at {
        // Current at some time in [lo, hi): made before its end, and not replaced before its start.
        statement.sql(" AND v.updated_us < ").integer(hi.0);
        statement.sql(
            " AND NOT EXISTS (SELECT 1 FROM resource n WHERE n.rid = v.rid AND n.version = v.version + 1",
        );
        statement.sql(" AND n.updated_us <= ").integer(lo.0).sql(")");
        statement.sql(
            " AND NOT EXISTS (SELECT 1 FROM history n WHERE n.rid = v.rid AND n.version = v.version + 1",
        );
        statement.sql(" AND n.updated_us <= ").integer(lo.0).sql(")");
    }
    Ok(())
}

/// Adds that the version is one of those listed: of resources as a whole, or by its number.
fn named(statement: &mut Statement, dialect: Dialect, listed: &[Listed]) {
    let mut by_version: BTreeMap<Option<i64>, Vec<i64>> = BTreeMap::new();
    for one in listed {
        by_version.entry(one.version).or_default().push(one.key);
    }
    statement.rare().sql(" AND (1 = 0");
    for (version, keys) in by_version {
        statement.sql(" OR (v.key").any(dialect, &keys);
        if let Some(version) = version {
            statement.sql(" AND v.version = ").integer(version);
        }
        statement.sql(")");
    }
    statement.sql(")");
}
