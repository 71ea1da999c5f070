//! Number parameters (`FHIR R4 search.html#number`): a searched number covers the interval its digits imply; stored
//! numbers are points, stored Ranges intervals.

use super::Values;
use crate::index::{Facet, IndexValue};
use crate::resource::json::Json;
use crate::search::query::{Prefix, Test};
use rust_decimal::Decimal;

/// Indexes an element.
pub(crate) fn index(element: &Json<'_>, type_: &str, out: &mut Values) {
    let bounds = match type_ {
        "Range" => {
            let bound =
                |member: &str| element.get(member).and_then(|quantity| quantity.get("value")).and_then(real);
            let (low, high) = (bound("low"), bound("high"));
            (low.is_some() || high.is_some())
                .then(|| (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY)))
        }
        "Quantity" | "Age" | "Duration" => element.get("value").and_then(real).map(|value| (value, value)),
        _ => real(element).map(|value| (value, value)),
    };
    if let Some((lo, hi)) = bounds {
        out.push((Facet::Value, IndexValue::Number { lo, hi }));
    }
}

/// The value of a JSON number that is finite.
pub(crate) fn real(element: &Json<'_>) -> Option<f64> {
    match element {
        Json::Number(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
        _ => None,
    }
}

/// The bounds of a searched number, both inclusive: for `eq`, `ne` half a unit of its last digit to both sides (`100` is
/// `[99.5, 100.5)`), for `ap` a tenth, for the others the number itself (`FHIR R4 search.html#prefix`).
///
/// Errors: why it is none.
pub(crate) fn bounds(prefix: Prefix, text: &str) -> Result<(f64, f64), String> {
    interval(prefix, text).map(|(lo, hi, ends)| closed(lo, hi, ends))
}

/// Bounds that are both inclusive, which comparisons of numbers are. `open` tells that `hi` is not. Digits finer than a
/// double leave a point.
pub(crate) fn closed(lo: f64, hi: f64, open: bool) -> (f64, f64) {
    (lo, if open { hi.next_down().max(lo) } else { hi })
}

/// The bounds of a searched number, and whether the upper one is exclusive.
///
/// Errors: why it is none.
pub(crate) fn interval(prefix: Prefix, text: &str) -> Result<(f64, f64, bool), String> {
    let fault = || format!("'{text}' is not a number; write it like 5, -5.40 or 5.4e-3");
    let shape =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    let value: f64 = text.parse().ok().filter(|value: &f64| shape && value.is_finite()).ok_or_else(fault)?;
    match prefix {
        Prefix::Eq | Prefix::Ne => implied(text).map(|(lo, hi)| (lo, hi, true)).ok_or_else(fault),
        Prefix::Ap => Ok((value - value.abs() / 10.0, value + value.abs() / 10.0, false)),
        _ => Ok((value, value, false)),
    }
}

/// The interval that a number's digits imply: half a unit of the last one to both sides. Reckoned in decimals, so that
/// `5.4` begins where a stored `5.35` is; numbers too long or too large for that are reckoned in doubles. `1e2` is
/// `[95, 105)`, as R4's table has it: with an exponent, a single digit counts as two.
fn implied(text: &str) -> Option<(f64, f64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, ""));
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    let single = !exponent.is_empty() && digits < 2;
    let exponent: i32 = if exponent.is_empty() { 0 } else { exponent.parse().ok()? };
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len()) + usize::from(single);
    let decimals = i32::try_from(decimals).ok()?;
    if let Ok(exact) = Decimal::from_str_exact(mantissa)
        && let Some(half) = u32::try_from(decimals + 1).ok().and_then(|scale| Decimal::try_new(5, scale).ok())
        && let (Some(lo), Some(hi)) = (exact.checked_sub(half), exact.checked_add(half))
    {
        let real = |bound: Decimal| format!("{bound}e{exponent}").parse::<f64>().ok();
        return real(lo).zip(real(hi));
    }
    let value: f64 = text.parse().ok()?;
    let half = 10_f64.powi(exponent.checked_sub(decimals)?) / 2.0;
    Some((value - half, value + half))
}

/// A searched number.
pub(crate) fn parse(prefix: Prefix, text: &str) -> Result<Test, String> {
    bounds(prefix, text).map(|(lo, hi)| Test::Number { prefix, lo, hi })
}

/// Whether stored bounds pass. Both ends are inclusive.
pub fn matches(prefix: Prefix, searched: (f64, f64), lo: f64, hi: f64) -> bool {
    let (from, to) = searched;
    let within = lo >= from && hi <= to;
    match prefix {
        Prefix::Eq => within,
        Prefix::Ne => !within,
        Prefix::Gt => hi > to,
        Prefix::Lt => lo < from,
        Prefix::Ge => hi > to || within,
        Prefix::Le => lo < from || within,
        Prefix::Sa => lo > to,
        Prefix::Eb => hi < from,
        Prefix::Ap => lo <= to && hi >= from,
        Prefix::Holds => lo <= from && hi >= to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_is_what_the_digits_say() {
        let passes = |text: &str, stored: f64| {
            let (lo, hi) = bounds(Prefix::Eq, text).unwrap();
            matches(Prefix::Eq, (lo, hi), stored, stored)
        };
        assert!(
            passes("1.00e2", 99.5) && !passes("1.00e2", 99.4) && passes("8e-1", 0.8) && !passes("8e-1", 0.79)
        );
        assert!(passes("5.40e-3", 0.005395) && !passes("5.40e-3", 0.005406) && passes("5.4e-3", 0.00536));
        assert!(passes("100", 99.5) && passes("100", 100.49) && !passes("100", 100.5));
        assert!(passes("100.00", 100.0) && !passes("100.00", 100.01));
        assert!(passes("1e2", 95.0) && !passes("1e2", 105.0) && !passes("1e2", 94.9));
        assert!(
            passes("5.4", 5.35) && !passes("5.4", 5.45) && passes("-5.4", -5.45) && !passes("-5.4", -5.35)
        );
        assert!(
            passes("0.1234567890123456789012345678901", 0.123_456_789_012_345_68) && passes("1e300", 1e300)
        );
        for text in ["", "abc", "inf", "NaN", "1e999", "0x1", "--1", "1,2"] {
            assert!(bounds(Prefix::Eq, text).is_err(), "{text}");
        }
    }
}
