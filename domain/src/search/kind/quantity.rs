//! Quantity parameters (`FHIR R4 search.html#quantity`): `[prefix]number`, `number|system|code`, `number||unit`.
//!
//! A search by a UCUM code compares values in the canonical unit, so that `1|http://unitsofmeasure.org|g` finds 1000 mg;
//! every other search compares values as written.

use super::{Values, number};
use crate::index::canonical::{UCUM, canonical};
use crate::index::hash::text_key;
use crate::index::{Facet, IndexValue, QuantityValue};
use crate::resource::json::Json;
use crate::search::query::{Prefix, Test, UnitTest};

/// The system of Money's currency codes.
const CURRENCY: &str = "urn:iso:std:iso:4217";

/// Indexes an element: a Quantity of any kind, Money, a Range, a SampledData.
pub(crate) fn index(element: &Json<'_>, type_: &str, out: &mut Values) {
    match type_ {
        "Money" => {
            let currency = element.get("currency").and_then(Json::as_str);
            if let Some(value) = element.get("value").and_then(number::real) {
                let code = currency.map_or(0, |currency| text_key(&format!("{CURRENCY}|{currency}")));
                push((value, value), code, None, [currency, None], out);
            }
        }
        "Range" => {
            let (low, high) = (element.get("low"), element.get("high"));
            let lo = low.and_then(|low| low.get("value")).and_then(number::real);
            let hi = high.and_then(|high| high.get("value")).and_then(number::real);
            // Both ends have one unit (`FHIR R4 datatypes.html#Range`), though only one may state it.
            let stated = [low, high].into_iter().flatten().find(|end| end.get("code").is_some());
            if let Some(unit_of) = stated.or(low).or(high).filter(|_| lo.is_some() || hi.is_some()) {
                with_unit(unit_of, (lo.unwrap_or(f64::NEG_INFINITY), hi.unwrap_or(f64::INFINITY)), out);
            }
        }
        "SampledData" => {
            if let (Some(origin), Some(bounds)) = (element.get("origin"), sampled(element)) {
                with_unit(origin, bounds, out);
            }
        }
        _ => {
            if let Some(value) = element.get("value").and_then(number::real) {
                // Of `<5` and `>5` the 5 itself is no part.
                let bounds = match element.get("comparator").and_then(Json::as_str) {
                    Some("<") => (f64::NEG_INFINITY, value.next_down()),
                    Some("<=") => (f64::NEG_INFINITY, value),
                    Some(">") => (value.next_up(), f64::INFINITY),
                    Some(">=") => (value, f64::INFINITY),
                    _ => (value, value),
                };
                with_unit(element, bounds, out);
            }
        }
    }
}

/// The least and the greatest sample (`FHIR R4 datatypes.html#SampledData`).
fn sampled(element: &Json<'_>) -> Option<(f64, f64)> {
    let origin =
        element.get("origin").and_then(|origin| origin.get("value")).and_then(number::real).unwrap_or(0.0);
    let factor = element.get("factor").and_then(number::real).unwrap_or(1.0);
    let data = element.get("data").and_then(Json::as_str)?;
    let samples =
        data.split(' ').filter_map(|sample| sample.parse::<f64>().ok()).filter(|sample| sample.is_finite());
    samples
        .map(|sample| sample * factor + origin)
        .map(|value| (value, value))
        .reduce(|(lo, hi), (value, _)| (lo.min(value), hi.max(value)))
}

fn with_unit(quantity: &Json<'_>, bounds: (f64, f64), out: &mut Values) {
    let member = |name: &str| quantity.get(name).and_then(Json::as_str);
    let (system, code, unit) = (member("system"), member("code"), member("unit"));
    let key = match (system, code) {
        (Some(system), Some(code)) => text_key(&format!("{system}|{code}")),
        _ => 0,
    };
    let ucum = code.filter(|_| system == Some(UCUM));
    push(bounds, key, ucum, [unit.or(code), code], out);
}

/// One row for each way the unit is written, so that `number||unit` finds it by either.
fn push((lo, hi): (f64, f64), code: i64, ucum: Option<&str>, units: [Option<&str>; 2], out: &mut Values) {
    let [unit, other] = units;
    let canonical = ucum.and_then(canonical).and_then(|canonical| {
        let from = canonical.value(lo)?;
        let to = if hi == lo { from } else { canonical.value(hi)? };
        Some((canonical.unit, from, to))
    });
    let (canonical_unit, canonical_lo, canonical_hi) = canonical.unwrap_or((0, f64::NAN, f64::NAN));
    let mut row = |unit: Option<&str>| {
        out.push((
            Facet::Value,
            IndexValue::Quantity(QuantityValue {
                lo,
                hi,
                code,
                unit: unit.map_or(0, text_key),
                canonical_lo,
                canonical_hi,
                canonical_unit,
            }),
        ));
    };
    row(unit);
    if other.is_some() && other != unit {
        row(other);
    }
}

/// A searched quantity, its parts already unescaped.
///
/// Errors: why it is none.
pub(crate) fn parse(prefix: Prefix, parts: &[String]) -> Result<Test, String> {
    let (value, unit) = match parts {
        [value] => (value, UnitTest::Any),
        [value, system, code] if system.is_empty() && !code.is_empty() => {
            (value, UnitTest::Text(text_key(code)))
        }
        [value, system, code] if !system.is_empty() && !code.is_empty() => {
            let (lo, hi, open) = number::interval(prefix, value)?;
            let canonical = canonical(code).filter(|_| system == UCUM);
            let bounds = canonical.and_then(|own| Some((own.unit, own.value(lo)?, own.value(hi)?)));
            if let Some((unit, lo, hi)) = bounds {
                let (lo, hi) = number::closed(lo, hi, open);
                return Ok(Test::Quantity { prefix, lo, hi, unit: UnitTest::Canonical(unit) });
            }
            (value, UnitTest::Code(text_key(&format!("{system}|{code}"))))
        }
        [value, system, code] if system.is_empty() && code.is_empty() => (value, UnitTest::Any),
        _ => return Err("a quantity is 'number', 'number|system|code' or 'number||unit'".to_owned()),
    };
    number::bounds(prefix, value).map(|(lo, hi)| Test::Quantity { prefix, lo, hi, unit })
}

/// Whether a stored quantity passes.
pub fn matches(prefix: Prefix, searched: (f64, f64), unit: UnitTest, stored: &QuantityValue) -> bool {
    let (right_unit, lo, hi) = match unit {
        UnitTest::Any => (true, stored.lo, stored.hi),
        UnitTest::Code(key) => (stored.code == key, stored.lo, stored.hi),
        UnitTest::Text(key) => (stored.unit == key, stored.lo, stored.hi),
        UnitTest::Canonical(key) => (stored.canonical_unit == key, stored.canonical_lo, stored.canonical_hi),
    };
    right_unit && number::matches(prefix, searched, lo, hi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ucum_code_finds_every_unit_of_its_kind() {
        let stored = |text: &str| {
            let mut out = Values::new();
            index(&Json::parse(text.as_bytes()).unwrap(), "Quantity", &mut out);
            match out.pop() {
                Some((_, IndexValue::Quantity(value))) => value,
                other => panic!("{other:?}"),
            }
        };
        let passes = |search: &str, stored: &QuantityValue| {
            let (prefix, rest) = crate::search::prefix::split(search);
            let parts: Vec<String> = rest.split('|').map(str::to_owned).collect();
            match parse(prefix, &parts) {
                Ok(Test::Quantity { prefix, lo, hi, unit }) => matches(prefix, (lo, hi), unit, stored),
                other => panic!("{other:?}"),
            }
        };
        let gram = stored(r#"{"value":1,"unit":"g","system":"http://unitsofmeasure.org","code":"g"}"#);
        let millilitre = stored(r#"{"value":1000,"system":"http://unitsofmeasure.org","code":"mL"}"#);
        let words = stored(r#"{"value":1000,"unit":"mg"}"#);
        for (search, finds) in [
            ("1|http://unitsofmeasure.org|g", [true, false, false]),
            ("1000|http://unitsofmeasure.org|mg", [true, false, false]),
            ("gt999|http://unitsofmeasure.org|mg", [true, false, false]),
            ("lt0.001|http://unitsofmeasure.org|kg", [false, false, false]),
            ("le0.001|http://unitsofmeasure.org|kg", [true, false, false]),
            ("1e3||mg", [false, false, true]),
            ("1000", [false, true, true]),
            ("1|http://unitsofmeasure.org|L", [false, true, false]),
            ("1000|http://unitsofmeasure.org|bogus", [false, false, false]),
        ] {
            assert_eq!([&gram, &millilitre, &words].map(|one| passes(search, one)), finds, "{search}");
        }
    }
}
