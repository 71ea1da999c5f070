//! Search: a checked Query and an Access become statements.

mod arms;
pub(crate) mod counts;
pub(crate) mod criterion;
mod dated;
mod drive;
mod include;
#[cfg(test)]
mod plans;
mod rows;
mod set;
mod sort;
mod test;
pub(crate) mod totals;

use crate::found::Found;
use crate::resources::stored;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::search::query::{Position, Query, Total};
use domain::search::set::names_any;
use domain::store::{Matches, ReadTx, Stored};

/// Resources that are not deleted.
pub(super) const ALIVE: &str = "v.method <> 3";

/// Whether more than one statement makes every answer, which must then see one state of the store. Counts that choose what
/// a search starts from are no part of it.
pub(crate) fn takes_several_statements(query: &Query) -> bool {
    names_any(query)
        || query.count > 0
            && (matches!(query.total, Total::Estimate | Total::Accurate) || !query.includes.is_empty())
}

/// Runs a search. `access` is a criterion of matches, total, chains and what is brought along.
pub(crate) fn run(tx: &mut Transaction<'_>, access: &Access, query: &Query) -> Result<Matches, Error> {
    let query = &*set::found(tx, access, query)?;
    let drive = drive::choose(tx, access, query)?;
    let total = totals::total(tx, access, query, drive.as_ref())?;
    if query.count == 0 {
        let (previous, next) = (None, None);
        return Ok(Matches { matches: vec![], included: vec![], included_cut: false, total, previous, next });
    }
    let drive = match drive {
        Some(drive) if drive::is_longer_than_a_scan(tx, access, query, &drive)? => None,
        drive => drive,
    };
    let mut found = match (&drive, dated::parameter(query)) {
        (None, Some(parameter)) => {
            tx.snapshot()?;
            dated::page(tx, access, query, parameter)?
        }
        _ => rows::page(tx, access, query, drive.as_ref())?,
    };
    let more = found.len() > query.count;
    found.truncate(query.count);
    if query.backward {
        found.reverse();
    }
    let place =
        |found: Option<&Found>| found.map(|one| Position { values: one.keys.clone(), row: one.version.0 });
    let (previous, next) = query.neighbours(place(found.first()), place(found.last()), more);
    let matches: Vec<Stored> =
        found.into_iter().map(|found| stored(tx.names, found.version)).collect::<Result<_, _>>()?;
    let total = total.or_else(|| query.total_of_page(matches.len(), more));
    let (included, included_cut) = include::bring(tx, access, query, &matches)?;
    Ok(Matches { matches, included, included_cut, total, previous, next })
}
