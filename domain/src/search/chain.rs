//! Chains (`subject:Patient.name=…`) and reverse chains (`_has:Observation:patient:code=…`),
//! `FHIR R4 search.html#chaining`, `#has`.

use super::canonical::urls;
use super::parameter::{criterion, find, invalid, targets_of};
use super::parse::Context;
use super::query::Criterion;
use super::size::{check_ends, ends};
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
    if let Some(targets) = alike(context, &candidates, rest) {
        let found = match rest.strip_prefix("_has:") {
            Some(reverse) => has_of(context, &targets, reverse, value, depth + 1)?,
            None => criterion(context, targets.first().copied(), rest, value, depth + 1)?,
        };
        let urls = urls(context, type_, parameter, &targets);
        return Ok(Criterion::Chain { parameter: parameter.id, targets, criteria: vec![vec![found]], urls });
    }
    let mut targets = Vec::new();
    let mut criteria = Vec::new();
    let (mut fault, mut count) = (None, 0);
    for target in candidates {
        match criterion(context, Some(target), rest, value, depth + 1) {
            Ok(found) => {
                count += ends(&found);
                check_ends(name, code, count)?;
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

/// Those of `candidates` for which `rest` is read alike, if it is so for all that have it: a parameter of every resource,
/// or another way back. Read for each they would be read again for each at every further link.
fn alike(context: &Context<'_>, candidates: &[TypeId], rest: &str) -> Option<Vec<TypeId>> {
    if candidates.len() < 2 {
        return None;
    }
    if let Some(reverse) = rest.strip_prefix("_has:") {
        let mut segments = reverse.splitn(3, ':');
        let source = Definitions::r4().endpoint(segments.next()?)?;
        let parameter = context.parameters.find(Some(source), segments.next()?)?;
        let fits = candidates.iter().copied().filter(|target| can_refer_to(parameter, *target));
        return Some(fits.collect()).filter(|fits: &Vec<TypeId>| !fits.is_empty());
    }
    let code = rest.split([':', '.']).next()?;
    if ["_list", "_in"].contains(&rest) {
        return Some(candidates.to_vec());
    }
    let id = |target: &TypeId| context.parameters.find(Some(*target), code).map(|parameter| parameter.id);
    let first = candidates.iter().find_map(id).filter(|_| code.starts_with('_'))?;
    let having = candidates.iter().copied().filter(|target| id(target).is_some());
    let having: Vec<TypeId> = having.collect();
    having.iter().all(|target| id(target) == Some(first)).then_some(having)
}

/// Reads `_has:Source:parameter:rest=value`; `rest` is a parameter of the source or another `_has:…`.
pub(super) fn has(
    context: &Context<'_>,
    type_: Option<TypeId>,
    text: &str,
    value: &str,
    depth: usize,
) -> Result<Criterion, Error> {
    has_of(context, type_.as_slice(), text, value, depth)
}

/// Reads it for resources of any of these types, of every type when empty.
fn has_of(
    context: &Context<'_>,
    types: &[TypeId],
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
    if let Some(never) = types.iter().find(|type_| !can_refer_to(parameter, **type_)) {
        let target = Definitions::r4().type_name(*never);
        return Err(invalid(name, format!("'{code}' never refers to a {target}")));
    }
    let criteria = vec![criterion(context, Some(source), rest, value, depth + 1)?];
    let urls = urls(context, Some(source), parameter, types);
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
