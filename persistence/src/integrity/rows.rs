//! The rows of every index table in one shape: as stored, and as they ought to be. The second is written apart from
//! `index`, so that a mistake there is found here.

use crate::connection::{Connection, Link};
use crate::error::store_error;
use crate::index::composite;
use crate::names::Names;
use crate::statement::Statement;
use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Double, Text};
use domain::Error;
use domain::index::{IndexEntry, IndexValue};
use std::collections::HashMap;

/// A row without its `rid`; of real numbers the bits, so that rows can be counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    /// `p`, or what a table has in its place.
    pub(super) p: i64,
    /// Whole numbers.
    pub(super) integers: Vec<i64>,
    reals: Vec<u64>,
    texts: Vec<String>,
}

/// Rows by `rid`.
pub(crate) type ByResource = HashMap<i64, Vec<Row>>;

impl Row {
    /// A row of whole numbers.
    pub(super) fn of(p: i64, integers: &[i64]) -> Row {
        Row { p, integers: integers.to_vec(), reals: Vec::new(), texts: Vec::new() }
    }

    fn reals(mut self, reals: &[f64]) -> Row {
        // Zero has two signs, which no search tells apart.
        self.reals = reals.iter().map(|real| (real + 0.0).to_bits()).collect();
        self
    }

    fn texts(mut self, texts: &[&str]) -> Row {
        self.texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self
    }
}

/// A table that holds one kind of row, and how many columns of each kind count in it.
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    select: &'static str,
    integers: usize,
    reals: usize,
    texts: usize,
}

macro_rules! table {
    ($name:literal, $integers:literal $columns:literal, $reals:literal $real_columns:literal, $texts:literal $text_columns:literal) => {
        table!($name, "p", $integers $columns, $reals $real_columns, $texts $text_columns)
    };
    ($name:literal, $p:literal, $integers:literal $columns:literal, $reals:literal $real_columns:literal, $texts:literal $text_columns:literal) => {
        Table {
            name: $name,
            select: concat!("SELECT rid, ", $p, ", ", $columns, ", ", $real_columns, ", ", $text_columns, " FROM ", $name, " CROSS JOIN (SELECT CAST(0 AS DOUBLE PRECISION) AS zero) z"),
            integers: $integers,
            reals: $reals,
            texts: $texts,
        }
    };
}

/// Every index table but that of composites.
pub(super) const TABLES: &[Table] = &[
    table!("ix_token", 2 "code, system, p", 0 "zero, zero, zero, zero", 1 "text, ''"),
    table!("ix_string", 0 "p, p, p", 0 "zero, zero, zero, zero", 2 "folded, exact"),
    table!("ix_date", 2 "lo, hi, p", 0 "zero, zero, zero, zero", 0 "'', ''"),
    table!("ix_reference", 1 "target, p, p", 0 "zero, zero, zero, zero", 2 "version, text"),
    table!("ix_uri", 0 "p, p, p", 0 "zero, zero, zero, zero", 2 "value, version"),
    table!("ix_number", 0 "p, p, p", 2 "lo, hi, zero, zero", 0 "'', ''"),
    table!("ix_quantity", 3 "code, unit, canonical_unit", 4 "lo, hi, canonical_lo, canonical_hi", 0 "'', ''"),
    // Four numbers tell that all five are right.
    table!("ix_position", 0 "p, p, p", 4 "latitude, longitude, x, y + z", 0 "'', ''"),
];

/// The table of compartments: type, since, until.
pub(super) const COMPARTMENT: Table =
    table!("compartment", "patient_key", 3 "type_id, since, until", 0 "zero, zero, zero, zero", 0 "'', ''");

/// The table of resources: the key.
pub(super) const KEYS: Table =
    table!("resource", "key", 0 "key, key, key", 0 "zero, zero, zero, zero", 0 "'', ''");

/// Name of the table of composites.
pub(super) const COMPOSITE: &str = "ix_composite";

/// Adds which resources are meant: those after `after` up to `upto`.
pub(super) fn range(statement: &mut Statement, after: i64, upto: i64) -> &mut Statement {
    statement.sql(" WHERE rid > ").integer(after).sql(" AND rid <= ").integer(upto)
}

/// Adds which resources are meant, by row.
fn of_rows<'s>(statement: &'s mut Statement, connection: &Connection, rids: &[i64]) -> &'s mut Statement {
    statement.sql(" WHERE rid").any(connection.dialect(), rids)
}

/// The index rows of some resources, by table.
pub(crate) fn indexed(
    connection: &mut Connection,
    rids: &[i64],
) -> Result<HashMap<&'static str, ByResource>, Error> {
    let mut found = HashMap::new();
    for table in TABLES {
        let mut statement = Statement::new(table.select);
        of_rows(&mut statement, connection, rids);
        found.insert(table.name, table.load(connection, &statement)?);
    }
    let mut statement = Statement::new(composite::SELECT);
    of_rows(&mut statement, connection, rids);
    found.insert(COMPOSITE, load_composites(connection, &statement)?);
    Ok(found)
}

macro_rules! load {
    ($connection:expr, $statement:expr, $sql:ty, $rust:ty) => {
        match &mut $connection.link {
            Link::Sqlite(c) => $statement.rows::<$sql>().load::<$rust>(&mut **c),
            Link::Postgres(c) => $statement.rows::<$sql>().load::<$rust>(&mut **c),
        }
        .map_err(store_error)?
    };
}

impl Table {
    /// The rows of the resources after `after` up to `upto`.
    pub(super) fn read(
        &self,
        connection: &mut Connection,
        (after, upto): (i64, i64),
    ) -> Result<ByResource, Error> {
        let mut statement = Statement::new(self.select);
        range(&mut statement, after, upto);
        self.load(connection, &statement)
    }

    fn load(&self, connection: &mut Connection, statement: &Statement) -> Result<ByResource, Error> {
        type Columns = (BigInt, BigInt, BigInt, BigInt, BigInt, Double, Double, Double, Double, Text, Text);
        type Values = (i64, i64, i64, i64, i64, f64, f64, f64, f64, String, String);
        let rows: Vec<Values> = load!(connection, statement, Columns, Values);
        let mut found = ByResource::new();
        for (rid, p, a, b, c, w, x, y, z, s, t) in rows {
            let row = Row::of(p, [a, b, c].get(..self.integers).unwrap_or_default())
                .reals([w, x, y, z].get(..self.reals).unwrap_or_default())
                .texts([s.as_str(), &t].get(..self.texts).unwrap_or_default());
            found.entry(rid).or_default().push(row);
        }
        Ok(found)
    }
}

/// The rows of composites: one for each component, all of a row under one number, so that they stay together.
pub(super) fn composites(
    connection: &mut Connection,
    (after, upto): (i64, i64),
) -> Result<ByResource, Error> {
    let mut statement = Statement::new(composite::SELECT);
    range(&mut statement, after, upto);
    load_composites(connection, &statement)
}

fn load_composites(connection: &mut Connection, statement: &Statement) -> Result<ByResource, Error> {
    let rows: Vec<composite::Values> = load!(connection, statement, composite::SqlColumns, composite::Values);
    let mut found = ByResource::new();
    for ((rid, p, components), one, two, three) in rows {
        let mut row = Row::of(p, &[components]);
        for (a, b, c, x, y, u, w, text) in [one, two, three] {
            row.integers.extend([a, b, c]);
            row.reals.extend([x, y, u, w].map(|real| (real + 0.0).to_bits()));
            row.texts.push(text);
        }
        found.entry(rid).or_default().push(row);
    }
    Ok(found)
}

/// The table and row of an entry.
pub(crate) fn expected(names: &Names, entry: &IndexEntry) -> (&'static str, Row) {
    let p = names.p_of(entry.parameter, entry.facet, entry.part);
    let row = |integers: &[i64]| Row::of(p, integers);
    match &entry.value {
        IndexValue::Token { code, system, text } => ("ix_token", row(&[*code, *system]).texts(&[text])),
        IndexValue::String { folded, exact } => ("ix_string", row(&[]).texts(&[folded, exact])),
        IndexValue::Date { lo, hi } => ("ix_date", row(&[*lo, *hi])),
        IndexValue::Reference { target, version, text, .. } => {
            ("ix_reference", row(&[*target]).texts(&[version, text]))
        }
        IndexValue::Uri { value, version } => ("ix_uri", row(&[]).texts(&[value, version])),
        IndexValue::Number { lo, hi } => ("ix_number", row(&[]).reals(&[*lo, *hi])),
        IndexValue::Quantity(quantity) => {
            let (lo, hi) = if quantity.canonical_unit == 0 {
                (0.0, 0.0)
            } else {
                (quantity.canonical_lo, quantity.canonical_hi)
            };
            let keys = row(&[quantity.code, quantity.unit, quantity.canonical_unit]);
            ("ix_quantity", keys.reals(&[quantity.lo, quantity.hi, lo, hi]))
        }
        IndexValue::Words { set, .. } => ("ix_token", row(&[*set, 0]).texts(&[""])),
        IndexValue::Position { latitude, longitude, vector: [x, y, z] } => {
            ("ix_position", row(&[]).reals(&[*latitude, *longitude, *x, y + z]))
        }
        IndexValue::Composite(components) => {
            let mut row = row(&[i64::try_from(components.len()).unwrap_or(i64::MAX)]);
            for number in 0..composite::COMPONENTS {
                let columns = components.get(number).map(composite::columns).unwrap_or_default();
                row.integers.extend(columns.integers);
                row.reals.extend(columns.reals.map(|real| (real + 0.0).to_bits()));
                row.texts.push(columns.text.to_owned());
            }
            (COMPOSITE, row)
        }
    }
}

/// How many of `expected` are not stored, and how many rows are stored that are not expected.
pub(crate) fn difference(expected: Vec<Row>, stored: Vec<Row>) -> (usize, usize) {
    let mut counts: HashMap<Row, (usize, usize)> = HashMap::new();
    for row in expected {
        counts.entry(row).or_default().0 += 1;
    }
    for row in stored {
        counts.entry(row).or_default().1 += 1;
    }
    // Equal rows of one resource may be kept once.
    let missing = counts.values().filter(|(wanted, kept)| *wanted > 0 && *kept == 0).count();
    let unexpected = counts.values().map(|(wanted, kept)| kept.saturating_sub(*wanted)).sum();
    (missing, unexpected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_counts_both_ways() {
        let row = |p| Row::of(p, &[1]);
        assert_eq!(difference(vec![row(1), row(2)], vec![row(2), row(1)]), (0, 0));
        assert_eq!(difference(vec![row(1), row(1)], vec![row(1)]), (0, 0));
        assert_eq!(difference(vec![row(1), row(2)], vec![row(1), row(3), row(3)]), (1, 2));
        assert_eq!(difference(vec![row(1)], vec![row(1), row(1)]), (0, 1));
    }
}
