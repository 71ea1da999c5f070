//! How precisely something is told, and the bounds of what it may be (`FHIRPath §Precision`, `lowBoundary`,
//! `highBoundary`, `comparable`).

use super::Invocation;
use crate::fhirpath::evaluation::{Evaluation, single};
use crate::fhirpath::fault::Fault;
use crate::fhirpath::item::{Collection, Item, Value, maybe, truth};
use crate::fhirpath::quantity::Quantity;
use crate::fhirpath::temporal::Kind;
use rust_decimal::{Decimal, RoundingStrategy};

/// The least (or greatest) value that rounds to what is written; empty for a precision there is not.
pub(super) fn boundary<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: &Invocation<'_, '_, 'a>,
    high: bool,
) -> Result<Collection<'a>, Fault> {
    let digits = call.integer(work, 0)?;
    Ok(maybe(match call.value()? {
        None => None,
        Some(Value::Date(t) | Value::DateTime(t) | Value::Time(t)) => {
            let all = match t.kind {
                Kind::Date => 8,
                Kind::DateTime => 17,
                Kind::Time => 9,
            };
            t.boundary(digits.unwrap_or(all), high).map(Value::of_temporal)
        }
        Some(Value::Quantity(Quantity { value, unit })) => {
            bound(value, digits, high).map(|value| Value::Quantity(Quantity { value, unit }))
        }
        Some(value) => match value.decimal() {
            Some(value) => bound(value, digits, high).map(Value::Decimal),
            None => {
                return Err(Fault::execution(format!("a {} has no boundaries", value.type_name())));
            }
        },
    }))
}

fn bound(value: Decimal, digits: Option<i32>, high: bool) -> Option<Decimal> {
    let digits = u32::try_from(digits.unwrap_or(8)).ok().filter(|digits| *digits <= Decimal::MAX_SCALE)?;
    let half = Decimal::try_new(5, value.scale() + 1).ok()?;
    let (moved, rounding) = if high {
        (value.checked_add(half)?, RoundingStrategy::ToPositiveInfinity)
    } else {
        (value.checked_sub(half)?, RoundingStrategy::ToNegativeInfinity)
    };
    let mut bound = moved.round_dp_with_strategy(digits, rounding);
    bound.rescale(digits);
    Some(bound)
}

/// Digits after the point of a number; digits known of a date or time.
pub(super) fn precision<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let digits = call.value()?.and_then(|value| match value.temporal() {
        Some(temporal) => Some(temporal.known_digits()),
        None => value.decimal().and_then(|value| i32::try_from(value.scale()).ok()),
    });
    Ok(maybe(digits.map(Value::Integer)))
}

/// Whether two quantities have units of the same dimension.
pub(super) fn comparable<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let other = call.given(work, 0)?;
    let other = single(&other)?.and_then(Item::value).and_then(|value| value.quantity());
    let one = call.value()?.and_then(|value| value.quantity());
    Ok(one.zip(other).map(|(one, other)| truth(one.comparable(&other))).unwrap_or_default())
}
