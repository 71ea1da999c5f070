//! Composites in their wide row: each component in eight columns, of which its kind uses some.

use super::canonical;
use crate::rows::Cell;
use domain::index::IndexValue;

/// Components of a row; R4's composites have two or three.
const COMPONENTS: usize = 3;

/// What the columns of one component hold.
#[derive(Default)]
struct Columns {
    integers: [i64; 3],
    reals: [f64; 4],
    text: String,
}

/// The row of a composite.
pub(super) fn row(p: i64, rid: i64, components: Vec<IndexValue>) -> impl Iterator<Item = Cell> {
    let count = i64::try_from(components.len()).unwrap_or(i64::MAX);
    let mut components = components.into_iter().map(columns);
    let columns = (0..COMPONENTS).flat_map(move |_| {
        let Columns { integers, reals, text } = components.next().unwrap_or_default();
        let integers = integers.into_iter().map(Cell::Integer);
        integers.chain(reals.into_iter().map(Cell::Real)).chain([Cell::Text(text)])
    });
    [p, rid, count].into_iter().map(Cell::Integer).chain(columns)
}

fn columns(value: IndexValue) -> Columns {
    let mut columns = Columns::default();
    match value {
        IndexValue::Token { code, system } => columns.integers = [code, system, 0],
        IndexValue::String { folded, .. } => columns.text = folded,
        IndexValue::Date { lo, hi } => columns.integers = [lo, hi, 0],
        IndexValue::Number { lo, hi } => columns.reals = [lo, hi, 0.0, 0.0],
        IndexValue::Quantity(quantity) => {
            let (lo, hi) = canonical(&quantity);
            columns.integers = [quantity.code, quantity.unit, quantity.canonical_unit];
            columns.reals = [quantity.lo, quantity.hi, lo, hi];
        }
        IndexValue::Reference { target, version, .. } => {
            columns.integers = [target, 0, 0];
            columns.text = version;
        }
        IndexValue::Uri { value, .. } => columns.text = value,
        // Components are never composites or positions.
        IndexValue::Composite(_) | IndexValue::Position { .. } => {}
    }
    columns
}
