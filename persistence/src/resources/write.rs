//! New versions, all of a request at once: current ones go to the history, index rows and compartments follow.

use super::body::encode;
use super::method_number;
use super::read::key;
use crate::dialect::Dialect;
use crate::index::{self, IndexRows, difference};
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
    let (deleted, updated): (Vec<&NewVersion>, Vec<&NewVersion>) = versions
        .iter()
        .filter(|version| version.row.is_some())
        .partition(|version| version.method == Method::Delete);
    let rids = |versions: Vec<&NewVersion>| versions.iter().filter_map(|version| version.row).collect();
    let (deleted, updated): (Vec<i64>, Vec<i64>) = (rids(deleted), rids(updated));
    let held = difference::held(tx.connection, &updated)?;
    for rids in deleted.chunks(ROWS) {
        index::delete(tx, rids)?;
    }
    let mut fresh = row_numbers(tx, versions.len() - deleted.len() - updated.len())?.into_iter();
    let (mut resources, mut replaced) = (Rows::of(&RESOURCE), Vec::new());
    let mut indexes = IndexRows::new();
    let mut members = Vec::new();
    let mut living: BTreeMap<i64, i64> = BTreeMap::new();
    for mut new in versions {
        let indexed = std::mem::take(&mut new.indexed);
        *living.entry(tx.names.number(new.type_)).or_default() += more_living(&new);
        let (type_, version, deleted) = (new.type_, new.version, new.method == Method::Delete);
        let rid = match new.row {
            Some(rid) => {
                replaced.push((rid, new));
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
    replace(tx, replaced)?;
    let compartments = compartments(tx, members, &held.compartments)?;
    let mut added = vec![resources, compartments, counts(tx, living)?];
    let mut gone = Vec::new();
    let sets: Vec<i64> = indexes.sets().collect();
    for wanted in indexes.tables() {
        match held.tables.iter().find(|held| held.is_of_same_table(&wanted)) {
            Some(held) => {
                let (new, old) = wanted.difference(held);
                added.push(new);
                gone.push(old);
            }
            None => added.push(wanted),
        }
    }
    rows::write(tx.connection, &gone, &added)?;
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
        Bytes(encode(new.body, tx.names.compressed)),
    ]
}

/// Puts the current version of a row into the history.
const ARCHIVE: &str = "INSERT INTO history (rid, version, type_id, updated_us, method, body) \
     SELECT rid, version, type_id, updated_us, method, body FROM resource WHERE rid";

/// Puts current versions into the history and others in their place.
fn replace(tx: &mut Transaction<'_>, versions: Vec<(i64, NewVersion)>) -> Result<(), Error> {
    if versions.is_empty() {
        return Ok(());
    }
    let count = versions.len();
    let replaced = match tx.connection.dialect() {
        Dialect::Sqlite => one_by_one(tx, versions)?,
        Dialect::Postgres => together(tx, versions)?,
    };
    if replaced != count {
        return Err(Error::new(
            ErrorCode::Conflict,
            "Another request changed the resource. Read it and try again.",
        ));
    }
    Ok(())
}

fn one_by_one(tx: &mut Transaction<'_>, versions: Vec<(i64, NewVersion)>) -> Result<usize, Error> {
    let rids: Vec<i64> = versions.iter().map(|(rid, _)| *rid).collect();
    for rids in rids.chunks(ROWS) {
        tx.connection.execute(Statement::new(ARCHIVE).any(Dialect::Sqlite, rids))?;
    }
    let mut replaced = 0;
    for (rid, new) in versions {
        let mut update = Statement::new("UPDATE resource SET version = ");
        update.integer(new.version).sql(", updated_us = ").integer(new.updated.0).sql(", method = ");
        update
            .integer(method_number(new.method))
            .sql(", body = ")
            .bytes(encode(new.body, tx.names.compressed));
        update.sql(" WHERE rid = ").integer(rid).sql(" AND version = ").integer(new.version - 1);
        replaced += tx.connection.execute(&update)?;
    }
    Ok(replaced)
}

/// One statement for PostgreSQL: all of its parts see the versions before.
fn together(tx: &mut Transaction<'_>, versions: Vec<(i64, NewVersion)>) -> Result<usize, Error> {
    let column = |value: fn(&(i64, NewVersion)) -> i64| -> Vec<i64> { versions.iter().map(value).collect() };
    let rids = column(|(rid, _)| *rid);
    let numbers = column(|(_, new)| new.version);
    let instants = column(|(_, new)| new.updated.0);
    let methods = column(|(_, new)| method_number(new.method));
    let bodies = versions.into_iter().map(|(_, new)| encode(new.body, tx.names.compressed)).collect();
    let mut statement = Statement::new("WITH earlier AS (");
    statement.sql(ARCHIVE).any(Dialect::Postgres, &rids).sql(
        ") UPDATE resource r SET version = n.version, updated_us = n.updated_us, method = n.method, body = n.body FROM unnest(",
    );
    for numbers in [&rids, &numbers, &instants, &methods] {
        statement.array(numbers).sql(", ");
    }
    statement.blobs(bodies).sql(
        ") AS n (rid, version, updated_us, method, body) WHERE r.rid = n.rid AND r.version = n.version - 1",
    );
    tx.connection.execute(&statement)
}

/// A version, and the patients in whose compartments it is.
struct Member {
    rid: i64,
    type_: i64,
    version: i64,
    patients: Vec<i64>,
}

/// Ends the compartment rows that new versions leave, and answers those that begin; nothing where nothing changes. `held`
/// are the rows and patients of the versions before.
fn compartments(tx: &mut Transaction<'_>, members: Vec<Member>, held: &[(i64, i64)]) -> Result<Rows, Error> {
    let mut old: HashMap<i64, Vec<i64>> = HashMap::new();
    for (rid, patient) in held {
        old.entry(*rid).or_default().push(*patient);
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
