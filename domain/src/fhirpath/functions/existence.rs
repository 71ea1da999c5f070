//! Existence and truth (`FHIRPath N1 §Existence`, `§Boolean logic`).

use super::Invocation;
use crate::fhirpath::evaluation::{Evaluation, boolean};
use crate::fhirpath::fault::Fault;
use crate::fhirpath::item::{Collection, Item, Value, count, truth};

pub(super) fn empty<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    Ok(truth(call.input.is_empty()))
}

pub(super) fn exists<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let Some(criteria) = call.argument(0) else { return Ok(truth(!call.input.is_empty())) };
    for (at, item) in call.input.iter().enumerate() {
        if boolean(&work.evaluate(criteria, &call.scope.at(item, at))?)? == Some(true) {
            return Ok(truth(true));
        }
    }
    Ok(truth(false))
}

pub(super) fn all<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let Some(criteria) = call.argument(0) else { return Ok(truth(true)) };
    for (at, item) in call.input.iter().enumerate() {
        if boolean(&work.evaluate(criteria, &call.scope.at(item, at))?)? != Some(true) {
            return Ok(truth(false));
        }
    }
    Ok(truth(true))
}

fn truths(call: &Invocation<'_, '_, '_>) -> Result<Vec<bool>, Fault> {
    let as_truth = |item: &Item<'_>| match item.value() {
        Some(Value::Boolean(value)) => Ok(value),
        _ => Err(Fault::execution(format!("'{}' is for truth values only", call.call.function.name))),
    };
    call.input.iter().map(as_truth).collect()
}

pub(super) fn all_are<'a>(call: &Invocation<'_, '_, 'a>, wanted: bool) -> Result<Collection<'a>, Fault> {
    Ok(truth(truths(call)?.iter().all(|value| *value == wanted)))
}

pub(super) fn any_is<'a>(call: &Invocation<'_, '_, 'a>, wanted: bool) -> Result<Collection<'a>, Fault> {
    Ok(truth(truths(call)?.contains(&wanted)))
}

fn within<'a>(
    work: &mut Evaluation<'_, 'a>,
    some: &[Item<'a>],
    all: &[Item<'a>],
) -> Result<Collection<'a>, Fault> {
    for item in some {
        if !work.contains(all, item)? {
            return Ok(truth(false));
        }
    }
    Ok(truth(true))
}

pub(super) fn subset_of<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let other = call.given(work, 0)?;
    within(work, &call.input, &other)
}

pub(super) fn superset_of<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let other = call.given(work, 0)?;
    within(work, &other, &call.input)
}

pub(super) fn count_of<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    Ok(count(call.input.len()))
}

pub(super) fn is_distinct<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let all = call.input.len();
    Ok(truth(work.distinct(call.input)?.len() == all))
}

pub(super) fn not<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    Ok(boolean(&call.input)?.map(|value| truth(!value)).unwrap_or_default())
}
