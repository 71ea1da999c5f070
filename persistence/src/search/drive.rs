//! Which rows a search starts from: those of its most selective condition when they are few, else the table in order.
//!
//! Neither database is left to guess: on the wrong choice a search took 137 ms instead of 0.05 ms (a code and a subject).

use super::{criterion, test};
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::{Access, Reach};
use domain::conformance::Definitions;
use domain::index::hash::resource_key;
use domain::search::query::{Criterion, Prefix, Query, Test, TextMatch, UriMatch};

/// Rows up to which a condition is selective: its rows are gathered and the other conditions probed.
const FEW: i64 = 1000;

/// Ids in one `_id` that are looked up without counting.
const MANY_IDS: usize = 256;

/// The resources of the search's most selective condition, a subquery of one column `rid`; `None` if they are many.
pub(super) fn choose(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &Query,
) -> Result<Option<Statement>, Error> {
    if let Some(ids) = ids(query) {
        return Ok(Some(ids));
    }
    let mut best: Option<(i64, Statement)> = None;
    for candidate in candidates(tx, access, query)? {
        let mut count = Statement::new("SELECT COUNT(*) FROM (");
        count.append(candidate.clone()).sql(" LIMIT ").integer(FEW).sql(") n");
        let rows = tx.connection.integers(&count)?.pop().unwrap_or(FEW);
        if rows < FEW && best.as_ref().is_none_or(|(fewest, _)| rows < *fewest) {
            best = Some((rows, candidate));
        }
    }
    Ok(best.map(|(_, candidate)| candidate))
}

/// `_id` in a search of one type.
fn ids(query: &Query) -> Option<Statement> {
    let [type_] = query.types.as_slice() else { return None };
    let name = Definitions::r4().type_name(*type_);
    let ids = query.criteria.iter().find_map(|criterion| match criterion {
        Criterion::Id(ids) if !ids.is_empty() && ids.len() <= MANY_IDS => Some(ids),
        _ => None,
    })?;
    let keys: Vec<i64> = ids.iter().map(|id| resource_key(name, id.as_str())).collect();
    let mut statement = Statement::new("SELECT r.rid AS rid FROM resource r WHERE r.key IN ");
    statement.list(&keys);
    Some(statement)
}

fn candidates(tx: &Transaction<'_>, access: &Access, query: &Query) -> Result<Vec<Statement>, Error> {
    let mut candidates = Vec::new();
    for criterion in &query.criteria {
        if let Criterion::Matches { parameter, facet, tests, negated: false } = criterion
            && let [test] = tests.as_slice()
            && is_seekable(test)
        {
            let mut statement = Statement::new("SELECT i.rid AS rid FROM ");
            statement.sql(test::table(tests, criterion::kind_of(*parameter))).sql(" i WHERE i.p = ");
            statement.integer(tx.names.p(*parameter, *facet)).sql(" AND ");
            test::compile(&mut statement, test)?;
            candidates.push(statement);
        }
    }
    if let [type_] = query.types.as_slice()
        && let Reach::Any(clauses) = access.reach(*type_)
        && let [clause] = clauses.as_slice()
        && let Some(patients) = clause.patients.as_ref().filter(|patients| !patients.is_empty())
    {
        let mut statement = Statement::new("SELECT c.rid AS rid FROM compartment c WHERE c.patient_key IN ");
        statement.list(patients).sql(" AND c.type_id = ").integer(tx.names.number(*type_));
        candidates.push(statement);
    }
    Ok(candidates)
}

/// Whether an index finds the rows of a test without reading others.
fn is_seekable(test: &Test) -> bool {
    match test {
        Test::Token { code, .. } => code.is_some(),
        Test::Text { how, text } => !text.is_empty() && *how != TextMatch::Contains,
        Test::Reference { .. } => true,
        Test::Uri { how, .. } => *how != UriMatch::Above,
        Test::Date(test) => test.prefix == Prefix::Eq,
        Test::Number { prefix, .. } | Test::Quantity { prefix, .. } => *prefix == Prefix::Eq,
        Test::Composite(tests) => matches!(tests.first(), Some(Test::Token { code: Some(_), .. })),
    }
}
