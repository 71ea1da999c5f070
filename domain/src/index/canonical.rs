//! Canonical UCUM units (`FHIR R4 search.html#quantity`): 1 g and 1000 mg are the same quantity.

use super::hash::text_key;
use octofhir_ucum::{Number, evaluate, get_canonical_units, parse_expression};
use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};

/// The system of UCUM codes.
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";

/// Longest code that is read.
const MAX_CODE: usize = 100;

/// Codes remembered; a deployment uses a few hundred.
const MAX_KNOWN: usize = 10_000;

/// How values in a unit become values in its canonical unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Canonical {
    /// Key of the canonical unit.
    pub(crate) unit: i64,
    factor: Number,
    offset: Number,
}

impl Canonical {
    /// A value in the canonical unit. It is reckoned in decimals, so that 5.4 mg and 0.0054 g are the same double;
    /// what is too large for a double is infinite. `None` where it is too large for decimals.
    pub(crate) fn value(&self, value: f64) -> Option<f64> {
        if value.is_infinite() {
            return Some(value);
        }
        Number::from_f64(value)?.checked_mul(self.factor)?.checked_add(self.offset).map(Number::to_f64)
    }
}

/// The canonical unit of a UCUM code; `None` for what is no UCUM code, and for units whose scale is not linear (pH).
pub(crate) fn canonical(code: &str) -> Option<Canonical> {
    static KNOWN: OnceLock<RwLock<HashMap<String, Option<Canonical>>>> = OnceLock::new();
    if code.is_empty() || code.len() > MAX_CODE {
        return None;
    }
    let known = KNOWN.get_or_init(RwLock::default);
    if let Some(found) = known.read().unwrap_or_else(PoisonError::into_inner).get(code) {
        return *found;
    }
    let found = reckon(code);
    let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
    if known.len() < MAX_KNOWN {
        known.insert(code.to_owned(), found);
    }
    found
}

fn reckon(code: &str) -> Option<Canonical> {
    // For what is no unit the library would think up corrections; this does not.
    evaluate(&parse_expression(code).ok()?).ok()?;
    let unit = get_canonical_units(code).ok()?;
    Some(Canonical { unit: text_key(&unit.unit), factor: unit.factor, offset: unit.offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: f64, code: &str) -> (i64, f64) {
        let canonical = canonical(code).unwrap_or_else(|| panic!("{code} is UCUM"));
        (canonical.unit, canonical.value(value).unwrap())
    }

    #[test]
    fn equal_quantities_are_the_same_double() {
        for (one, other) in [
            ((1.0, "g"), (1000.0, "mg")),
            ((5.4, "mg"), (0.0054, "g")),
            ((37.0, "Cel"), (98.6, "[degF]")),
            ((120.0, "mm[Hg]"), (12.0, "cm[Hg]")),
            ((5.5, "mmol/L"), (5500.0, "umol/L")),
            ((90.0, "/min"), (1.5, "Hz")),
            ((7.0, "%"), (0.07, "1")),
            ((1.0, "d"), (24.0, "h")),
        ] {
            assert_eq!(of(one.0, one.1), of(other.0, other.1), "{one:?} {other:?}");
        }
        assert_ne!(of(1.0, "g").0, of(1.0, "m").0);
        assert_ne!(of(1.0, "[iU]").0, of(1.0, "1").0);
        assert_eq!(of(f64::INFINITY, "mg").1, f64::INFINITY);
    }

    #[test]
    fn what_is_no_linear_unit_has_none() {
        let deep = "(".repeat(99);
        for code in ["", "mmHg?", "beats", "[pH]", "B[V]", "é", "g/", &deep, &"m.".repeat(80)] {
            assert_eq!(canonical(code), None, "{code}");
        }
    }
}
