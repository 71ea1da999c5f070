//! The arithmetic operators, over numbers, strings, quantities and dates (`FHIRPath N1 §Math`).

use super::expression::Operator;
use super::fault::Fault;
use super::item::{Collection, Item, Value, one};
use super::quantity::{Quantity, Span};
use super::temporal::{Kind, Precision, Temporal};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// `-operand`
pub(super) fn negative<'a>(operand: Option<&Item<'a>>) -> Result<Collection<'a>, Fault> {
    let Some(operand) = operand else { return Ok(Vec::new()) };
    match operand.value() {
        Some(Value::Integer(value)) => {
            Ok(value.checked_neg().map(Value::Integer).map(one).unwrap_or_default())
        }
        Some(Value::Decimal(value)) => Ok(one(Value::Decimal(-value))),
        Some(Value::Quantity(Quantity { value, unit })) => {
            Ok(one(Value::Quantity(Quantity { value: -value, unit })))
        }
        _ => Err(Fault::execution(format!("a {} has no negative", operand.type_name()))),
    }
}

/// `one operator other`; `None` for what overflows, and for division by zero.
pub(super) fn reckon<'a>(
    operator: Operator,
    one: &Item<'a>,
    other: &Item<'a>,
) -> Result<Option<Value<'a>>, Fault> {
    let refused = || {
        Fault::execution(format!(
            "this cannot be reckoned with a {} and a {}",
            one.type_name(),
            other.type_name()
        ))
    };
    let (Some(left), Some(right)) = (one.value(), other.value()) else { return Err(refused()) };
    match (&left, &right) {
        (Value::Integer(a), Value::Integer(b)) if operator != Operator::Divide => {
            Ok(integers(operator, *a, *b).map(Value::Integer))
        }
        (Value::Integer(_) | Value::Decimal(_), Value::Integer(_) | Value::Decimal(_)) => {
            let both = left.decimal().zip(right.decimal());
            Ok(both.and_then(|(a, b)| decimals(operator, a, b)))
        }
        (Value::String(a), Value::String(b)) if operator == Operator::Add => {
            Ok(Some(Value::String(format!("{a}{b}").into())))
        }
        (Value::Date(t) | Value::DateTime(t) | Value::Time(t), Value::Quantity(quantity)) => match operator {
            Operator::Add => moved(*t, quantity, 1),
            Operator::Subtract => moved(*t, quantity, -1),
            _ => Err(refused()),
        },
        (Value::Quantity(_), Value::Quantity(_) | Value::Integer(_) | Value::Decimal(_))
        | (Value::Integer(_) | Value::Decimal(_), Value::Quantity(_)) => {
            let (Some(a), Some(b)) = (left.quantity(), right.quantity()) else { return Err(refused()) };
            let result = match operator {
                Operator::Add => a.plus(&b),
                Operator::Subtract => a.plus(&Quantity { value: -b.value, unit: b.unit }),
                Operator::Multiply => a.times(&b)?,
                Operator::Divide => a.over(&b)?,
                _ => return Err(refused()),
            };
            Ok(result.map(Value::Quantity))
        }
        _ => Err(refused()),
    }
}

fn integers(operator: Operator, a: i32, b: i32) -> Option<i32> {
    match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Div => a.checked_div(b),
        Operator::Mod => a.checked_rem(b),
        _ => None,
    }
}

fn decimals<'a>(operator: Operator, a: Decimal, b: Decimal) -> Option<Value<'a>> {
    match operator {
        Operator::Add => a.checked_add(b).map(Value::Decimal),
        Operator::Subtract => a.checked_sub(b).map(Value::Decimal),
        Operator::Multiply => a.checked_mul(b).map(Value::Decimal),
        Operator::Divide => a.checked_div(b).map(Value::Decimal),
        Operator::Div => a.checked_div(b)?.trunc().to_i32().map(Value::Integer),
        Operator::Mod => a.checked_rem(b).map(Value::Decimal),
        _ => None,
    }
}

/// A date or time moved by a quantity of time, of which only the whole part counts.
fn moved<'a>(from: Temporal, by: &Quantity<'_>, sign: i64) -> Result<Option<Value<'a>>, Fault> {
    let span = by.unit.span().ok_or_else(|| {
        Fault::execution(format!(
            "a date is moved by a span of the calendar, not by {by}; use year, month, day, …"
        ))
    })?;
    if from.kind == Kind::Time && matches!(span, Span::Year | Span::Month | Span::Week | Span::Day) {
        return Err(Fault::execution("a time is moved by hours, minutes and seconds only"));
    }
    let Some(number) = by.value.trunc().to_i64().and_then(|number| number.checked_mul(sign)) else {
        return Ok(None);
    };
    let nanos = |each: i128| Some(i128::from(number) * each);
    let result = match span {
        Span::Year => number.checked_mul(12).and_then(|months| from.plus_months(months)),
        Span::Month => {
            let years = number / 12 * 12;
            from.plus_months(if from.precision == Precision::Year { years } else { number })
        }
        Span::Week => nanos(7 * DAY).and_then(|by| plus(from, by)),
        Span::Day => nanos(DAY).and_then(|by| plus(from, by)),
        Span::Hour => nanos(3_600_000_000_000).and_then(|by| plus(from, by)),
        Span::Minute => nanos(60_000_000_000).and_then(|by| plus(from, by)),
        Span::Second => nanos(1_000_000_000).and_then(|by| plus(from, by)),
        Span::Millisecond => nanos(1_000_000).and_then(|by| plus(from, by)),
    };
    Ok(result.map(Value::of_temporal))
}

/// Nanoseconds of a day.
const DAY: i128 = 86_400_000_000_000;

/// Moves by what is left of `nanos` in the precision of `from`: to a year only whole years of 365 days are added, to
/// a month whole months of 30.
fn plus(from: Temporal, nanos: i128) -> Option<Temporal> {
    let days = nanos / DAY;
    match from.precision {
        Precision::Year => from.plus_months(i64::try_from(days / 365).ok()?.checked_mul(12)?),
        Precision::Month => from.plus_months(i64::try_from(days / 30).ok()?),
        Precision::Day => from.plus_nanos(days * DAY),
        Precision::Hour => from.plus_nanos(nanos / 3_600_000_000_000 * 3_600_000_000_000),
        Precision::Minute => from.plus_nanos(nanos / 60_000_000_000 * 60_000_000_000),
        Precision::Second => from.plus_nanos(nanos),
    }
}
