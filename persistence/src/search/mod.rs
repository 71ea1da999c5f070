//! Search: a checked Query and an Access become statements.

mod arms;
mod contained;
pub(crate) mod counts;
pub(crate) mod criterion;
mod dated;
mod drive;
mod include;
mod part;
#[cfg(test)]
mod plans;
mod rows;
mod set;
mod sort;
mod test;
pub(crate) mod totals;

use crate::resources::stored;
use crate::transaction::Transaction;
use contained::Match;
use domain::Error;
use domain::access::Access;
use domain::search::query::{Parts, Query, Total};
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
    let (mut found, total) = found(tx, access, query)?;
    let more = found.len() > query.count;
    found.truncate(query.count);
    if query.backward {
        found.reverse();
    }
    let place = |found: Option<&Match>| found.map(|one| one.place(query.parts));
    let (previous, next) = match query.count {
        0 => (None, None),
        _ => query.neighbours(place(found.first()), place(found.last()), more),
    };
    let parts = found.iter().map(|one| one.part).collect::<Vec<u32>>();
    let versions = found.into_iter().map(|one| stored(tx.names, one.found.version));
    let matches: Vec<Stored> = versions.collect::<Result<_, _>>()?;
    let total = total.or_else(|| query.total_of_page(matches.len(), more));
    let (included, included_cut) = include::bring(tx, access, query, (&matches, &parts))?;
    Ok(Matches { matches, parts, included, included_cut, total, previous, next })
}

/// The matches of the page and one more, if there are more, in the direction of reading; and the total, if it is counted.
fn found(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
) -> Result<(Vec<Match>, Option<u64>), Error> {
    if query.parts != Parts::No {
        let total = contained::total(tx, access, query)?;
        let page = if query.count == 0 { Vec::new() } else { contained::page(tx, access, query)? };
        return Ok((page, total));
    }
    let drive = drive::choose(tx, access, query)?;
    let total = totals::total(tx, access, query, drive.as_ref())?;
    if query.count == 0 {
        return Ok((Vec::new(), total));
    }
    let drive = match drive {
        Some(drive) if drive::is_longer_than_a_scan(tx, access, query, &drive)? => None,
        drive => drive,
    };
    let page = match (&drive, dated::parameter(query)) {
        (None, Some(parameter)) => {
            tx.snapshot()?;
            dated::page(tx, access, query, parameter)?
        }
        _ => rows::page(tx, access, query, drive.as_ref())?,
    };
    Ok((page.into_iter().map(|found| Match { found, part: 0 }).collect(), total))
}
