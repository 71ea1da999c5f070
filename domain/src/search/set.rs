//! The ValueSets that `:in` and `:not-in` name: looked for in the store before the search runs, so that the search itself is
//! one statement over the rows of their codes.

use super::kind::token::code_key;
use super::kind::{reference, uri};
use super::query::{Criterion, Query, Set, Test};
use crate::conformance::Definitions;
use crate::error::{Error, ErrorCode};
use crate::index::hash::resource_key;
use crate::index::value_set::Why;

/// A ValueSet as a search names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The parameter, for errors.
    pub parameter: String,
    /// What was written, for errors.
    pub written: String,
    /// The key of `ValueSet/id`, where what was written is a literal reference.
    pub key: Option<i64>,
    /// `ValueSet.url`.
    pub url: String,
    /// The key of `ValueSet.version`, if one was asked for.
    pub version: Option<i64>,
}

/// Reads the value of `:in` of the parameter called `parameter`.
///
/// Errors: why it names no ValueSet.
pub(super) fn parse(parameter: &str, text: &str, base: &str) -> Result<Test, String> {
    let literal =
        reference::target(text, base).filter(|target| target.local).and_then(|target| target.resource);
    let value_set = literal.filter(|(type_, _)| Definitions::r4().type_name(*type_) == "ValueSet");
    if value_set.is_none() && !text.contains(':') {
        return Err("it takes the URL of a ValueSet, with '|version' or without, or 'ValueSet/id'".to_owned());
    }
    let (url, version) = uri::split_canonical(text);
    Ok(Test::Member(Set::Named(Name {
        parameter: parameter.to_owned(),
        written: text.to_owned(),
        key: value_set.map(|(_, id)| resource_key("ValueSet", id)),
        url: url.to_owned(),
        version: Some(version).filter(|version| !version.is_empty()).map(|version| code_key(None, version)),
    })))
}

/// Finds every ValueSet that `query` names. `find` gives the row of the one that the caller may see, and whether it
/// enumerates its codes; `p` is that of the codes' rows.
///
/// Errors: [`ErrorCode::NotSupported`] for a set that is not stored, not visible to the caller or does not enumerate.
pub fn resolve(
    query: &mut Query,
    p: i64,
    mut find: impl FnMut(&Name) -> Result<Option<(i64, Why)>, Error>,
) -> Result<(), Error> {
    let mut sets = Vec::new();
    gather(&mut query.criteria, &mut sets);
    for set in sets {
        let Set::Named(name) = set else { continue };
        let Name { parameter, written, .. } = &*name;
        let refused = |reason: &str| {
            let message = format!("The parameter '{parameter}': the ValueSet '{written}' {reason}.");
            Err(Error::new(ErrorCode::NotSupported, message))
        };
        match find(name)?.map(|(row, why)| (row, why.reason())) {
            Some((row, None)) => *set = Set::Stored { row, p },
            Some((_, Some(reason))) => {
                return refused(&format!(
                    "does not list its codes: {reason}. Working codes out comes with the terminology services; until then \
                     store it with its codes in 'compose.include.concept', or with a whole 'expansion'"
                ));
            }
            None => {
                return refused(
                    "is not stored here, or you may not read it. Store it with its codes listed, or ask for a scope that \
                     reads it",
                );
            }
        }
    }
    Ok(())
}

/// Whether a query names a ValueSet.
pub fn names_any(query: &Query) -> bool {
    any(&query.criteria)
}

fn any(criteria: &[Criterion]) -> bool {
    criteria.iter().any(|criterion| match criterion {
        Criterion::Matches { tests, .. } => tests.iter().any(|test| matches!(test, Test::Member(_))),
        Criterion::Chain { criteria, .. } => criteria.iter().any(|criteria| any(criteria)),
        Criterion::Has { criteria, .. }
        | Criterion::Contains { criteria, .. }
        | Criterion::Any(criteria)
        | Criterion::All(criteria) => any(criteria),
        Criterion::Not(criterion) | Criterion::Container(criterion) => {
            any(std::slice::from_ref(&**criterion))
        }
        Criterion::ByType(each) => each.iter().any(|(_, criterion)| any(std::slice::from_ref(criterion))),
        Criterion::Id(_)
        | Criterion::LastUpdated(_)
        | Criterion::Missing { .. }
        | Criterion::Compartment { .. }
        | Criterion::Never => false,
    })
}

fn gather<'q>(criteria: &'q mut [Criterion], sets: &mut Vec<&'q mut Set>) {
    for criterion in criteria {
        match criterion {
            Criterion::Matches { tests, .. } => sets.extend(tests.iter_mut().filter_map(|test| match test {
                Test::Member(set) => Some(set),
                _ => None,
            })),
            Criterion::Chain { criteria, .. } => {
                criteria.iter_mut().for_each(|criteria| gather(criteria, sets));
            }
            Criterion::Has { criteria, .. }
            | Criterion::Contains { criteria, .. }
            | Criterion::Any(criteria)
            | Criterion::All(criteria) => {
                gather(criteria, sets);
            }
            Criterion::Not(criterion) | Criterion::Container(criterion) => {
                gather(std::slice::from_mut(&mut **criterion), sets);
            }
            Criterion::ByType(each) => {
                each.iter_mut().for_each(|(_, criterion)| gather(std::slice::from_mut(criterion), sets));
            }
            Criterion::Id(_)
            | Criterion::LastUpdated(_)
            | Criterion::Missing { .. }
            | Criterion::Compartment { .. }
            | Criterion::Never => {}
        }
    }
}
