//! FHIR's own functions (`FHIR R4 fhirpath.html#functions`).

use super::Invocation;
use crate::conformance::Definitions;
use crate::conformance::validation;
use crate::fhirpath::evaluation::Evaluation;
use crate::fhirpath::fault::Fault;
use crate::fhirpath::item::{Collection, Item, Value, maybe, truth};
use crate::fhirpath::node::Node;
use crate::fhirpath::reflection::is_a;
use crate::resource::json::Json;

/// The extensions with this URL.
pub(super) fn extension<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let Some(url) = call.string(work, 0)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for item in &call.input {
        if let Item::Node(node) = item {
            node.children_named("extension", &mut found);
        }
    }
    found.retain(|item| matches!(item, Item::Node(node) if node.str("url") == Some(&url)));
    Ok(found)
}

/// Whether it is one primitive with a value.
pub(super) fn has_value<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    Ok(truth(matches!(call.input.as_slice(), [Item::Node(node)] if node.has_value())))
}

/// The value of one primitive as a value of FHIRPath's.
pub(super) fn get_value<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    Ok(match call.input.as_slice() {
        [Item::Node(node)] if node.is_primitive() => maybe(node.value()),
        _ => Vec::new(),
    })
}

/// The resources that references point to: contained ones, and those of the Bundle that the input stands in. What is
/// elsewhere is not fetched; where the context asks for it, it stands for a resource of which only the type is known.
pub(super) fn resolve<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let mut found = Vec::new();
    for item in &call.input {
        let (reference, type_) = match item {
            Item::Node(node) if is_a(node.shape, "Reference") => (node.str("reference"), node.str("type")),
            Item::Node(node) => (node.json.and_then(Json::as_str), None),
            _ => (None, None),
        };
        let by_value = item.value();
        let reference = match (&reference, &by_value) {
            (Some(reference), _) => Some(*reference),
            (None, Some(Value::String(text))) => Some(text.as_ref()),
            _ => None,
        };
        let target = reference.and_then(|reference| work.context.find(reference));
        work.spend(4)?;
        let stub = || {
            let named = reference.filter(|_| work.context.stubs).and_then(type_in);
            named.or(type_.filter(|_| work.context.stubs)).and_then(Node::stub)
        };
        found.extend(target.or_else(stub).map(Item::Node));
    }
    Ok(found)
}

/// The resource type that a reference names: `Patient/1`, `http://host/base/Patient/1/_history/2`.
fn type_in(reference: &str) -> Option<&str> {
    let reference = reference.split("/_history/").next()?;
    let mut parts = reference.rsplit('/').skip(1);
    parts.next().filter(|name| Definitions::r4().type_id(name).is_some())
}

/// Whether a narrative is what FHIR allows of XHTML.
pub(super) fn html_checks<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let well = |item: &Item<'a>| match item {
        Item::Node(node) => node.json.and_then(Json::as_str).is_some_and(validation::is_narrative),
        _ => false,
    };
    Ok(if call.input.is_empty() { Vec::new() } else { truth(call.input.iter().all(well)) })
}

/// Whether it is of one of R4's own types. Profiles are not checked here.
///
/// Errors: any other profile.
pub(super) fn conforms_to<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let Some(url) = call.string(work, 0)? else { return Ok(Vec::new()) };
    let name = url.strip_prefix("http://hl7.org/fhir/StructureDefinition/").unwrap_or_default();
    let Some(shape) = Definitions::r4().shape_named(name) else {
        return Err(Fault::unsupported(format!(
            "'conformsTo' knows R4's own types only, not the profile '{url}'"
        )));
    };
    Ok(match call.input.as_slice() {
        [] => Vec::new(),
        [Item::Node(node)] => truth(is_a(node.shape, shape.name)),
        _ => truth(false),
    })
}

pub(super) fn terminology<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let name = call.call.function.name;
    Err(Fault::unsupported(format!("'{name}' asks a terminology server, which an expression here has not")))
}

pub(super) fn profiles<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let name = call.call.function.name;
    Err(Fault::unsupported(format!("'{name}' asks about a profile, which an expression here has not")))
}
