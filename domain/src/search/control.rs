//! Parameters that shape the result and not the match: `_sort`, `_total`, `_summary`, `_elements`
//! (`FHIR R4 search.html#Result-parameters`).

use super::parameter::{find, invalid, unsupported};
use super::parse::Context;
use super::query::{Sort, SortBy, Total};
use crate::conformance::{Definitions, SearchKind, TypeId};
use crate::error::Error;
use crate::interaction::Parameters;
use crate::resource::subset::{Elements, Subset};

/// Reads `_total`.
pub(super) fn total(name: &str, value: &str) -> Result<Total, Error> {
    match value {
        "none" => Ok(Total::None),
        "estimate" => Ok(Total::Estimate),
        "accurate" => Ok(Total::Accurate),
        _ => Err(invalid(name, "it is 'none', 'estimate' or 'accurate'")),
    }
}

/// What `_summary` and `_elements` of a request ask for (`FHIR R4 search.html#summary`, `search.html#elements`).
#[derive(Debug, Default)]
pub struct View {
    summary: Option<String>,
    elements: Option<String>,
}

impl View {
    /// Takes a parameter if it is one of the two; `false` if it is another.
    ///
    /// Errors: [`ErrorCode::InvalidParameter`](crate::ErrorCode::InvalidParameter) for a second `_summary` and one that R4
    /// does not have.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, Error> {
        match name {
            "_summary" if self.summary.is_some() => Err(invalid(name, "it may be given once")),
            "_summary" if !matches!(value, "true" | "text" | "data" | "count" | "false") => {
                Err(invalid(name, "it is 'true', 'text', 'data', 'count' or 'false'"))
            }
            "_summary" => {
                self.summary = Some(value.to_owned());
                Ok(true)
            }
            "_elements" => {
                let named = self.elements.take();
                self.elements =
                    Some(named.map_or_else(|| value.to_owned(), |named| format!("{named},{value}")));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// `_summary=count`: the total alone.
    pub fn is_count(&self) -> bool {
        self.summary.as_deref() == Some("count")
    }

    /// The part of each resource, in a request for `types` (empty for any).
    ///
    /// Errors: [`ErrorCode::InvalidParameter`](crate::ErrorCode::InvalidParameter) for elements that none of the types has,
    /// and for both parameters at once.
    pub fn subset(&self, types: &[TypeId]) -> Result<Subset, Error> {
        let by_summary = match self.summary.as_deref() {
            Some("true") => Subset::Summary,
            Some("text") => Subset::Text,
            Some("data") => Subset::Data,
            _ => Subset::Whole,
        };
        let Some(elements) = &self.elements else { return Ok(by_summary) };
        let elements = Elements::parse(elements, types).map_err(|fault| invalid("_elements", fault))?;
        if !by_summary.is_whole() {
            return Err(invalid("_elements", "it cannot be combined with '_summary'; send one of them"));
        }
        Ok(Subset::Elements(elements))
    }

    /// The part of a resource that is read by its address.
    ///
    /// Errors: as [`View::take`] and [`View::subset`]; `_summary=count`, where there is nothing to count.
    pub fn of_read(type_: TypeId, parameters: &Parameters) -> Result<Subset, Error> {
        let mut view = View::default();
        for (name, value) in parameters {
            view.take(name, value)?;
        }
        if view.is_count() {
            return Err(invalid("_summary", "'count' is for searches and histories"));
        }
        view.subset(&[type_])
    }
}

/// Reads `_sort` of a search of `types`, of every type when empty: by `_id`, `_lastUpdated` and the parameters whose values
/// have an order.
///
/// Errors: [`ErrorCode::UnknownParameter`] for one that not all the types have, [`ErrorCode::NotSupported`] for one without
/// order, [`ErrorCode::InvalidParameter`] for one that the types have of different kinds.
pub(super) fn sort(
    context: &Context<'_>,
    name: &str,
    value: &str,
    types: &[TypeId],
) -> Result<Vec<Sort>, Error> {
    let keys: Vec<&str> = value.split(',').collect();
    context.limits.check_sort_keys(name, keys.len())?;
    let key = |text: &&str| {
        let (code, descending) = text.strip_prefix('-').map_or((*text, false), |code| (code, true));
        let by = match code {
            "" => {
                return Err(invalid(name, "name the parameters to sort by, '-' before one for the reverse"));
            }
            "_id" => SortBy::Id,
            "_lastUpdated" => SortBy::LastUpdated,
            code => by_parameter(context, name, code, types)?,
        };
        Ok(Sort { by, descending })
    };
    keys.iter().map(key).collect()
}

/// The parameter `code` of each of `types`.
fn by_parameter(context: &Context<'_>, name: &str, code: &str, types: &[TypeId]) -> Result<SortBy, Error> {
    let ordered = |type_: Option<TypeId>| {
        let parameter = find(context, type_, code, name)?;
        if is_ordered(parameter.kind) {
            return Ok(parameter);
        }
        let reason =
            format!("sorting by '{code}' is not supported: composite and special parameters have no order");
        Err(unsupported(name, reason))
    };
    let [first, rest @ ..] = types else { return Ok(SortBy::Parameter(ordered(None)?.id)) };
    let first = (*first, ordered(Some(*first))?);
    let mut shared = vec![first.1.id];
    for type_ in rest {
        let other = ordered(Some(*type_))?;
        if other.kind != first.1.kind {
            let (definitions, kinds) = (Definitions::r4(), (first.1.kind.code(), other.kind.code()));
            let (of, and) = (definitions.type_name(first.0), definitions.type_name(*type_));
            let reason = format!(
                "'{code}' of {of} is of type {}, of {and} of type {}; what is sorted together is of one type",
                kinds.0, kinds.1
            );
            return Err(invalid(name, reason));
        }
        if !shared.contains(&other.id) {
            shared.push(other.id);
        }
    }
    Ok(match shared.as_slice() {
        [only] => SortBy::Parameter(*only),
        _ => SortBy::Shared(shared),
    })
}

/// Whether the values of a kind have an order.
const fn is_ordered(kind: SearchKind) -> bool {
    matches!(
        kind,
        SearchKind::Date
            | SearchKind::String
            | SearchKind::Number
            | SearchKind::Quantity
            | SearchKind::Uri
            | SearchKind::Token
            | SearchKind::Reference
    )
}
