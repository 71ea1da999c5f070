//! `_include` and `_revinclude` (`FHIR R4 search.html#include`); with `:iterate` also from what was brought along.

use super::canonical::urls;
use super::chain::{can_refer_to, reference, resource_type};
use super::parameter::{invalid, unsupported};
use super::parse::Context;
use super::query::Include;
use crate::conformance::definitions::SearchParameter;
use crate::conformance::{Definitions, ParameterId, TypeId};
use crate::error::Error;

/// Reads one value of `_include` or `_revinclude` of a search for `types`.
///
/// Errors: [`ErrorCode::InvalidParameter`](crate::ErrorCode::InvalidParameter),
/// [`ErrorCode::NotSupported`](crate::ErrorCode::NotSupported).
pub(super) fn parse(
    context: &Context<'_>,
    name: &str,
    types: &[TypeId],
    value: &str,
) -> Result<Include, Error> {
    let (control, modifier) =
        name.split_once(':').map_or((name, None), |(control, modifier)| (control, Some(modifier)));
    let iterate = match modifier {
        None => false,
        Some("iterate") => true,
        Some(modifier) => {
            return Err(unsupported(name, format!("the modifier ':{modifier}' is not supported on it")));
        }
    };
    let reverse = control == "_revinclude";
    let include = |sources: Vec<TypeId>, parameters: &[&SearchParameter], target| {
        let targets = targets(parameters);
        let (canonicals, urls) = canonicals(context, parameters, target);
        let parameters = parameters.iter().map(|parameter| parameter.id).collect();
        Include { reverse, sources, parameters, target, targets, canonicals, urls, iterate }
    };
    let mut segments = value.split(':');
    let (source, code, target, rest) = (segments.next(), segments.next(), segments.next(), segments.next());
    if (source, code) == (Some("*"), None) {
        // What may be brought along, and for what, is of any type: where the matches' own are known, it is theirs.
        let known = !reverse && !iterate;
        let sources = if known { types.to_vec() } else { Vec::new() };
        let parameters = every_reference(context, &sources);
        return Ok(include(sources, &parameters, None));
    }
    let (Some(source), Some(code), None) = (source, code, rest) else {
        return Err(invalid(
            name,
            "write it as 'Type:parameter', 'Type:parameter:TargetType', 'Type:*' or '*'",
        ));
    };
    let source = resource_type(name, source)?;
    if !reverse && !iterate && !types.is_empty() && !types.contains(&source) {
        return Err(invalid(name, "its type is not the one searched for"));
    }
    let target =
        target.filter(|target| !target.is_empty()).map(|target| resource_type(name, target)).transpose()?;
    if code == "*" {
        return Ok(include(vec![source], &every_reference(context, &[source]), target));
    }
    let parameter = reference(context, Some(source), code, name)?;
    if let Some(target) = target
        && !can_refer_to(parameter, target)
    {
        let target = Definitions::r4().type_name(target);
        return Err(invalid(name, format!("'{code}' never refers to a {target}")));
    }
    Ok(include(vec![source], &[parameter], target))
}

/// The reference parameters of these types, or of all.
fn every_reference<'a>(context: &Context<'a>, types: &[TypeId]) -> Vec<&'a SearchParameter> {
    if types.is_empty() {
        return Definitions::r4()
            .endpoints()
            .flat_map(|type_| context.parameters.references_of(type_))
            .collect();
    }
    types.iter().flat_map(|type_| context.parameters.references_of(*type_)).collect()
}

/// Those of the parameters that refer by canonical URL, and the parameters that have the URLs of what they refer to.
fn canonicals(
    context: &Context<'_>,
    parameters: &[&SearchParameter],
    target: Option<TypeId>,
) -> (Vec<ParameterId>, Vec<ParameterId>) {
    let (mut canonicals, mut found) = (Vec::new(), Vec::new());
    for parameter in parameters {
        let urls = match target {
            Some(target) => urls(context, None, parameter, &[target]),
            None => urls(context, None, parameter, &parameter.targets),
        };
        if !urls.is_empty() {
            canonicals.push(parameter.id);
            found.extend(urls);
        }
    }
    found.sort_unstable();
    found.dedup();
    (canonicals, found)
}

/// What the parameters may refer to; empty for any type.
fn targets(parameters: &[&SearchParameter]) -> Vec<TypeId> {
    if parameters.iter().any(|parameter| parameter.targets.is_empty()) {
        return Vec::new();
    }
    let mut targets: Vec<TypeId> =
        parameters.iter().flat_map(|parameter| &parameter.targets).copied().collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}
