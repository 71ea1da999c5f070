//! Composites in their wide row: each component in eight columns, of which its kind uses some.

use super::canonical;
use crate::rows::Cell;
use diesel::sql_types::{BigInt, Double, Text};
use domain::index::IndexValue;

/// Components of a row; R4's composites have two or three.
pub(crate) const COMPONENTS: usize = 3;

/// Selects rows as they were written, `rid` first.
pub(crate) const SELECT: &str = "SELECT rid, p, components, \
     a0, b0, c0, x0, y0, u0, w0, t0, a1, b1, c1, x1, y1, u1, w1, t1, a2, b2, c2, x2, y2, u2, w2, t2 FROM ix_composite";

/// The SQL types of what [`SELECT`] gives.
pub(crate) type SqlColumns = ((BigInt, BigInt, BigInt), SqlComponent, SqlComponent, SqlComponent);
type SqlComponent = (BigInt, BigInt, BigInt, Double, Double, Double, Double, Text);

/// What [`SELECT`] gives: `rid`, `p`, the number of components, and the columns of each.
pub(crate) type Values = ((i64, i64, i64), Component, Component, Component);
type Component = (i64, i64, i64, f64, f64, f64, f64, String);

/// A stored row as it was written.
pub(super) fn held(((rid, p, count), one, two, three): Values) -> impl Iterator<Item = Cell> {
    let components = [one, two, three].into_iter().flat_map(|(a, b, c, x, y, u, w, text)| {
        let integers = [a, b, c].into_iter().map(Cell::Integer);
        integers.chain([x, y, u, w].into_iter().map(Cell::Real)).chain([Cell::Text(text)])
    });
    [p, rid, count].into_iter().map(Cell::Integer).chain(components)
}

/// What the columns of one component hold.
#[derive(Default)]
pub(crate) struct Columns<'v> {
    /// a, b, c
    pub(crate) integers: [i64; 3],
    /// x, y, u, w
    pub(crate) reals: [f64; 4],
    /// t
    pub(crate) text: &'v str,
}

/// The row of a composite.
pub(super) fn row(p: i64, rid: i64, components: &[IndexValue]) -> impl Iterator<Item = Cell> {
    let count = i64::try_from(components.len()).unwrap_or(i64::MAX);
    let columns = (0..COMPONENTS).flat_map(|number| {
        let Columns { integers, reals, text } = components.get(number).map(columns).unwrap_or_default();
        let integers = integers.into_iter().map(Cell::Integer);
        integers.chain(reals.into_iter().map(Cell::Real)).chain([Cell::Text(text.to_owned())])
    });
    [p, rid, count].into_iter().map(Cell::Integer).chain(columns)
}

/// The columns of one component.
pub(crate) fn columns(value: &IndexValue) -> Columns<'_> {
    let mut columns = Columns::default();
    match value {
        IndexValue::Token { code, system, .. } => columns.integers = [*code, *system, 0],
        IndexValue::String { folded, .. } => columns.text = folded,
        IndexValue::Date { lo, hi } => columns.integers = [*lo, *hi, 0],
        IndexValue::Number { lo, hi } => columns.reals = [*lo, *hi, 0.0, 0.0],
        IndexValue::Quantity(quantity) => {
            let (lo, hi) = canonical(quantity);
            columns.integers = [quantity.code, quantity.unit, quantity.canonical_unit];
            columns.reals = [quantity.lo, quantity.hi, lo, hi];
        }
        IndexValue::Reference { target, version, .. } => {
            columns.integers = [*target, 0, 0];
            columns.text = version;
        }
        IndexValue::Uri { value, .. } => columns.text = value,
        // Components are never composites, words or positions.
        IndexValue::Composite(_) | IndexValue::Words { .. } | IndexValue::Position { .. } => {}
    }
    columns
}
