//! `_include` and `_revinclude`: what else comes with a page, each resource once, within access and a bound.

use super::ALIVE;
use crate::access::{covered_any_living, covered_living};
use crate::resources::stored;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::index::Facet;
use domain::search::query::{Include, MAX_INCLUDED, Query};
use domain::store::Stored;
use std::collections::HashSet;

const FORWARD: &str = "SELECT DISTINCT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body \
     FROM ix_reference i JOIN resource v ON v.key = i.target WHERE i.rid IN ";

const REVERSE: &str = "SELECT DISTINCT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body \
     FROM resource s JOIN ix_reference i ON i.target = s.key JOIN resource v ON v.rid = i.rid WHERE s.rid IN ";

/// What the includes of `query` bring to `matches`, and whether there was more than the bound.
pub(super) fn bring(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    matches: &[Stored],
) -> Result<(Vec<Stored>, bool), Error> {
    let mut seen: HashSet<i64> = matches.iter().map(|stored| stored.row).collect();
    let mut included: Vec<Stored> = Vec::new();
    let mut from: Vec<i64> = matches.iter().map(|stored| stored.row).collect();
    let (mut first, mut cut) = (true, false);
    let steps = joined(&query.includes);
    while !from.is_empty() {
        let mut found = Vec::new();
        for include in steps.iter().filter(|include| first || include.iterate) {
            let step = step(tx, access, include, &from)?;
            cut |= step.len() > MAX_INCLUDED;
            for stored in step {
                if seen.insert(stored.row) {
                    found.push(stored);
                }
            }
        }
        first = false;
        from = found.iter().map(|stored| stored.row).collect();
        included.append(&mut found);
        if cut || included.len() > MAX_INCLUDED {
            included.truncate(MAX_INCLUDED);
            return Ok((included, true));
        }
    }
    Ok((included, false))
}

/// Includes that one statement brings: a parameter tells its source, so that all those with the same target are one.
fn joined(includes: &[Include]) -> Vec<Include> {
    let mut joined: Vec<Include> = Vec::new();
    for include in includes {
        let same = |other: &&mut Include| {
            (other.reverse, other.target, other.iterate) == (include.reverse, include.target, include.iterate)
                && (!include.reverse || other.source == include.source)
        };
        match joined.iter_mut().find(same) {
            Some(other) => other.parameters.extend(&include.parameters),
            None => joined.push(include.clone()),
        }
    }
    joined
}

fn step(
    tx: &mut Transaction<'_>,
    access: &Access,
    include: &Include,
    from: &[i64],
) -> Result<Vec<Stored>, Error> {
    let parameters: Vec<i64> =
        include.parameters.iter().map(|parameter| tx.names.p(*parameter, Facet::Value)).collect();
    if parameters.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Statement::new(if include.reverse { REVERSE } else { FORWARD });
    statement.list(from).sql(" AND i.p IN ").list(&parameters).sql(" AND ").sql(ALIVE).sql(" AND ");
    if let Some(target) = include.target {
        // The target of the reference: what is brought along, or what it was brought along for.
        statement.sql(if include.reverse { "s.type_id = " } else { "v.type_id = " });
        statement.integer(tx.names.number(target)).sql(" AND ");
    }
    if include.reverse {
        statement.sql("v.type_id = ").integer(tx.names.number(include.source)).sql(" AND ");
        covered_living(&mut statement, tx.names, access, include.source)?;
    } else {
        covered_any_living(&mut statement, tx.names, access)?;
    }
    statement.sql(" ORDER BY v.rid LIMIT ").integer(i64::try_from(MAX_INCLUDED + 1).unwrap_or(i64::MAX));
    let rows = tx.connection.versions(&statement)?;
    rows.into_iter().map(|row| stored(tx.names, row)).collect()
}
