//! `_include` and `_revinclude` (`FHIR R4 search.html#include`); with `:iterate` also from what was brought along.

use super::chain::{can_refer_to, reference, resource_type};
use super::parameter::{invalid, unsupported};
use super::parse::Context;
use super::query::Include;
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
) -> Result<Vec<Include>, Error> {
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
    if value == "*" {
        if reverse || types.is_empty() {
            return Err(unsupported(name, "'*' is not supported here; write it as 'Type:parameter'"));
        }
        let all = types.iter().map(|type_| {
            let parameters = every_reference(context, *type_);
            Include { reverse, source: *type_, parameters, target: None, iterate }
        });
        return Ok(all.collect());
    }
    let mut segments = value.split(':');
    let (source, code, target, rest) = (segments.next(), segments.next(), segments.next(), segments.next());
    let (Some(source), Some(code), None) = (source, code, rest) else {
        return Err(invalid(name, "write it as 'Type:parameter' or 'Type:parameter:TargetType'"));
    };
    let source = resource_type(name, source)?;
    if !reverse && !iterate && !types.is_empty() && !types.contains(&source) {
        return Err(invalid(name, "its type is not the one searched for"));
    }
    let target =
        target.filter(|target| !target.is_empty()).map(|target| resource_type(name, target)).transpose()?;
    let parameters = if code == "*" {
        every_reference(context, source)
    } else {
        let parameter = reference(context, Some(source), code, name)?;
        if let Some(target) = target
            && !can_refer_to(parameter, target)
        {
            let target = Definitions::r4().type_name(target);
            return Err(invalid(name, format!("'{code}' never refers to a {target}")));
        }
        vec![parameter.id]
    };
    Ok(vec![Include { reverse, source, parameters, target, iterate }])
}

/// The reference parameters of a type.
fn every_reference(context: &Context<'_>, type_: TypeId) -> Vec<ParameterId> {
    context.parameters.references_of(type_).map(|parameter| parameter.id).collect()
}
