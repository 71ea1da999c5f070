//! Composite parameters (`FHIR R4 search.html#composite`): values of one element that must pass together, `a$b`.

use super::{Values, date, number, quantity, reference, special, string, token, uri};
use crate::index::{Facet, IndexValue};
use crate::search::query::Test;

/// Combinations of one element's component values that are indexed at most.
const MAX_COMBINATIONS: usize = 256;

/// Indexes the combinations of the components' values of one element; nothing if a component has none.
pub(crate) fn index(components: &[Values], out: &mut Values) {
    let mut rows: Vec<Vec<IndexValue>> = vec![Vec::new()];
    for component in components {
        let values: Vec<&IndexValue> =
            component.iter().filter(|(facet, _)| *facet == Facet::Value).map(|(_, value)| value).collect();
        let mut longer = Vec::with_capacity(rows.len() * values.len());
        for row in &rows {
            for value in &values {
                if longer.len() < MAX_COMBINATIONS {
                    let mut row = row.clone();
                    row.push((*value).clone());
                    longer.push(row);
                }
            }
        }
        rows = longer;
    }
    out.extend(rows.into_iter().map(|row| (Facet::Value, IndexValue::Composite(row))));
}

/// Whether a stored value passes a test of its kind.
pub fn matches(test: &Test, value: &IndexValue) -> bool {
    match (test, value) {
        (Test::Token { system, code }, IndexValue::Token { code: stored, system: stored_system, .. }) => {
            token::matches(*system, *code, (*stored, *stored_system))
        }
        (Test::Text { how, text }, IndexValue::String { folded, exact }) => {
            string::matches(*how, text, folded, exact)
        }
        (Test::Date(test), IndexValue::Date { lo, hi }) => date::matches(test, *lo, *hi),
        (Test::Number { prefix, lo, hi }, IndexValue::Number { lo: stored_lo, hi: stored_hi }) => {
            number::matches(*prefix, (*lo, *hi), *stored_lo, *stored_hi)
        }
        (Test::Quantity { prefix, lo, hi, unit }, IndexValue::Quantity(stored)) => {
            quantity::matches(*prefix, (*lo, *hi), *unit, stored)
        }
        (Test::Reference { targets, version }, IndexValue::Reference { target, version: stored, .. }) => {
            reference::matches(targets, version, (*target, stored))
        }
        (Test::Uri { how, value, version }, IndexValue::Uri { value: stored, version: stored_version }) => {
            uri::matches(*how, value, version.as_deref(), (stored, stored_version))
        }
        (Test::Near(test), IndexValue::Position { vector, .. }) => special::matches(test, *vector),
        (Test::Not(tests), value) => !tests.iter().any(|test| matches(test, value)),
        (Test::Word(word), IndexValue::Words { words, .. }) => words.contains(word),
        (Test::Composite(tests), IndexValue::Composite(values)) => {
            tests.len() == values.len() && tests.iter().zip(values).all(|(test, value)| matches(test, value))
        }
        _ => false,
    }
}
