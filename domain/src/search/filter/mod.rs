//! `_filter` (`FHIR R4 search_filter.html`): an expression over search parameters, read into a tree and then into the same
//! criteria that the other parameters become, so that access holds in it as it does in them.

mod comparison;
mod parser;

use super::canonical::urls;
use super::chain;
use super::parameter::{invalid, targets_of};
use super::parse::Context;
use super::query::Criterion;
use crate::conformance::TypeId;
use crate::error::{Error, ErrorCode};
use parser::{Comparison, Filter, Link};
use std::cell::Cell;

/// The name of the parameter.
const NAME: &str = "_filter";

/// Comparisons that one filter may come to, when each of its paths is followed to every type it may lead to.
const MAX_COMPARISONS: usize = 500;

/// Reads `_filter` for resources of one of `types`, of every type when empty. The criteria must all hold.
///
/// Errors: [`ErrorCode::InvalidParameter`] with the place where the text is no filter, [`ErrorCode::UnknownParameter`],
/// [`ErrorCode::NotSupported`].
pub(super) fn parse(context: &Context<'_>, types: &[TypeId], text: &str) -> Result<Vec<Criterion>, Error> {
    // No element of FHIR R4 holds them, and PostgreSQL takes no text with a NUL.
    let control = |c: char| c.is_control() && !c.is_whitespace();
    if text.contains(control) {
        return Err(invalid(NAME, "its value has a control character"));
    }
    let filter = parser::parse(text).map_err(|fault| invalid(NAME, fault))?;
    let run = Run { context, left: Cell::new(MAX_COMPARISONS) };
    let found = match types {
        [type_] => run.filter(Some(*type_), &filter, 0)?,
        _ => match run.filter(None, &filter, 0) {
            Err(error) if !types.is_empty() && error.code() == ErrorCode::UnknownParameter => {
                let of_type = |type_: &TypeId| Ok((*type_, run.filter(Some(*type_), &filter, 0)?));
                Criterion::ByType(types.iter().map(of_type).collect::<Result<_, Error>>()?)
            }
            found => found?,
        },
    };
    Ok(match found {
        Criterion::All(criteria) => criteria,
        other => vec![other],
    })
}

struct Run<'a> {
    context: &'a Context<'a>,
    /// Comparisons that may still come.
    left: Cell<usize>,
}

impl Run<'_> {
    /// A filter on resources of `type_`, `depth` links from where the search began.
    fn filter(&self, type_: Option<TypeId>, filter: &Filter, depth: usize) -> Result<Criterion, Error> {
        let each = |filters: &[Filter]| {
            filters.iter().map(|filter| self.filter(type_, filter, depth)).collect::<Result<Vec<_>, Error>>()
        };
        match filter {
            Filter::All(filters) => each(filters).map(Criterion::All),
            Filter::Any(filters) => each(filters).map(Criterion::Any),
            Filter::Not(filter) => {
                self.filter(type_, filter, depth).map(|criterion| Criterion::Not(Box::new(criterion)))
            }
            Filter::Compares(comparison) => self.path(type_, &comparison.links, comparison, depth),
        }
    }

    /// `links` lead from a resource of `type_` to the last parameter's name, and that to what is compared.
    fn path(
        &self,
        type_: Option<TypeId>,
        links: &[Link],
        comparison: &Comparison,
        depth: usize,
    ) -> Result<Criterion, Error> {
        let Some((link, rest)) = links.split_first() else {
            self.left.set(self.left.get().checked_sub(1).ok_or_else(too_many)?);
            return comparison::criterion(self.context, type_, comparison);
        };
        self.context.limits.check_links(NAME, depth)?;
        let parameter = chain::reference(self.context, type_, &link.name, NAME)?;
        if parameter.targets.is_empty() {
            return Err(invalid(NAME, format!("what '{}' refers to may be of any type", link.name)));
        }
        let mut targets = Vec::new();
        let mut criteria = Vec::new();
        let mut fault = None;
        for target in targets_of(self.context, type_, parameter) {
            let filtered = link.filter.iter().map(|filter| self.filter(Some(target), filter, depth + 1));
            let further = std::iter::once_with(|| self.path(Some(target), rest, comparison, depth + 1));
            match filtered.chain(further).collect::<Result<Vec<_>, Error>>() {
                Ok(found) => {
                    targets.push(target);
                    criteria.push(found);
                }
                // Not every type that is referred to needs to have the parameters.
                Err(error) if error.code() == ErrorCode::UnknownParameter => fault = Some(error),
                Err(error) => return Err(error),
            }
        }
        match fault {
            Some(error) if targets.is_empty() => Err(error),
            _ => {
                let urls = urls(self.context, type_, parameter, &targets);
                Ok(Criterion::Chain { parameter: parameter.id, targets, criteria, urls })
            }
        }
    }
}

fn too_many() -> Error {
    invalid(NAME, "its paths lead to too many types of resources; write a shorter one")
}

#[cfg(test)]
mod tests;
