//! Which rows a search starts from: those of its most selective condition when they are few, else the table in order.
//!
//! Neither database is left to guess: on the wrong choice a search took 137 ms instead of 0.05 ms (a code and a subject).

use super::{counts, criterion, dated, rows, test};
use crate::resources::write::STILL;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::{Access, Reach};
use domain::conformance::{Definitions, ParameterId, TypeId};
use domain::id::Id;
use domain::index::Facet;
use domain::index::hash::resource_key;
use domain::search::query::{Criterion, Prefix, Query, SystemTest, Test, TextMatch, UnitTest, VersionTest};

/// Resources that one `_id` may mean, its ids times the types searched, that are looked up without counting.
const MANY_IDS: usize = 512;

/// Types at the end of a chain, each sought by itself.
const MANY_ENDS: usize = 16;

/// Values of one parameter, any of which may match, that are sought one by one.
const MANY_VALUES: usize = 64;

/// The rows that a search starts from.
#[derive(Debug, Clone)]
pub(super) struct Drive {
    /// A query of one column `rid`, perhaps with doubles.
    pub(super) rows: Statement,
    /// Whether they come in the order of `rid`, so that a LIMIT stops the scan.
    pub(super) streams: bool,
    /// Whether each `rid` comes once.
    pub(super) unique: bool,
    /// Whether only living resources of the type searched have such rows.
    pub(super) living: bool,
    /// The criterion that every row meets, by its place in the query.
    pub(super) meets: Option<usize>,
    /// How many rows there are, where they were counted.
    pub(super) count: Option<i64>,
}

/// The rows of the search's most selective condition; `None` if they are many.
pub(super) fn choose(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
) -> Result<Option<Drive>, Error> {
    if let Some(ids) = ids(query) {
        return Ok(Some(ids));
    }
    let mut candidates = candidates(tx, access, query)?;
    if query.sort.is_empty()
        && let [only] = candidates.as_slice()
        && only.streams
    {
        return Ok(candidates.pop());
    }
    let mut best: Option<(i64, Drive)> = None;
    for candidate in candidates.iter() {
        if let Some(rows) = counts::few(tx, &candidate.rows)?
            && best.as_ref().is_none_or(|(fewest, _)| rows < *fewest)
        {
            best = Some((rows, Drive { count: Some(rows), ..candidate.clone() }));
        }
    }
    if best.is_none() && query.types.len() > 1 {
        // Of no one type: what is in a compartment is fewer than all that could be.
        let place = query.criteria.iter().position(|one| matches!(one, Criterion::Compartment { .. }));
        return Ok(candidates.into_iter().find(|candidate| place.is_some() && candidate.meets == place));
    }
    if best.is_none() && query.sort.is_empty() {
        // Many rows in the order of the answer: the scan ends with the page.
        return Ok(candidates.into_iter().find(|candidate| candidate.streams));
    }
    Ok(best.map(|(_, candidate)| candidate))
}

/// Whether a page is found sooner by looking at the resources of the type in the order of the answer: where the only
/// condition is met by so many of them that few are looked at in vain.
///
/// Counts come from the last half minute; they decide which way is taken, never what it finds.
pub(super) fn is_longer_than_a_scan(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
    drive: &Drive,
) -> Result<bool, Error> {
    let ([type_], [_], Some(rows)) = (query.types.as_slice(), query.criteria.as_slice(), drive.count) else {
        return Ok(false);
    };
    let in_order = query.sort.is_empty() || dated::parameter(query).is_some();
    if drive.streams || !in_order || *access.reach(*type_) != Reach::All || rows <= rows::limit(query) {
        return Ok(false);
    }
    let living = counts::living(tx, *type_)?;
    let scanned = rows::limit(query).saturating_mul(living) / rows.min(living).max(1);
    // A row that is looked at in vain costs about as much as two that are gathered.
    Ok(scanned.saturating_mul(2) < rows)
}

/// `_id`: as many keys as there are types that may have the id.
fn ids(query: &Query) -> Option<Drive> {
    let definitions = Definitions::r4();
    let types: Vec<TypeId> =
        if query.types.is_empty() { definitions.endpoints().collect() } else { query.types.clone() };
    let ids = query.criteria.iter().find_map(|criterion| match criterion {
        Criterion::Id(ids) if (1..=MANY_IDS).contains(&(ids.len() * types.len())) => Some(ids),
        _ => None,
    })?;
    let rows = by_id(&types, ids);
    Some(Drive { rows, streams: false, unique: false, living: false, meets: None, count: None })
}

/// The resources of these types with these ids.
fn by_id(types: &[TypeId], ids: &[Id]) -> Statement {
    let definitions = Definitions::r4();
    let key = |type_: &TypeId, id: &Id| resource_key(definitions.type_name(*type_), id.as_str());
    let keys: Vec<i64> = ids.iter().flat_map(|id| types.iter().map(move |type_| key(type_, id))).collect();
    let mut rows = Statement::new("SELECT r.rid AS rid FROM resource r WHERE r.key IN ");
    rows.list(&keys);
    rows
}

fn candidates(tx: &Transaction<'_>, access: &Access, query: &Query) -> Result<Vec<Drive>, Error> {
    let mut candidates = Vec::new();
    for (place, criterion) in query.criteria.iter().enumerate() {
        if let Some(rows) = seek(tx, access, criterion)? {
            let living = match (criterion, query.types.as_slice()) {
                (Criterion::Matches { parameter, .. } | Criterion::Chain { parameter, .. }, [type_]) => {
                    is_of(*parameter, *type_)
                }
                (Criterion::Compartment { itself, .. }, [_]) => !itself,
                _ => false,
            };
            let (streams, unique) = order(criterion);
            let meets = tells(criterion).then_some(place);
            candidates.push(Drive { rows, streams, unique, living, meets, count: None });
        }
    }
    if let [type_] = query.types.as_slice()
        && let Reach::Any(clauses) = access.reach(*type_)
        && let [clause] = clauses.as_slice()
        && let Some(patients) = clause.patients.as_ref().filter(|patients| !patients.is_empty())
    {
        let mut rows = Statement::new("SELECT c.rid AS rid FROM compartment c WHERE c.patient_key IN ");
        rows.list(patients).sql(" AND c.type_id = ").integer(tx.names.number(*type_));
        rows.sql(" AND c.until = ").integer(STILL);
        // A deleted resource stays in its compartments.
        candidates.push(Drive {
            rows,
            streams: false,
            unique: false,
            living: false,
            meets: None,
            count: None,
        });
    }
    Ok(candidates)
}

/// Whether every row that [`seek`] finds meets the criterion, whatever its type.
fn tells(criterion: &Criterion) -> bool {
    let Criterion::ByType(each) = criterion else { return true };
    each.iter().all(|(type_, criterion)| match criterion {
        Criterion::Matches { parameter, .. } | Criterion::Chain { parameter, .. } => {
            is_of(*parameter, *type_)
        }
        _ => false,
    })
}

/// Whether only resources of `type_` have rows of the parameter.
pub(super) fn is_of(parameter: ParameterId, type_: TypeId) -> bool {
    let definitions = Definitions::r4();
    // One that is not R4's has a number for each type.
    parameter.as_custom().is_some()
        || definitions.parameter_of(parameter).base == definitions.type_name(type_)
}

/// A query of the `rid`s that meet a criterion, where an index finds them without reading others.
fn seek(tx: &Transaction<'_>, access: &Access, criterion: &Criterion) -> Result<Option<Statement>, Error> {
    match criterion {
        Criterion::Matches { parameter, facet, tests, negated: false }
            if (1..=MANY_VALUES).contains(&tests.len()) && tests.iter().all(is_seekable) =>
        {
            let mut rows = Statement::default();
            for (n, test) in tests.iter().enumerate() {
                rows.sql(if n > 0 { " UNION ALL " } else { "" }).sql("SELECT i.rid AS rid FROM ");
                if let Test::Member(set) = test {
                    let (set, listed) = test::stored(set)?;
                    rows.sql("ix_token c CROSS JOIN ix_token i WHERE c.rid = ").integer(set);
                    rows.sql(" AND c.p = ").integer(listed).sql(" AND c.code <> 0 AND i.p = ");
                    rows.integer(tx.names.p(*parameter, *facet));
                    rows.sql(" AND i.code = c.code AND i.system = c.system");
                    continue;
                }
                if let Test::Word(word) = test {
                    rows.sql("ix_words w CROSS JOIN ix_token i WHERE w.word = ").integer(*word);
                    rows.sql(" AND i.p = ").integer(tx.names.p(*parameter, *facet));
                    rows.sql(" AND i.code = w.words AND i.system = 0");
                    continue;
                }
                rows.sql(test::table(tests, criterion::kind_of(*parameter))).sql(" i WHERE i.p = ");
                rows.integer(tx.names.p(*parameter, *facet)).sql(" AND ");
                test::compile(&mut rows, test)?;
            }
            Ok(Some(rows))
        }
        // What refers by canonical URL is found from the other side.
        Criterion::Chain { parameter, targets, criteria, urls } if urls.is_empty() => {
            // One list of criteria is for all targets.
            let ends: Vec<(&[TypeId], &[Criterion])> = match criteria.as_slice() {
                [criteria] => vec![(targets, criteria)],
                _ => targets.chunks(1).zip(criteria.iter().map(Vec::as_slice)).collect(),
            };
            if !(1..=MANY_ENDS).contains(&ends.len()) {
                return Ok(None);
            }
            let mut rows = Statement::default();
            for (n, (targets, criteria)) in ends.into_iter().enumerate() {
                let Some(found) = linked(tx, access, targets, criteria)? else { return Ok(None) };
                rows.sql(if n > 0 { " UNION ALL " } else { "" }).sql("SELECT i.rid AS rid FROM ");
                rows.append(found).sql(" CROSS JOIN ix_reference i WHERE i.target = t.key AND i.p = ");
                rows.integer(tx.names.p(*parameter, Facet::Value));
            }
            Ok(Some(rows))
        }
        Criterion::Has { source, parameter, facet, criteria, urls } if urls.is_empty() => {
            let Some(found) = linked(tx, access, &[*source], criteria)? else { return Ok(None) };
            let mut rows = Statement::new("SELECT r.rid AS rid FROM ");
            rows.append(found)
                .sql(" CROSS JOIN ix_reference i CROSS JOIN resource r WHERE i.rid = t.rid AND i.p = ");
            rows.integer(tx.names.p(*parameter, *facet)).sql(" AND r.key = i.target");
            Ok(Some(rows))
        }
        Criterion::Any(criteria) if !criteria.is_empty() => {
            let mut rows = Statement::default();
            for (n, criterion) in criteria.iter().enumerate() {
                let Some(found) = seek(tx, access, criterion)? else { return Ok(None) };
                rows.sql(if n > 0 { " UNION ALL " } else { "" }).append(found);
            }
            Ok(Some(rows))
        }
        Criterion::Compartment { key, parameters, itself } => {
            let numbers: Vec<i64> =
                parameters.iter().map(|parameter| tx.names.p(*parameter, Facet::Value)).collect();
            let mut rows = Statement::default();
            if !numbers.is_empty() {
                rows.sql("SELECT i.rid AS rid FROM ix_reference i WHERE i.target = ").integer(*key);
                rows.sql(" AND i.p IN ").list(&numbers);
            }
            if *itself || numbers.is_empty() {
                rows.sql(if numbers.is_empty() { "" } else { " UNION ALL " });
                rows.sql("SELECT r.rid AS rid FROM resource r WHERE r.key = ").integer(*key);
                rows.sql(if *itself { "" } else { " AND 1 = 0" });
            }
            Ok(Some(rows))
        }
        Criterion::ByType(each) => {
            let mut rows = Statement::default();
            for (n, (_, criterion)) in each.iter().enumerate() {
                let Some(found) = seek(tx, access, criterion)? else { return Ok(None) };
                rows.sql(if n > 0 { " UNION ALL " } else { "" }).append(found);
            }
            Ok(Some(rows).filter(|_| !each.is_empty()))
        }
        _ => Ok(None),
    }
}

/// The resources of these types at the other end of a link (`rid`, `key`), as `t`, sought by the first criterion that an index finds.
fn linked(
    tx: &Transaction<'_>,
    access: &Access,
    types: &[TypeId],
    criteria: &[Criterion],
) -> Result<Option<Statement>, Error> {
    for (place, criterion) in criteria.iter().enumerate() {
        let sought = match criterion {
            Criterion::Id(ids) if (1..=MANY_IDS).contains(&(ids.len() * types.len())) => {
                Some(by_id(types, ids))
            }
            _ => seek(tx, access, criterion)?,
        };
        let Some(rows) = sought else { continue };
        let mut found = Statement::new("(SELECT v.rid AS rid, v.key AS key FROM (SELECT DISTINCT rid FROM (");
        found.append(rows).sql(") n) d CROSS JOIN resource v WHERE v.rid = d.rid AND ");
        let rest = criteria.iter().enumerate().filter(|(other, _)| *other != place);
        let rest: Vec<Criterion> = rest.map(|(_, rest)| rest.clone()).collect();
        match types {
            [type_] => criterion::linked(&mut found, tx.names, access, (*type_, &rest))?,
            _ => criterion::of_any(&mut found, tx.names, access, (types, &rest))?,
        }
        found.sql(") t");
        return Ok(Some(found));
    }
    Ok(None)
}

/// Whether an index finds the rows of a test without reading others.
fn is_seekable(test: &Test) -> bool {
    match test {
        Test::Token { code, .. } => code.is_some(),
        Test::Text { how, text } => {
            let sought =
                [TextMatch::Starts, TextMatch::Exact, TextMatch::Long, TextMatch::Ordered(Prefix::Eq)];
            !text.is_empty() && sought.contains(how)
        }
        Test::Reference { .. } | Test::Member(_) | Test::Uri { .. } | Test::Near(_) | Test::Word(_) => true,
        Test::Not(_) => false,
        Test::Date(test) => test.prefix == Prefix::Eq,
        Test::Number { prefix, .. } => *prefix == Prefix::Eq,
        // The index has the values as written.
        Test::Quantity { prefix, unit, .. } => {
            *prefix == Prefix::Eq && !matches!(unit, UnitTest::Canonical(_))
        }
        Test::Composite(tests) => matches!(tests.first(), Some(Test::Token { code: Some(_), .. })),
    }
}

/// Whether the rows that [`seek`] finds come in the order of `rid`, and each once: when the index's columns before it are
/// all given.
fn order(criterion: &Criterion) -> (bool, bool) {
    let Criterion::Matches { tests, .. } = criterion else { return (false, false) };
    match tests.as_slice() {
        [Test::Token { system, code: Some(_) }] => (*system != SystemTest::Any, *system != SystemTest::Any),
        // The index by target leaves out the version.
        [Test::Reference { targets, version: VersionTest::Any }] => (targets.len() == 1, false),
        _ => (false, false),
    }
}
