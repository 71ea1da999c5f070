//! How large a search is for the databases: what its links come to when each is followed to every type it may lead to, and
//! how many values its statement has. Both are bounded, since databases take so many values only (SQLite 32,766) and think
//! long about statements of thousands of conditions.

use super::parameter::invalid;
use super::query::{Criterion, Test};
use crate::error::Error;

/// Criteria that one chain may come to.
const MAX_ENDS: usize = 400;

/// Values that the statement of one search may have, about.
const MAX_VALUES: usize = 10_000;

/// Refuses a chain that comes to too many criteria; `code` is its first link.
pub(super) fn check_ends(name: &str, code: &str, ends: usize) -> Result<(), Error> {
    if ends <= MAX_ENDS {
        return Ok(());
    }
    let reason = format!("it may lead to too many types of resources; say which, like '{code}:Patient…'");
    Err(invalid(name, reason))
}

/// Adds the values of the criteria that the parameter `name` has become, and refuses what is too many.
pub(super) fn check_values(name: &str, criteria: &[Criterion], before: usize) -> Result<usize, Error> {
    let values = before + criteria.iter().map(values).sum::<usize>();
    if values <= MAX_VALUES {
        return Ok(values);
    }
    Err(invalid(
        name,
        "with it the search asks for too many values at once; send fewer, or name the types of references",
    ))
}

/// How many criteria one comes to, those at the end of all its links.
pub(super) fn ends(criterion: &Criterion) -> usize {
    sum(criterion, &|_| 1)
}

fn values(criterion: &Criterion) -> usize {
    sum(criterion, &|end| match end {
        Criterion::Id(ids) => ids.len(),
        Criterion::LastUpdated(tests) => 2 * tests.len(),
        Criterion::Compartment { parameters, .. } => 1 + parameters.len(),
        // And what the end of a link must be besides.
        Criterion::Matches { tests, .. } => 6 + tests.iter().map(values_of).sum::<usize>(),
        _ => 6,
    })
}

fn values_of(test: &Test) -> usize {
    match test {
        Test::Reference { targets, .. } => 1 + targets.len(),
        Test::Composite(tests) | Test::Not(tests) => tests.iter().map(values_of).sum(),
        Test::Near(_) => 12,
        _ => 3,
    }
}

/// The sum of something over the ends of all links.
fn sum(criterion: &Criterion, of: &dyn Fn(&Criterion) -> usize) -> usize {
    let all = |criteria: &[Criterion]| criteria.iter().map(|criterion| sum(criterion, of)).sum::<usize>();
    match criterion {
        Criterion::Chain { criteria, urls, .. } => {
            // What refers by canonical URL is looked for both ways.
            let ways = if urls.is_empty() { 1 } else { 2 };
            ways * criteria.iter().map(|criteria| all(criteria)).sum::<usize>()
        }
        Criterion::Has { criteria, urls, .. } => all(criteria) * if urls.is_empty() { 1 } else { 2 },
        Criterion::Any(criteria) | Criterion::All(criteria) => all(criteria),
        Criterion::Not(criterion) => sum(criterion, of),
        Criterion::ByType(each) => each.iter().map(|(_, criterion)| sum(criterion, of)).sum(),
        end => of(end),
    }
}
