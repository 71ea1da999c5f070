//! Searches that answer with contained resources: found by their rows, within access to what contains them, in the order
//! that their own values have.

use super::sort::Order;
use super::{ALIVE, drive, part, rows, sort};
use crate::access::covered_any_living;
use crate::found::Found;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::search::query::{PART_BITS, Parts, Position, Query, SortValue, Total};

/// A match: the resource, or one that it contains.
pub(super) struct Match {
    /// The resource and the sort keys.
    pub(super) found: Found,
    /// 0 for the resource itself, otherwise the number of the contained one.
    pub(super) part: u32,
}

impl Match {
    /// Its place among the matches of a search that `parts` says.
    pub(super) fn place(&self, parts: Parts) -> Position {
        let rid = self.found.version.0;
        let row = match parts {
            Parts::No => rid,
            Parts::Only | Parts::Both => (rid << PART_BITS) + i64::from(self.part),
        };
        Position { values: self.found.keys.clone(), row }
    }
}

/// The total that `query` asks for: always counted.
pub(super) fn total(tx: &mut Transaction<'_>, access: &Access, query: &Query) -> Result<Option<u64>, Error> {
    if matches!(query.total, Total::None | Total::Known) {
        return Ok(None);
    }
    let query = Query { sort: Vec::new(), after: None, ..query.clone() };
    let mut statement = Statement::new("SELECT COUNT(*) FROM (");
    select(&mut statement, tx, access, &query)?;
    statement.sql(") n");
    Ok(tx.connection.integers(&statement)?.pop().and_then(|count| u64::try_from(count).ok()))
}

/// The matches of the page of `query` and one more, if there are more, in the direction of reading.
pub(super) fn page(tx: &mut Transaction<'_>, access: &Access, query: &Query) -> Result<Vec<Match>, Error> {
    let mut statement = sort::columns(&query.sort);
    statement.sql(", m.part FROM (SELECT u.* FROM (");
    select(&mut statement, tx, access, query)?;
    statement.sql(") u WHERE 1 = 1");
    sort::beyond_place(&mut statement, rows::by(tx, access, query), query)?;
    sort::order(&mut statement, query, "u.place", false);
    statement.sql(" LIMIT ").integer(rows::limit(query)).sql(rows::OF_PAGE);
    sort::order(&mut statement, query, "m.place", false);
    let found = tx.connection.sorted_versions(&statement, true)?;
    let split = |mut found: Found| match found.keys.pop() {
        Some(Some(SortValue::Integer(part))) => {
            Ok(Match { found, part: u32::try_from(part).map_err(Error::internal)? })
        }
        _ => Err(Error::internal("a match without the number of its part")),
    };
    found.into_iter().map(split).collect()
}

/// Adds `SELECT rid, row, part, the sort keys FROM …` of all matches.
fn select(
    statement: &mut Statement,
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
) -> Result<(), Error> {
    let by = rows::by(tx, access, query);
    row(statement.sql("SELECT v.rid AS rid, "), "c.part").sql(" AS place, c.part AS part");
    sort::keys(statement, Order { of_part: true, ..by }, None)?;
    match drive::sought_part(tx, &query.criteria)? {
        Some(sought) => {
            statement.sql(" FROM (SELECT DISTINCT rid FROM (").append(sought).sql(") n) d CROSS JOIN ");
            part::listed_of(statement, tx.names);
            statement.sql(" CROSS JOIN resource v WHERE c.rid = d.rid AND v.rid = d.rid AND ");
        }
        None => {
            part::listed(statement.sql(" FROM "), tx.names);
            statement.sql(" CROSS JOIN resource v WHERE v.rid = c.rid AND ");
        }
    }
    covered_any_living(statement.sql(ALIVE).sql(" AND "), tx.names, access)?;
    part::all(statement, tx.names, access, &query.types, &query.criteria)?;
    if query.parts == Parts::Both {
        let own = Query { parts: Parts::No, after: None, ..query.clone() };
        let drive = drive::choose(tx, access, &own)?;
        row(statement.sql(" UNION ALL SELECT v.rid AS rid, "), "0")
            .sql(" AS place, CAST(0 AS BIGINT) AS part");
        sort::names(statement, &query.sort);
        statement.sql(" FROM (");
        rows::select(statement, tx, access, &own, drive.as_ref())?;
        statement.sql(") v");
    }
    Ok(())
}

/// Adds the number by which matches are told apart.
fn row<'s>(statement: &'s mut Statement, part: &'static str) -> &'s mut Statement {
    statement.sql("v.rid * ").integer(1 << PART_BITS).sql(" + ").sql(part)
}
