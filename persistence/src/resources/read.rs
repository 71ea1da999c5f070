//! The current version of one resource.

use super::stored;
use crate::access::covered;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::conformance::{Definitions, TypeId};
use domain::id::Id;
use domain::index::hash::resource_key;
use domain::store::Stored;

/// Selects a version `v` of the table `resource`.
pub(crate) const SELECT_CURRENT: &str =
    "SELECT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body FROM resource v WHERE ";

/// The key of a resource.
pub(crate) fn key(type_: TypeId, id: &Id) -> i64 {
    resource_key(Definitions::r4().type_name(type_), id.as_str())
}

/// The current version, a deletion included, if `access` covers it.
pub(crate) fn read(
    tx: &mut Transaction<'_>,
    access: &Access,
    type_: TypeId,
    id: &Id,
) -> Result<Option<Stored>, Error> {
    let mut statement = Statement::new(SELECT_CURRENT);
    statement
        .sql("v.key = ")
        .integer(key(type_, id))
        .sql(" AND v.type_id = ")
        .integer(tx.names.number(type_));
    statement.sql(" AND v.fhir_id = ").text(id.as_str()).sql(" AND ");
    covered(&mut statement, tx.names, access, type_)?;
    let row = tx.connection.versions(&statement)?.pop();
    row.map(|row| stored(tx.names, row)).transpose()
}
