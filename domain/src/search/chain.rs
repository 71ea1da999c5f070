//! Chains (`subject:Patient.name=…`) and reverse chains (`_has:Observation:patient:code=…`),
//! `FHIR R4 search.html#chaining`, `#has`.

use super::canonical::urls;
use super::parameter::{criterion, find, invalid, targets_of};
use super::parse::Context;
use super::query::Criterion;
use crate::conformance::definitions::SearchParameter;
use crate::conformance::{Definitions, SearchKind, TypeId};
use crate::error::{Error, ErrorCode};
use crate::index::Facet;

/// Reads `link.rest=value`, where `link` is a reference parameter, perhaps with the target's type.
pub(super) fn chain(
    context: &Context<'_>,
    type_: Option<TypeId>,
    (link, rest): (&str, &str),
    value: &str,
    depth: usize,
) -> Result<Criterion, Error> {
    let name = &format!("{link}.{rest}");
    context.limits.check_links(name, depth)?;
    let (code, only) = match link.split_once(':') {
        Some((code, only)) => (code, Some(resource_type(name, only)?)),
        None => (link, None),
    };
    let parameter = reference(context, type_, code, name)?;
    let candidates = match only {
        Some(only) if can_refer_to(parameter, only) => vec![only],
        Some(only) => {
            let only = Definitions::r4().type_name(only);
            return Err(invalid(name, format!("'{code}' never refers to a {only}")));
        }
        None if parameter.targets.is_empty() => {
            return Err(invalid(name, format!("say what '{code}' refers to, like '{code}:Patient.{rest}'")));
        }
        None => targets_of(context, type_, parameter),
    };
    let mut targets = Vec::new();
    let mut criteria = Vec::new();
    let mut fault = None;
    for target in candidates {
        match criterion(context, Some(target), rest, value, depth + 1) {
            Ok(found) => {
                targets.push(target);
                criteria.push(vec![found]);
            }
            // Not every type that is referred to needs to have the parameter.
            Err(error) if error.code() == ErrorCode::UnknownParameter => fault = Some(error),
            Err(error) => return Err(error),
        }
    }
    match fault {
        Some(error) if targets.is_empty() => Err(error),
        _ => {
            let urls = urls(context, type_, parameter, &targets);
            Ok(Criterion::Chain { parameter: parameter.id, targets, criteria, urls })
        }
    }
}

/// Reads `_has:Source:parameter:rest=value`; `rest` is a parameter of the source or another `_has:…`.
pub(super) fn has(
    context: &Context<'_>,
    type_: Option<TypeId>,
    text: &str,
    value: &str,
    depth: usize,
) -> Result<Criterion, Error> {
    let name = &format!("_has:{text}");
    context.limits.check_links(name, depth)?;
    let mut segments = text.splitn(3, ':');
    let (Some(source), Some(code), Some(rest)) = (segments.next(), segments.next(), segments.next()) else {
        return Err(invalid(name, "write it as '_has:Type:reference:parameter'"));
    };
    let source = resource_type(name, source)?;
    let parameter = reference(context, Some(source), code, name)?;
    if let Some(type_) = type_
        && !can_refer_to(parameter, type_)
    {
        let target = Definitions::r4().type_name(type_);
        return Err(invalid(name, format!("'{code}' never refers to a {target}")));
    }
    let criteria = vec![criterion(context, Some(source), rest, value, depth + 1)?];
    let urls = urls(context, Some(source), parameter, type_.as_slice());
    Ok(Criterion::Has { source, parameter: parameter.id, facet: Facet::Value, criteria, urls })
}

/// Whether R4 lets a reference parameter refer to `type_`.
pub(super) fn can_refer_to(parameter: &SearchParameter, type_: TypeId) -> bool {
    parameter.targets.is_empty() || parameter.targets.contains(&type_)
}

/// The resource type called `text`.
pub(super) fn resource_type(name: &str, text: &str) -> Result<TypeId, Error> {
    Definitions::r4().endpoint(text).ok_or_else(|| {
        invalid(name, format!("'{text}' is no FHIR R4 resource type; types are case-sensitive"))
    })
}

/// The reference parameter `code` of `type_`.
pub(super) fn reference<'a>(
    context: &Context<'a>,
    type_: Option<TypeId>,
    code: &str,
    name: &str,
) -> Result<&'a SearchParameter, Error> {
    let parameter = find(context, type_, code, name)?;
    if parameter.kind == SearchKind::Reference {
        return Ok(parameter);
    }
    Err(invalid(name, format!("'{code}' is not a reference")))
}
