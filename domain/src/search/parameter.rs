//! One search parameter with its value: from `name:modifier=a,b` to a [`Criterion`].

use super::kind::{date, number, quantity, reference, string, token, uri};
use super::modifier::{self, Modifier};
use super::parse::Context;
use super::query::{Criterion, Test, TextMatch, UriMatch};
use super::{chain, escape, prefix};
use crate::conformance::definitions::SearchParameter;
use crate::conformance::search_parameters::Readiness;
use crate::conformance::{Definitions, SearchKind, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::Facet;
use crate::index::extract::{looks_at_canonicals, targets};

/// A parameter that is wrong in itself.
pub(super) fn invalid(name: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidParameter, format!("The parameter '{name}': {reason}."))
}

/// A parameter of the specification that is not done here.
pub(super) fn unsupported(name: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::NotSupported, format!("The parameter '{name}': {reason}."))
}

/// The parameter `code` of `type_`, or of all resources where the search is for no type in particular.
pub(super) fn find<'a>(
    context: &Context<'a>,
    type_: Option<TypeId>,
    code: &str,
    name: &str,
) -> Result<&'a SearchParameter, Error> {
    let found = context.parameters.find(type_, code);
    let on = type_.map_or("every resource", |type_| Definitions::r4().type_name(type_));
    let found = found.ok_or_else(|| {
        Error::new(
            ErrorCode::UnknownParameter,
            format!("The parameter '{name}': {on} has no search parameter '{code}'."),
        )
    })?;
    if let Readiness::Indexing { done, total } = context.parameters.readiness(found.id) {
        let reason = format!("'{code}' is being indexed: {done} of {total} resources are done");
        return Err(Error::new(ErrorCode::BeingIndexed, format!("The parameter '{name}': {reason}.")));
    }
    if found.expression.is_empty() || found.kind == SearchKind::Special {
        return Err(unsupported(name, format!("searching by '{code}' is not supported")));
    }
    Ok(found)
}

/// The types that a reference parameter of `type_` refers to, empty for any.
pub(super) fn targets_of(
    context: &Context<'_>,
    type_: Option<TypeId>,
    parameter: &SearchParameter,
) -> Vec<TypeId> {
    type_.map_or_else(|| parameter.targets.clone(), |type_| targets(context.parameters, type_, parameter))
}

/// Reads `name=value` for resources of one of `types` (of every type when empty): a parameter of every resource, or one that
/// all these types have, each its own (`FHIR R4 search.html`, "Search Contexts").
///
/// Errors: as [`criterion`].
pub(super) fn criterion_of_types(
    context: &Context<'_>,
    types: &[TypeId],
    name: &str,
    value: &str,
) -> Result<Criterion, Error> {
    let common = match types {
        [type_] => return criterion(context, Some(*type_), name, value, 0),
        _ => criterion(context, None, name, value, 0),
    };
    let Err(error) = &common else { return common };
    if types.is_empty() || error.code() != ErrorCode::UnknownParameter {
        return common;
    }
    let of_type = |type_: &TypeId| Ok((*type_, criterion(context, Some(*type_), name, value, 0)?));
    types.iter().map(of_type).collect::<Result<_, _>>().map(Criterion::ByType)
}

/// Reads `name=value` for resources of `type_`. `depth` counts the hops of a chain.
///
/// Errors: [`ErrorCode::UnknownParameter`], [`ErrorCode::NotSupported`], [`ErrorCode::InvalidParameter`].
pub(super) fn criterion(
    context: &Context<'_>,
    type_: Option<TypeId>,
    name: &str,
    value: &str,
    depth: usize,
) -> Result<Criterion, Error> {
    if let Some(rest) = name.strip_prefix("_has:") {
        return chain::has(context, type_, rest, value, depth);
    }
    if let Some((link, rest)) = name.split_once('.') {
        return chain::chain(context, type_, (link, rest), value, depth);
    }
    let (code, modifier) = match name.split_once(':') {
        Some((code, modifier)) => (code, Some(modifier)),
        None => (name, None),
    };
    if value.is_empty() {
        return Err(invalid(name, "give it a value"));
    }
    // No element of FHIR R4 holds them, and PostgreSQL takes no text with a NUL.
    if value.contains(|c: char| c.is_control() && !c.is_whitespace()) {
        return Err(invalid(name, "its value has a control character"));
    }
    let values = escape::split(value, ',');
    context.limits.check_values(name, values.len())?;
    if values.iter().any(|value| value.is_empty()) {
        return Err(invalid(name, "one of its values is empty; write a comma inside a value as '\\,'"));
    }
    match (code, modifier) {
        ("_id", None) => Ok(ids(&values)),
        ("_lastUpdated", None) => {
            let test = |value: &&str| -> Result<_, Error> {
                let (prefix, rest) = prefix::split(value);
                date::parse(prefix, rest, context.now.0).map_err(|fault| invalid(name, fault))
            };
            Ok(Criterion::LastUpdated(values.iter().map(test).collect::<Result<_, _>>()?))
        }
        ("_id" | "_lastUpdated", Some(modifier)) => {
            Err(unsupported(name, format!("the modifier ':{modifier}' is not supported on it")))
        }
        _ => {
            let parameter = find(context, type_, code, name)?;
            let modifier = modifier::parse(name, modifier, parameter.kind)?;
            if values.len() > 1 && !parameter.multiple_or {
                return Err(invalid(name, "it takes one value; write a comma inside it as '\\,'"));
            }
            indexed(context, type_, parameter, modifier, &values).map_err(|fault| invalid(name, fault))
        }
    }
}

/// `_id`. What cannot be an id matches nothing.
fn ids(values: &[&str]) -> Criterion {
    let ids: Vec<Id> = values.iter().filter_map(|value| Id::parse(&escape::unescape(value)).ok()).collect();
    if ids.is_empty() { Criterion::Never } else { Criterion::Id(ids) }
}

/// A parameter that has index rows.
fn indexed(
    context: &Context<'_>,
    type_: Option<TypeId>,
    parameter: &SearchParameter,
    modifier: Modifier,
    values: &[&str],
) -> Result<Criterion, String> {
    if modifier == Modifier::Missing {
        let missing = match values {
            ["true"] => true,
            ["false"] => false,
            _ => return Err("':missing' takes 'true' or 'false'".to_owned()),
        };
        return Ok(Criterion::Missing { parameter: parameter.id, missing });
    }
    let facet = match modifier {
        Modifier::Text => Facet::Text,
        Modifier::OfType => Facet::OfType,
        Modifier::Identifier => Facet::Identifier,
        _ => Facet::Value,
    };
    let one = |value: &&str| match modifier {
        Modifier::Text => searchable(string::parse(&escape::unescape(value), TextMatch::Starts)),
        Modifier::OfType => token::parse_of_type(&escape::parts(value)),
        Modifier::Identifier => token::parse(&escape::parts(value)),
        _ => test(context, type_, parameter, modifier, value),
    };
    let tests: Vec<Test> = values.iter().map(one).collect::<Result<_, _>>()?;
    Ok(Criterion::Matches { parameter: parameter.id, facet, tests, negated: modifier == Modifier::Not })
}

/// One value of a parameter, by its kind.
fn test(
    context: &Context<'_>,
    type_: Option<TypeId>,
    parameter: &SearchParameter,
    modifier: Modifier,
    value: &str,
) -> Result<Test, String> {
    match parameter.kind {
        SearchKind::String => {
            let how = match modifier {
                Modifier::Exact => TextMatch::Exact,
                Modifier::Contains => TextMatch::Contains,
                _ => TextMatch::Starts,
            };
            searchable(string::parse(&escape::unescape(value), how))
        }
        SearchKind::Token => token::parse(&escape::parts(value)),
        SearchKind::Date => {
            let (prefix, rest) = prefix::split(value);
            date::parse(prefix, rest, context.now.0).map(Test::Date)
        }
        SearchKind::Number => {
            let (prefix, rest) = prefix::split(value);
            number::parse(prefix, rest)
        }
        SearchKind::Quantity => {
            let (prefix, rest) = prefix::split(value);
            quantity::parse(prefix, &escape::parts(rest))
        }
        SearchKind::Reference => {
            let canonical =
                type_.is_some_and(|type_| looks_at_canonicals(context.parameters, type_, parameter.id));
            let value = escape::unescape(value);
            match modifier {
                Modifier::Type(only) => reference::parse(&value, &[only], canonical, context.base),
                _ => {
                    reference::parse(&value, &targets_of(context, type_, parameter), canonical, context.base)
                }
            }
        }
        SearchKind::Uri => {
            let how = match modifier {
                Modifier::Above => UriMatch::Above,
                Modifier::Below => UriMatch::Below,
                _ => UriMatch::Exact,
            };
            Ok(uri::parse(&escape::unescape(value), how))
        }
        SearchKind::Composite => composite(context, type_, parameter, value),
        SearchKind::Special => Err("searching by it is not supported".to_owned()),
    }
}

fn composite(
    context: &Context<'_>,
    type_: Option<TypeId>,
    parameter: &SearchParameter,
    value: &str,
) -> Result<Test, String> {
    let parts = escape::split(value, '$');
    if parts.len() != parameter.components.len() {
        return Err(format!("it takes {} values joined by '$'", parameter.components.len()));
    }
    let tests = parts.iter().zip(&parameter.components).map(|(part, component)| {
        test(context, type_, context.parameters.get(component.parameter), Modifier::None, part)
    });
    tests.collect::<Result<_, _>>().map(Test::Composite)
}

/// Text of which nothing is left once folded would match everything.
fn searchable(test: Test) -> Result<Test, String> {
    match &test {
        Test::Text { text, .. } if text.is_empty() => Err("it has no text to search for".to_owned()),
        _ => Ok(test),
    }
}
