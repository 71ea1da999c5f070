//! Equality, equivalence and order of items and collections (`FHIRPath N1 §Equality`, `§Comparison`).

use super::evaluation::Evaluation;
use super::fault::Fault;
use super::item::{Item, Value};
use super::quantity::same_digits;
use crate::resource::json::Json;
use std::cmp::Ordering;

/// Whether two items are equal; `None` where precision or units leave it open.
pub(super) fn equal(
    work: &mut Evaluation<'_, '_>,
    one: &Item<'_>,
    other: &Item<'_>,
) -> Result<Option<bool>, Fault> {
    work.spend(1)?;
    if let (Some(one), Some(other)) = (one.value(), other.value()) {
        return Ok(equal_values(&one, &other));
    }
    match (one, other) {
        (Item::Type(a, b, _), Item::Type(c, d, _)) => Ok(Some(a == c && b == d)),
        (Item::Node(one), Item::Node(other)) => {
            let same = same_json(work, one.json, other.json, false)?;
            Ok(Some(same && (!one.is_primitive() || same_json(work, one.companion, other.companion, false)?)))
        }
        _ => Ok(Some(false)),
    }
}

fn equal_values(one: &Value<'_>, other: &Value<'_>) -> Option<bool> {
    match (one, other) {
        (Value::Boolean(a), Value::Boolean(b)) => Some(a == b),
        (Value::Integer(a), Value::Integer(b)) => Some(a == b),
        (Value::String(a), Value::String(b)) => Some(a == b),
        (Value::Time(a), Value::Time(b)) => a.compare(*b).map(Ordering::is_eq),
        (Value::Date(a) | Value::DateTime(a), Value::Date(b) | Value::DateTime(b)) => {
            a.compare(*b).map(Ordering::is_eq)
        }
        (Value::Quantity(a), Value::Quantity(b)) => a.compare(b).map(Ordering::is_eq),
        (Value::Quantity(_), _) | (_, Value::Quantity(_)) => match one.quantity().zip(other.quantity()) {
            Some((one, other)) => one.compare(&other).map(Ordering::is_eq),
            None => Some(false),
        },
        _ => Some(one.decimal().zip(other.decimal()).is_some_and(|(a, b)| a == b)),
    }
}

/// Whether two items are equivalent: the same but for case, white space, order and digits beyond the less precise.
pub(super) fn equivalent(
    work: &mut Evaluation<'_, '_>,
    one: &Item<'_>,
    other: &Item<'_>,
) -> Result<bool, Fault> {
    work.spend(1)?;
    if let (Some(one), Some(other)) = (one.value(), other.value()) {
        return Ok(match (&one, &other) {
            (Value::String(a), Value::String(b)) => folded(a) == folded(b),
            (Value::Quantity(a), Value::Quantity(b)) => a.equivalent(b),
            (Value::Integer(_) | Value::Decimal(_), Value::Integer(_) | Value::Decimal(_)) => {
                one.decimal().zip(other.decimal()).is_some_and(|(a, b)| same_digits(a, b))
            }
            _ => equal_values(&one, &other).unwrap_or(false),
        });
    }
    match (one, other) {
        (Item::Node(one), Item::Node(other)) => same_json(work, one.json, other.json, true),
        _ => Ok(equal(work, one, other)?.unwrap_or(false)),
    }
}

/// Lower case, with runs of white space as one space.
fn folded(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether two JSON values are the same: members in any order, numbers by value. `loosely`: arrays in any order, text
/// as [`folded`].
fn same_json(
    work: &mut Evaluation<'_, '_>,
    one: Option<&Json<'_>>,
    other: Option<&Json<'_>>,
    loosely: bool,
) -> Result<bool, Fault> {
    work.spend(1)?;
    let (Some(one), Some(other)) = (one, other) else { return Ok(one.is_none() && other.is_none()) };
    Ok(match (one, other) {
        (Json::Object(a), Json::Object(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, value) in a.iter() {
                if b.get(key).is_none() || !(same_json(work, Some(value), b.get(key), loosely)?) {
                    return Ok(false);
                }
            }
            true
        }
        (Json::Array(a), Json::Array(b)) if !loosely => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b) {
                if !same_json(work, Some(a), Some(b), loosely)? {
                    return Ok(false);
                }
            }
            true
        }
        (Json::Array(a), Json::Array(b)) => {
            let mut left: Vec<&Json<'_>> = b.iter().collect();
            for a in a {
                let mut found = None;
                for (at, b) in left.iter().enumerate() {
                    if same_json(work, Some(a), Some(b), loosely)? {
                        found = Some(at);
                        break;
                    }
                }
                match found {
                    Some(at) => left.swap_remove(at),
                    None => return Ok(false),
                };
            }
            left.is_empty()
        }
        (Json::Number(a), Json::Number(b)) => match (super::node::decimal(a), super::node::decimal(b)) {
            (Some(a), Some(b)) => a == b || loosely && same_digits(a, b),
            _ => a == b,
        },
        (Json::String(a), Json::String(b)) if loosely => folded(a) == folded(b),
        _ => one == other,
    })
}

/// Whether two collections are equal, item by item; `None` if either is empty or the items leave it open.
pub(super) fn equal_collections(
    work: &mut Evaluation<'_, '_>,
    one: &[Item<'_>],
    other: &[Item<'_>],
) -> Result<Option<bool>, Fault> {
    if one.is_empty() || other.is_empty() {
        return Ok(None);
    }
    if one.len() != other.len() {
        return Ok(Some(false));
    }
    let mut known = Some(true);
    for (one, other) in one.iter().zip(other) {
        match equal(work, one, other)? {
            Some(true) => {}
            Some(false) => return Ok(Some(false)),
            None => known = None,
        }
    }
    Ok(known)
}

/// Whether two collections hold equivalent items, in any order.
pub(super) fn equivalent_collections(
    work: &mut Evaluation<'_, '_>,
    one: &[Item<'_>],
    other: &[Item<'_>],
) -> Result<bool, Fault> {
    if one.len() != other.len() {
        return Ok(false);
    }
    let mut left: Vec<&Item<'_>> = other.iter().collect();
    for item in one {
        let mut found = None;
        for (at, candidate) in left.iter().enumerate() {
            if equivalent(work, item, candidate)? {
                found = Some(at);
                break;
            }
        }
        match found {
            Some(at) => left.swap_remove(at),
            None => return Ok(false),
        };
    }
    Ok(true)
}

/// Which of two items comes first; `None` where precision or units leave it open.
///
/// Errors: items that have no order, or not with each other.
pub(super) fn order(one: &Item<'_>, other: &Item<'_>) -> Result<Option<Ordering>, Fault> {
    let refused =
        || Fault::execution(format!("a {} cannot be compared with a {}", one.type_name(), other.type_name()));
    let (Some(a), Some(b)) = (one.value(), other.value()) else { return Err(refused()) };
    match (&a, &b) {
        (Value::String(a), Value::String(b)) => Ok(Some(a.cmp(b))),
        (Value::Time(a), Value::Time(b)) => Ok(a.compare(*b)),
        (Value::Date(a) | Value::DateTime(a), Value::Date(b) | Value::DateTime(b)) => Ok(a.compare(*b)),
        _ => match (a.decimal().zip(b.decimal()), a.quantity().zip(b.quantity())) {
            (Some((a, b)), _) => Ok(Some(a.cmp(&b))),
            (None, Some((a, b))) => Ok(a.compare(&b)),
            _ => Err(refused()),
        },
    }
}
