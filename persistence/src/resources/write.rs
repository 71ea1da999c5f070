//! New versions: the current one goes to the history, compartments end and begin.

use super::read::{key, read};
use super::{encode, method_number};
use crate::dialect::Dialect;
use crate::index;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::access::Access;
use domain::conformance::TypeId;
use domain::id::Id;
use domain::store::{Current, Method, NewVersion};
use domain::{Error, ErrorCode};

/// The version until which a row holds while it holds.
pub(crate) const STILL: i64 = i64::MAX;

/// The current versions of `keys`, locked until the transaction ends.
pub(crate) fn current(
    tx: &mut Transaction<'_>,
    access: &Access,
    keys: &[(TypeId, Id)],
) -> Result<Vec<Current>, Error> {
    if tx.connection.dialect() == Dialect::Postgres {
        // Advisory locks also hold what does not exist yet; sorted, so that two transactions cannot block each other.
        let mut locks: Vec<i64> = keys.iter().map(|(type_, id)| key(*type_, id)).collect();
        locks.sort_unstable();
        locks.dedup();
        for lock in locks {
            let mut statement = Statement::new("SELECT pg_advisory_xact_lock(");
            tx.connection.execute(statement.integer(lock).sql(")"))?;
        }
    }
    keys.iter().map(|(type_, id)| current_one(tx, access, *type_, id)).collect()
}

fn current_one(tx: &mut Transaction<'_>, access: &Access, type_: TypeId, id: &Id) -> Result<Current, Error> {
    if let Some(stored) = read(tx, access, type_, id)? {
        return Ok(Current::Present(stored));
    }
    let mut statement = Statement::new("SELECT rid FROM resource WHERE key = ");
    statement.integer(key(type_, id));
    Ok(if tx.connection.integers(&statement)?.is_empty() { Current::Absent } else { Current::Hidden })
}

/// Writes one version.
pub(crate) fn version(tx: &mut Transaction<'_>, mut new: NewVersion) -> Result<(), Error> {
    let type_number = tx.names.number(new.type_);
    let (row, deleted) = (new.row, new.method == Method::Delete);
    let version = new.version;
    let indexed = std::mem::take(&mut new.indexed);
    let rid = match row {
        Some(rid) => {
            replace(tx, rid, new)?;
            index::delete(tx, rid)?;
            rid
        }
        None => insert(tx, type_number, new)?,
    };
    // A tombstone stays in the compartments of the version it ends.
    if deleted {
        return Ok(());
    }
    index::write(tx, rid, &indexed.entries)?;
    compartments(tx, (type_number, rid), version, &indexed.patients)
}

fn insert(tx: &mut Transaction<'_>, type_number: i64, new: NewVersion) -> Result<i64, Error> {
    let mut statement = Statement::new(
        "INSERT INTO resource (type_id, fhir_id, key, version, updated_us, method, body) VALUES (",
    );
    statement.integer(type_number).sql(", ").text(new.id.as_str()).sql(", ").integer(key(new.type_, &new.id));
    statement.sql(", ").integer(new.version).sql(", ").integer(new.updated.0).sql(", ");
    statement.integer(method_number(new.method)).sql(", ").bytes(encode(new.body)).sql(") RETURNING rid");
    let rid = tx.connection.integers(&statement)?.pop();
    rid.ok_or_else(|| Error::internal("an insert gave no row"))
}

fn replace(tx: &mut Transaction<'_>, rid: i64, new: NewVersion) -> Result<(), Error> {
    let mut archive = Statement::new(
        "INSERT INTO history (rid, version, type_id, updated_us, method, body) \
         SELECT rid, version, type_id, updated_us, method, body FROM resource WHERE rid = ",
    );
    tx.connection.execute(archive.integer(rid))?;
    let mut update = Statement::new("UPDATE resource SET version = ");
    update.integer(new.version).sql(", updated_us = ").integer(new.updated.0).sql(", method = ");
    update.integer(method_number(new.method)).sql(", body = ").bytes(encode(new.body));
    update.sql(" WHERE rid = ").integer(rid).sql(" AND version = ").integer(new.version - 1);
    if tx.connection.execute(&update)? != 1 {
        return Err(Error::new(
            ErrorCode::Conflict,
            "Another request changed the resource. Read it and try again.",
        ));
    }
    Ok(())
}

/// Ends and begins compartment rows where the new version differs; writes nothing where it does not.
fn compartments(
    tx: &mut Transaction<'_>,
    (type_number, rid): (i64, i64),
    version: i64,
    patients: &[i64],
) -> Result<(), Error> {
    let mut old = Vec::new();
    if version > 1 {
        let mut statement = Statement::new("SELECT patient_key FROM compartment WHERE rid = ");
        statement.integer(rid).sql(" AND until = ").integer(STILL);
        old = tx.connection.integers(&statement)?;
    }
    let gone: Vec<i64> = old.iter().copied().filter(|patient| !patients.contains(patient)).collect();
    if !gone.is_empty() {
        let mut end = Statement::new("UPDATE compartment SET until = ");
        end.integer(version - 1).sql(" WHERE rid = ").integer(rid).sql(" AND until = ").integer(STILL);
        end.sql(" AND patient_key IN ").integers(&gone);
        tx.connection.execute(&end)?;
    }
    for patient in patients.iter().filter(|patient| !old.contains(patient)) {
        let mut begin =
            Statement::new("INSERT INTO compartment (patient_key, type_id, rid, since, until) VALUES ");
        begin.integers(&[*patient, type_number, rid, version, STILL]);
        tx.connection.execute(&begin)?;
    }
    Ok(())
}
