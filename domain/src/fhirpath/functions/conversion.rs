//! From one of FHIRPath's types to another (`FHIRPath N1 §Conversion`).

use super::{Invocation, Run};
use crate::fhirpath::evaluation::{Evaluation, single};
use crate::fhirpath::fault::Fault;
use crate::fhirpath::item::{Collection, Item, Value, maybe, truth};
use crate::fhirpath::quantity::{Quantity, Unit};
use crate::fhirpath::temporal::{Kind, Precision, Temporal};
use rust_decimal::Decimal;

/// Whether a conversion gives something; empty of nothing.
pub(super) fn converts<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
    to: Run,
) -> Result<Collection<'a>, Fault> {
    if call.input.is_empty() {
        return Ok(Vec::new());
    }
    Ok(truth(!to(work, call)?.is_empty()))
}

/// The value of the one item; none where it has none.
fn value<'a>(call: &Invocation<'_, '_, 'a>) -> Result<Option<Value<'a>>, Fault> {
    Ok(single(&call.input)?.and_then(Item::value))
}

pub(super) fn to_boolean<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let found = value(&call)?.and_then(|value| match &value {
        Value::Boolean(value) => Some(*value),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        other => match other.decimal()? {
            number if number == Decimal::ONE => Some(true),
            number if number.is_zero() => Some(false),
            _ => None,
        },
    });
    Ok(maybe(found.map(Value::Boolean)))
}

pub(super) fn to_integer<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let found = value(&call)?.and_then(|value| match value {
        Value::Integer(value) => Some(value),
        Value::Boolean(value) => Some(i32::from(value)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    Ok(maybe(found.map(Value::Integer)))
}

pub(super) fn to_decimal<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let found = value(&call)?.and_then(|value| match value {
        Value::Boolean(value) => Some(Decimal::from(u8::from(value))),
        Value::String(text) => number(&text),
        other => other.decimal(),
    });
    Ok(maybe(found.map(Value::Decimal)))
}

/// `(+|-)?digits(.digits)?`
fn number(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (plain(whole) && plain(fraction)).then(|| Decimal::from_str_exact(text).ok()).flatten()
}

pub(super) fn to_string<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    match value(&call)? {
        Some(Value::String(text)) => Ok(maybe(Some(Value::String(text)))),
        Some(value) => work.text(value.to_string()),
        None => Ok(Vec::new()),
    }
}

pub(super) fn to_date<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let found = value(&call)?.and_then(|value| match value {
        Value::Date(date) => Some(date),
        Value::DateTime(moment) => Some(Temporal {
            kind: Kind::Date,
            offset: None,
            precision: moment.precision.min(Precision::Day),
            ..moment
        }),
        Value::String(text) => Temporal::date(&text),
        _ => None,
    });
    Ok(maybe(found.map(Value::Date)))
}

pub(super) fn to_date_time<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let found = value(&call)?.and_then(|value| match value {
        Value::Date(date) => Some(Temporal { kind: Kind::DateTime, ..date }),
        Value::DateTime(moment) => Some(moment),
        Value::String(text) => Temporal::date_time(&text),
        _ => None,
    });
    Ok(maybe(found.map(Value::DateTime)))
}

pub(super) fn to_time<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let found = value(&call)?.and_then(|value| match value {
        Value::Time(time) => Some(time),
        Value::String(text) => Temporal::time(&text),
        _ => None,
    });
    Ok(maybe(found.map(Value::Time)))
}

/// With an argument: the same quantity, if that is its unit already or one of the same size.
pub(super) fn to_quantity<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let found = value(&call)?.and_then(|value| match value {
        Value::Boolean(value) => Some(Quantity::number(Decimal::new(if value { 10 } else { 0 }, 1))),
        Value::String(text) => quantity(&text),
        other => other.quantity(),
    });
    let Some(unit) = call.string(work, 0)? else { return Ok(maybe(found.map(Value::Quantity))) };
    let wanted = Quantity { value: Decimal::ZERO, unit: Unit::of_code(unit) };
    Ok(maybe(found.and_then(|found| wanted.plus(&found)).map(Value::Quantity)))
}

/// `4 days`, `1.5 'mg'`, `7`
fn quantity<'a>(text: &str) -> Option<Quantity<'a>> {
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))).unwrap_or(text.len());
    let (value, unit) = text.split_at_checked(end)?;
    let value = number(value)?;
    let unit = match unit.trim_start() {
        "" => Unit::none(),
        unit => match unit.strip_prefix('\'') {
            Some(quoted) => {
                let code =
                    quoted.strip_suffix('\'').filter(|code| !code.is_empty() && !code.contains('\''))?;
                Unit::of_code(code.to_owned().into())
            }
            None => Unit::of_word(unit)?,
        },
    };
    Some(Quantity { value, unit })
}
