//! New versions, all of a request at once: current ones go to the history, index rows and compartments follow.

use super::read::key;
use super::{encode, method_number};
use crate::dialect::Dialect;
use crate::index::{self, IndexRows};
use crate::rows::{self, Cell, Rows};
use crate::schema::{COMPARTMENT, RESOURCE, TYPE_COUNT};
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::store::{Method, NewVersion};
use domain::{Error, ErrorCode};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

/// The version until which a row holds while it holds.
pub(crate) const STILL: i64 = i64::MAX;

/// Row numbers taken from PostgreSQL's sequence at once.
const RESERVED: usize = 64;

/// Rows that one statement looks for.
const ROWS: usize = 1024;

/// Writes versions.
pub(crate) fn versions(tx: &mut Transaction<'_>, versions: Vec<NewVersion>) -> Result<(), Error> {
    if versions.is_empty() {
        return Ok(());
    }
    let replaced: Vec<i64> = versions.iter().filter_map(|version| version.row).collect();
    archive(tx, &replaced)?;
    let mut fresh = row_numbers(tx, versions.len() - replaced.len())?.into_iter();
    let mut resources = Rows::of(&RESOURCE);
    let mut indexes = IndexRows::new();
    let mut members = Vec::new();
    let mut living: BTreeMap<i64, i64> = BTreeMap::new();
    for mut new in versions {
        let indexed = std::mem::take(&mut new.indexed);
        *living.entry(tx.names.number(new.type_)).or_default() += more_living(&new);
        let (type_, version, deleted) = (new.type_, new.version, new.method == Method::Delete);
        let rid = match new.row {
            Some(rid) => {
                replace(tx, rid, new)?;
                rid
            }
            None => {
                let rid = fresh.next().ok_or_else(|| Error::internal("a row got no number"))?;
                resources.push(row(tx, rid, new));
                rid
            }
        };
        // A tombstone stays in the compartments of the version it ends.
        if !deleted {
            indexes.add(tx.names, rid, indexed.entries);
            members.push(Member { rid, type_: tx.names.number(type_), version, patients: indexed.patients });
        }
    }
    let compartments = compartments(tx, members)?;
    let mut tables = vec![resources, compartments, counts(tx, living)?];
    let sets: Vec<i64> = indexes.sets().collect();
    tables.extend(indexes.tables());
    rows::insert(tx.connection, &tables)?;
    tx.connection.wrote(sets);
    Ok(())
}

/// How many more resources are not deleted with a version than before it.
const fn more_living(new: &NewVersion) -> i64 {
    match (new.row.is_some() && !new.revives, matches!(new.method, Method::Delete)) {
        (false, false) => 1,
        (true, true) => -1,
        _ => 0,
    }
}

/// What is added to the counts of types, in the shard of this connection: no other writer waits for it.
fn counts(tx: &mut Transaction<'_>, living: BTreeMap<i64, i64>) -> Result<Rows, Error> {
    let mut rows = Rows::of(&TYPE_COUNT);
    for (type_, more) in living.into_iter().filter(|(_, more)| *more != 0) {
        let shard = tx.connection.shard()?;
        rows.push([type_, shard, more].map(Cell::Integer));
    }
    Ok(rows)
}

/// Numbers for new rows. SQLite has one writer at a time, so that those after the last are free.
fn row_numbers(tx: &mut Transaction<'_>, count: usize) -> Result<Vec<i64>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if tx.connection.dialect() == Dialect::Sqlite {
        let last =
            tx.connection.optional_integer(&Statement::new("SELECT MAX(rid) FROM resource"))?.unwrap_or(0);
        return Ok((last + 1..).take(count).collect());
    }
    let reserved = Arc::clone(&tx.connection.reserved);
    let mut reserved = reserved.lock().unwrap_or_else(PoisonError::into_inner);
    let missing = count.saturating_sub(reserved.len());
    if missing > 0 {
        let mut statement =
            Statement::new("SELECT nextval('resource_rid_seq'::regclass) FROM generate_series(1, ");
        statement.integer(i64::try_from(missing.max(RESERVED)).unwrap_or(i64::MAX)).sql(")");
        reserved.extend(tx.connection.integers(&statement)?);
    }
    let taken = count.min(reserved.len());
    Ok(reserved.drain(..taken).collect())
}

/// The row of a first version.
fn row(tx: &Transaction<'_>, rid: i64, new: NewVersion) -> [Cell; 8] {
    use Cell::{Bytes, Integer, Text};
    let number = key(new.type_, &new.id);
    [
        Integer(rid),
        Integer(tx.names.number(new.type_)),
        Text(new.id.as_str().to_owned()),
        Integer(number),
        Integer(new.version),
        Integer(new.updated.0),
        Integer(method_number(new.method)),
        Bytes(encode(new.body)),
    ]
}

/// Puts current versions into the history, and takes their index rows away.
fn archive(tx: &mut Transaction<'_>, rids: &[i64]) -> Result<(), Error> {
    let dialect = tx.connection.dialect();
    for rids in rids.chunks(ROWS) {
        let mut archive = Statement::new(
            "INSERT INTO history (rid, version, type_id, updated_us, method, body) \
             SELECT rid, version, type_id, updated_us, method, body FROM resource WHERE rid",
        );
        tx.connection.execute(archive.any(dialect, rids))?;
        index::delete(tx, rids)?;
    }
    Ok(())
}

fn replace(tx: &mut Transaction<'_>, rid: i64, new: NewVersion) -> Result<(), Error> {
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

/// A version, and the patients in whose compartments it is.
struct Member {
    rid: i64,
    type_: i64,
    version: i64,
    patients: Vec<i64>,
}

/// Ends the compartment rows that new versions leave, and answers those that begin; nothing where nothing changes.
fn compartments(tx: &mut Transaction<'_>, members: Vec<Member>) -> Result<Rows, Error> {
    let later: Vec<i64> =
        members.iter().filter(|member| member.version > 1).map(|member| member.rid).collect();
    let mut old: HashMap<i64, Vec<i64>> = HashMap::new();
    for rids in later.chunks(ROWS) {
        let mut statement = Statement::new("SELECT rid, patient_key FROM compartment WHERE rid");
        statement.any(tx.connection.dialect(), rids).sql(" AND until = ").integer(STILL);
        for (rid, patient) in tx.connection.pairs(&statement)? {
            old.entry(rid).or_default().push(patient);
        }
    }
    let mut begin = Rows::of(&COMPARTMENT);
    for Member { rid, type_, version, patients } in members {
        let old = old.remove(&rid).unwrap_or_default();
        let gone: Vec<i64> = old.iter().copied().filter(|patient| !patients.contains(patient)).collect();
        if !gone.is_empty() {
            let mut end = Statement::new("UPDATE compartment SET until = ");
            end.integer(version - 1).sql(" WHERE rid = ").integer(rid).sql(" AND until = ").integer(STILL);
            end.sql(" AND patient_key").any(tx.connection.dialect(), &gone);
            tx.connection.execute(&end)?;
        }
        for patient in patients.into_iter().filter(|patient| !old.contains(patient)) {
            begin.push([patient, type_, rid, version, STILL].map(Cell::Integer));
        }
    }
    Ok(begin)
}
