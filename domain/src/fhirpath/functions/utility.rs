//! Choice, aggregation, time and reflection (`FHIRPath N1 §Utility functions`, `§Aggregates`, `§Reflection`).

use super::Invocation;
use crate::fhirpath::evaluation::{Evaluation, Scope, single};
use crate::fhirpath::fault::Fault;
use crate::fhirpath::item::{Collection, Item, Value, maybe};
use crate::fhirpath::reflection::base;
use crate::fhirpath::temporal::Temporal;

/// The accumulation over all items, `$total` being what it was before each.
pub(super) fn aggregate<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let Some(accumulator) = call.argument(0) else { return Ok(Vec::new()) };
    let mut total = call.given(work, 1)?;
    for (at, item) in call.input.iter().enumerate() {
        let scope = Scope { this: std::slice::from_ref(item), index: Some(at), total: Some(&total) };
        total = work.evaluate(accumulator, &scope)?;
    }
    Ok(total)
}

/// One of two results; the other is not evaluated. The criterion must be a truth value or empty.
pub(super) fn iif<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    single(&call.input)?;
    let scope = Scope { this: &call.input, ..*call.scope };
    let Some(criterion) = call.argument(0) else { return Ok(Vec::new()) };
    let criterion = work.evaluate(criterion, &scope)?;
    let chosen = match single(&criterion)?.map(Item::value) {
        Some(Some(Value::Boolean(value))) => value,
        None => false,
        Some(_) => return Err(Fault::semantic("the criterion of 'iif' is a truth value")),
    };
    match call.argument(if chosen { 1 } else { 2 }) {
        Some(result) => work.evaluate(result, &scope),
        None => Ok(Vec::new()),
    }
}

/// Its input. Nothing is written down: the content of resources does not belong in logs.
pub(super) fn trace<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    call.string(work, 0)?;
    if let Some(projection) = call.argument(1) {
        for (at, item) in call.input.iter().enumerate() {
            work.evaluate(projection, &call.scope.at(item, at))?;
        }
    }
    Ok(call.input)
}

/// The moment of evaluation in UTC, to milliseconds.
fn moment(work: &Evaluation<'_, '_>) -> Option<Temporal> {
    let text = work.context.now.to_string();
    let mut moment = Temporal::date_time(&text)?;
    moment.nanos -= moment.nanos % 1_000_000;
    moment.digits = 3;
    Some(moment)
}

pub(super) fn now<'a>(
    work: &mut Evaluation<'_, 'a>,
    _: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    Ok(maybe(moment(work).map(Value::DateTime)))
}

pub(super) fn today<'a>(
    work: &mut Evaluation<'_, 'a>,
    _: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let text = work.context.now.to_string();
    Ok(maybe(text.get(..10).and_then(Temporal::date).map(Value::Date)))
}

pub(super) fn time_of_day<'a>(
    work: &mut Evaluation<'_, 'a>,
    _: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let text = work.context.now.to_string();
    Ok(maybe(text.get(11..23).and_then(Temporal::time).map(Value::Time)))
}

pub(super) fn type_<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let about = |item: &Item<'a>| match item {
        Item::Node(node) => {
            Item::Type("FHIR", item.type_name(), base(node.shape).map_or("System.Any", |base| base.name))
        }
        Item::Value(_) => Item::Type("System", item.type_name(), "System.Any"),
        Item::Type(..) => Item::Type("System", "TypeInfo", "System.Any"),
    };
    Ok(call.input.iter().map(about).collect())
}
