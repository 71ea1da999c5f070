//! Mathematics (`FHIRPath N1 §Math`). What needs real numbers is reckoned in doubles and rounded to 15 digits.

use super::Invocation;
use crate::fhirpath::evaluation::{Evaluation, single};
use crate::fhirpath::fault::Fault;
use crate::fhirpath::item::{Collection, Value, maybe};
use crate::fhirpath::quantity::Quantity;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};

/// The one number that a function is called on.
fn number(call: &Invocation<'_, '_, '_>) -> Result<Option<Decimal>, Fault> {
    match call.value()? {
        None => Ok(None),
        Some(value) => value.decimal().map(Some).ok_or_else(|| {
            Fault::execution(format!(
                "'{}' is for numbers, not a {}",
                call.call.function.name,
                value.type_name()
            ))
        }),
    }
}

/// The number that the first argument is.
fn argument<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: &Invocation<'_, '_, 'a>,
) -> Result<Option<Decimal>, Fault> {
    let given = call.given(work, 0)?;
    match single(&given)?.map(|item| item.value().and_then(|value| value.decimal())) {
        None => Ok(None),
        Some(Some(number)) => Ok(Some(number)),
        Some(None) => Err(Fault::execution(format!("'{}' takes a number", call.call.function.name))),
    }
}

fn decimal<'a>(value: f64) -> Collection<'a> {
    maybe(Decimal::from_f64(value).map(Value::Decimal))
}

pub(super) fn abs<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    Ok(match call.value()? {
        Some(Value::Integer(value)) => maybe(value.checked_abs().map(Value::Integer)),
        Some(Value::Quantity(Quantity { value, unit })) => {
            maybe(Some(Value::Quantity(Quantity { value: value.abs(), unit })))
        }
        _ => maybe(number(&call)?.map(|value| Value::Decimal(value.abs()))),
    })
}

/// `ceiling`, `floor` and `truncate`.
pub(super) fn whole<'a>(
    call: &Invocation<'_, '_, 'a>,
    rounded: fn(Decimal) -> Decimal,
) -> Result<Collection<'a>, Fault> {
    Ok(maybe(number(call)?.and_then(|value| rounded(value).to_i32()).map(Value::Integer)))
}

/// `exp`, `ln` and `sqrt`; empty where there is no real result.
pub(super) fn real<'a>(call: &Invocation<'_, '_, 'a>, of: fn(f64) -> f64) -> Result<Collection<'a>, Fault> {
    let value = number(call)?.and_then(|value| value.to_f64());
    Ok(value.map(|value| decimal(of(value))).unwrap_or_default())
}

pub(super) fn log<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let (value, base) = (number(&call)?, argument(work, &call)?);
    let both = value.and_then(|value| value.to_f64()).zip(base.and_then(|base| base.to_f64()));
    Ok(both.map(|(value, base)| decimal(value.log(base))).unwrap_or_default())
}

/// A whole exponent is reckoned exactly, and gives an integer of an integer.
pub(super) fn power<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let whole = matches!(call.value()?, Some(Value::Integer(_)));
    let (Some(base), Some(exponent)) = (number(&call)?, argument(work, &call)?) else {
        return Ok(Vec::new());
    };
    match exponent.normalize() {
        exponent if exponent.scale() == 0 && !exponent.is_sign_negative() => {
            let Some(result) = exponent.to_u32().and_then(|exponent| raised(base, exponent)) else {
                return Ok(Vec::new());
            };
            Ok(maybe(if whole { result.to_i32().map(Value::Integer) } else { Some(Value::Decimal(result)) }))
        }
        exponent => {
            let both = base.to_f64().zip(exponent.to_f64());
            Ok(both.map(|(base, exponent)| decimal(base.powf(exponent))).unwrap_or_default())
        }
    }
}

fn raised(base: Decimal, mut exponent: u32) -> Option<Decimal> {
    let (mut result, mut square) = (Decimal::ONE, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.checked_mul(square)?;
        }
        exponent >>= 1;
        if exponent > 0 {
            square = square.checked_mul(square)?;
        }
    }
    Some(result)
}

pub(super) fn round<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let digits = match call.argument(0) {
        Some(_) => call.integer(work, 0)?,
        None => Some(0),
    };
    let (Some(value), Some(digits)) = (number(&call)?, digits) else { return Ok(Vec::new()) };
    let digits = u32::try_from(digits).map_err(|_| Fault::execution("'round' takes 0 digits or more"))?;
    let rounded = value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    Ok(maybe(Some(Value::Decimal(rounded))))
}
