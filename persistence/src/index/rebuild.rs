//! Index rows of resources that are there already: compared with what they ought to be, written anew, removed.

use super::{IndexRows, delete};
use crate::integrity::rows::{Row, difference, expected, indexed};
use crate::integrity::words;
use crate::names::{CUSTOM, FACETS, of_any};
use crate::resources::lock;
use crate::resources::read::{SELECT_CURRENT, key};
use crate::resources::stored;
use crate::rows;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::access::Access;
use domain::store::index::{Reindexed, Walk};
use domain::store::{Lock, Stored};
use domain::{Error, ErrorCode};
use std::collections::HashMap;

/// The next resources of a walk.
pub(super) fn walk(tx: &mut Transaction<'_>, access: &Access, walk: &Walk) -> Result<Vec<Stored>, Error> {
    if !access.is_everything() {
        return Err(Error::new(ErrorCode::Forbidden, "Only who may see everything can index it anew."));
    }
    let mut statement = Statement::new(SELECT_CURRENT);
    statement.sql("v.type_id = ").integer(tx.names.number(walk.type_));
    statement.sql(" AND (v.updated_us, v.rid) > (").integer(walk.after.0.0).sql(", ");
    statement.integer(walk.after.1).sql(") AND v.updated_us <= ").integer(walk.until.0);
    statement.sql(" ORDER BY v.updated_us, v.rid LIMIT ");
    statement.integer(i64::try_from(walk.count).unwrap_or(i64::MAX));
    let rows = tx.connection.versions(&statement)?;
    rows.into_iter().map(|row| stored(tx.names, row)).collect()
}

/// Those whose rows are others than they ought to be.
pub(super) fn differing(
    tx: &mut Transaction<'_>,
    resources: Vec<Reindexed>,
) -> Result<Vec<Reindexed>, Error> {
    if resources.is_empty() {
        return Ok(resources);
    }
    let rids: Vec<i64> = resources.iter().map(|one| one.stored.row).collect();
    let mut kept = indexed(tx.connection, &rids)?;
    let incomplete = words::incomplete(tx, resources.iter().map(|one| &one.indexed))?;
    incomplete.keys().for_each(|set| tx.names.sets.invalidate(set));
    let mut differs = |one: &Reindexed| {
        let mut wanted: HashMap<&'static str, Vec<Row>> = HashMap::new();
        for entry in &one.indexed.entries {
            let (table, row) = expected(tx.names, entry);
            wanted.entry(table).or_default().push(row);
        }
        let mut differs = words::missing(&incomplete, &one.indexed) > 0;
        for (table, rows) in &mut kept {
            let wanted = wanted.remove(table).unwrap_or_default();
            differs |= difference(wanted, rows.remove(&one.stored.row).unwrap_or_default()) != (0, 0);
        }
        differs
    };
    Ok(resources.into_iter().filter(|one| differs(one)).collect())
}

/// Writes the rows of resources that have not changed since they were read.
pub(super) fn rewrite(tx: &mut Transaction<'_>, resources: &[Reindexed]) -> Result<(), Error> {
    if resources.is_empty() {
        return Ok(());
    }
    let locks =
        resources.iter().map(|one| Lock { key: key(one.stored.type_, &one.stored.id), shared: false });
    lock::take(tx, &locks.collect::<Vec<_>>())?;
    let rids: Vec<i64> = resources.iter().map(|one| one.stored.row).collect();
    let mut statement = Statement::new("SELECT rid, version FROM resource WHERE rid");
    statement.any(tx.connection.dialect(), &rids);
    let versions: HashMap<i64, i64> = tx.connection.pairs(&statement)?.into_iter().collect();
    let same = |one: &&Reindexed| versions.get(&one.stored.row) == Some(&one.stored.version);
    let same: Vec<&Reindexed> = resources.iter().filter(same).collect();
    let rids: Vec<i64> = same.iter().map(|one| one.stored.row).collect();
    delete(tx, &rids)?;
    let mut rows = IndexRows::new();
    for one in same {
        rows.add(tx.names, one.stored.row, one.indexed.entries.clone());
    }
    let sets: Vec<i64> = rows.sets().collect();
    rows::write(tx.connection, &[], &rows.tables())?;
    tx.connection.wrote(sets);
    Ok(())
}

/// Selects resources that have rows of a parameter, and deletes those rows, by table.
const OF_PARAMETER: [(&str, &str); 9] = [
    ("SELECT DISTINCT rid FROM ix_token WHERE p >= ", "DELETE FROM ix_token WHERE p >= "),
    ("SELECT DISTINCT rid FROM ix_string WHERE p >= ", "DELETE FROM ix_string WHERE p >= "),
    ("SELECT DISTINCT rid FROM ix_date WHERE p >= ", "DELETE FROM ix_date WHERE p >= "),
    ("SELECT DISTINCT rid FROM ix_reference WHERE p >= ", "DELETE FROM ix_reference WHERE p >= "),
    ("SELECT DISTINCT rid FROM ix_uri WHERE p >= ", "DELETE FROM ix_uri WHERE p >= "),
    ("SELECT DISTINCT rid FROM ix_number WHERE p >= ", "DELETE FROM ix_number WHERE p >= "),
    ("SELECT DISTINCT rid FROM ix_quantity WHERE p >= ", "DELETE FROM ix_quantity WHERE p >= "),
    ("SELECT DISTINCT rid FROM ix_position WHERE p >= ", "DELETE FROM ix_position WHERE p >= "),
    ("SELECT DISTINCT rid FROM ix_composite WHERE p >= ", "DELETE FROM ix_composite WHERE p >= "),
];

/// Removes the rows of a custom parameter that some resources have in one table: of how many.
pub(super) fn forget(tx: &mut Transaction<'_>, number: u32, most: usize) -> Result<usize, Error> {
    let first = (CUSTOM + i64::from(number)) * FACETS;
    // Its own rows, and those of contained resources.
    for (from, to) in [(first, first + FACETS), (of_any(first), of_any(first + FACETS))] {
        for (select, remove) in OF_PARAMETER {
            let mut statement = Statement::new(select);
            statement.integer(from).sql(" AND p < ").integer(to);
            statement.sql(" LIMIT ").integer(i64::try_from(most).unwrap_or(i64::MAX));
            let rids = tx.connection.integers(&statement)?;
            if rids.is_empty() {
                continue;
            }
            let mut statement = Statement::new(remove);
            statement.integer(from).sql(" AND p < ").integer(to).sql(" AND rid");
            tx.connection.execute(statement.any(tx.connection.dialect(), &rids))?;
            return Ok(rids.len());
        }
    }
    Ok(0)
}
