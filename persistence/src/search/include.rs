//! `_include` and `_revinclude`: what else comes with a page, each resource once, within access and a bound.

use super::drive::is_of;
use super::{ALIVE, criterion};
use crate::access::{covered_any_living, covered_living};
use crate::resources::stored;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::conformance::{ParameterId, TypeId};
use domain::index::{Facet, Part};
use domain::search::query::{Include, Query};
use domain::store::Stored;
use std::collections::{BTreeMap, HashSet};

/// The resources at the other ends of links, each found once before it is read.
const FORWARD: &str = "SELECT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body FROM \
     (SELECT DISTINCT i.target AS key FROM ix_reference i WHERE i.rid IN ";

const REVERSE: &str = "SELECT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body FROM \
     (SELECT DISTINCT i.rid AS rid FROM resource s CROSS JOIN ix_reference i WHERE i.target = s.key AND s.rid IN ";

/// The same of links by canonical URL, `i` referring to `u`.
const FORWARD_CANONICAL: &str = "SELECT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body FROM \
     (SELECT DISTINCT u.rid AS rid FROM ix_reference i CROSS JOIN ix_reference u WHERE i.rid IN ";

const REVERSE_CANONICAL: &str = "SELECT v.rid, v.type_id, v.fhir_id, v.version, v.updated_us, v.method, v.body FROM \
     (SELECT DISTINCT i.rid AS rid FROM ix_reference u CROSS JOIN ix_reference i WHERE u.rid IN ";

/// What the includes of `query` bring to `matches`, and whether there was more than the bound.
pub(super) fn bring(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    (matches, parts): (&[Stored], &[u32]),
) -> Result<(Vec<Stored>, bool), Error> {
    // What contains a match is none itself.
    let whole = matches.iter().zip(parts).filter(|(_, part)| **part == 0).map(|(stored, _)| stored);
    let mut seen: HashSet<i64> = whole.clone().map(|stored| stored.row).collect();
    let mut included: Vec<Stored> = Vec::new();
    let own = |stored: &Stored| (stored.row, stored.type_);
    let mut from: Vec<(i64, TypeId)> = whole.map(own).collect();
    let mut inner: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for (stored, part) in matches.iter().zip(parts).filter(|(_, part)| **part > 0) {
        inner.entry(*part).or_default().push(stored.row);
    }
    let (mut first, mut cut) = (true, false);
    let steps = joined(&query.includes);
    while !from.is_empty() || !inner.is_empty() {
        let mut found = Vec::new();
        for include in steps.iter().filter(|include| first || include.iterate) {
            let canonical = !include.urls.is_empty();
            for canonical in [false, true].into_iter().take(1 + usize::from(canonical)) {
                let mut step = step(tx, access, (include, query.included, canonical), &from)?;
                for (part, rows) in &inner {
                    step.extend(step_of_part(
                        tx,
                        access,
                        (include, query.included, canonical),
                        (*part, rows),
                    )?);
                }
                cut |= step.len() > query.included;
                for stored in step {
                    if seen.insert(stored.row) {
                        found.push(stored);
                    }
                }
            }
        }
        first = false;
        inner.clear();
        from = found.iter().map(own).collect();
        included.append(&mut found);
        if cut || included.len() > query.included {
            included.truncate(query.included);
            return Ok((included, true));
        }
    }
    Ok((included, false))
}

/// Includes that one statement brings: where a parameter tells its source, all those with the same target are one.
fn joined(includes: &[Include]) -> Vec<Include> {
    let mut joined: Vec<Include> = Vec::new();
    for include in includes {
        let kind = |include: &Include| (include.reverse, include.target, include.iterate);
        let same = |other: &&mut Include| {
            kind(other) == kind(include)
                && other.urls == include.urls
                && (other.sources == include.sources || tells_source(other) && tells_source(include))
        };
        match joined.iter_mut().find(same) {
            Some(other) => {
                let new = include.sources.iter().filter(|source| !other.sources.contains(source));
                let new: Vec<TypeId> = new.copied().collect();
                other.sources.extend(new);
                other.parameters.extend(&include.parameters);
                other.canonicals.extend(&include.canonicals);
            }
            None => joined.push(include.clone()),
        }
    }
    joined
}

/// Whether only resources of its sources have its parameters.
fn tells_source(include: &Include) -> bool {
    let of_source = |parameter: &ParameterId| include.sources.iter().any(|source| is_of(*parameter, *source));
    !include.sources.is_empty() && include.parameters.iter().all(of_source)
}

/// What an include brings at most to resources: the include, how much, and whether by canonical URL.
type Step<'i> = (&'i Include, usize, bool);

fn step(
    tx: &mut Transaction<'_>,
    access: &Access,
    include: Step<'_>,
    from: &[(i64, TypeId)],
) -> Result<Vec<Stored>, Error> {
    let numbers = parameters(include).iter().map(|parameter| tx.names.p(*parameter, Facet::Value)).collect();
    let include_of = include.0;
    // Those that may have the reference, or that it may be to.
    let ends = |type_: &TypeId| match include_of.target {
        _ if !include_of.reverse => include_of.sources.is_empty() || include_of.sources.contains(type_),
        target => target.is_none_or(|target| target == *type_),
    };
    let from: Vec<i64> = from.iter().filter(|(_, type_)| ends(type_)).map(|(row, _)| *row).collect();
    bring_by(tx, access, include, (numbers, &from))
}

/// What the contained resources with this number in `rows` refer to. Nothing outside refers to them.
fn step_of_part(
    tx: &mut Transaction<'_>,
    access: &Access,
    include: Step<'_>,
    (part, rows): (u32, &[i64]),
) -> Result<Vec<Stored>, Error> {
    if include.0.reverse {
        return Ok(Vec::new());
    }
    let numbers = parameters(include).iter();
    let numbers = numbers.map(|parameter| tx.names.p_of(*parameter, Facet::Value, Part::Nth(part))).collect();
    bring_by(tx, access, include, (numbers, rows))
}

fn parameters<'i>((include, _, canonical): Step<'i>) -> &'i [ParameterId] {
    if canonical { &include.canonicals } else { &include.parameters }
}

/// What the rows under the numbers `parameters` link `from` with.
fn bring_by(
    tx: &mut Transaction<'_>,
    access: &Access,
    (include, most, canonical): Step<'_>,
    (parameters, from): (Vec<i64>, &[i64]),
) -> Result<Vec<Stored>, Error> {
    if parameters.is_empty() || from.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Statement::new(match (include.reverse, canonical) {
        (true, false) => REVERSE,
        (false, false) => FORWARD,
        (true, true) => REVERSE_CANONICAL,
        (false, true) => FORWARD_CANONICAL,
    });
    // `+` keeps SQLite from the index by parameter, which it would read from end to end.
    statement
        .list(from)
        .sql(if include.reverse { " AND i.p IN " } else { " AND +i.p IN " })
        .list(&parameters);
    if canonical {
        criterion::canonical(statement.sql(" AND "), tx.names, &include.urls);
    }
    if include.reverse || canonical {
        statement.sql(") t CROSS JOIN resource v WHERE v.rid = t.rid AND ").sql(ALIVE);
    } else {
        statement.sql(") t CROSS JOIN resource v WHERE v.key = t.key AND ").sql(ALIVE);
    }
    let types: Vec<TypeId> =
        if include.reverse { include.sources.clone() } else { include.target.into_iter().collect() };
    match types.as_slice() {
        [] => covered_any_living(statement.sql(" AND "), tx.names, access)?,
        [type_] => {
            statement.sql(" AND v.type_id = ").integer(tx.names.number(*type_)).sql(" AND ");
            covered_living(&mut statement, tx.names, access, *type_)?;
        }
        types => {
            let numbers: Vec<i64> = types.iter().map(|type_| tx.names.number(*type_)).collect();
            statement.sql(" AND v.type_id IN ").list(&numbers).sql(" AND ");
            covered_any_living(&mut statement, tx.names, access)?;
        }
    }
    statement
        .sql(" ORDER BY v.rid LIMIT ")
        .integer(i64::try_from(most.saturating_add(1)).unwrap_or(i64::MAX));
    let rows = tx.connection.versions(&statement)?;
    rows.into_iter().map(|row| stored(tx.names, row)).collect()
}
