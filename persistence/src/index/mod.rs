//! Index rows of resources, gathered by table and written with their versions.

pub(crate) mod composite;
pub(crate) mod difference;
mod rebuild;
mod state;

use crate::names::Names;
use crate::rows::{Cell, Rows};
use crate::schema::{COMPOSITE, DATE, NUMBER, POSITION, QUANTITY, REFERENCE, STRING, TOKEN, URI, WORDS};
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::index::{IndexEntry, IndexValue, QuantityValue};
use std::collections::BTreeSet;

/// Index rows to be written, by table.
pub(crate) struct IndexRows {
    token: Rows,
    words: Rows,
    /// The sets whose words are among the rows.
    sets: BTreeSet<i64>,
    string: Rows,
    date: Rows,
    reference: Rows,
    uri: Rows,
    number: Rows,
    quantity: Rows,
    position: Rows,
    composite: Rows,
}

impl IndexRows {
    /// No rows yet.
    pub(crate) const fn new() -> IndexRows {
        IndexRows {
            token: Rows::of(&TOKEN),
            words: Rows::of(&WORDS),
            sets: BTreeSet::new(),
            string: Rows::of(&STRING),
            date: Rows::of(&DATE),
            reference: Rows::of(&REFERENCE),
            uri: Rows::of(&URI),
            number: Rows::of(&NUMBER),
            quantity: Rows::of(&QUANTITY),
            position: Rows::of(&POSITION),
            composite: Rows::of(&COMPOSITE),
        }
    }

    /// Adds the rows of the resource `rid`.
    pub(crate) fn add(&mut self, names: &Names, rid: i64, entries: Vec<IndexEntry>) {
        for IndexEntry { parameter, facet, part, value } in entries {
            let p = names.p_of(parameter, facet, part);
            match value {
                IndexValue::Words { set, words } => self.set(names, (p, rid), set, words),
                value => self.add_one(p, rid, value),
            }
        }
    }

    fn add_one(&mut self, p: i64, rid: i64, value: IndexValue) {
        use Cell::{Integer, Real, Text};
        let (number, p, row) = (p, Integer(p), Integer(rid));
        match value {
            IndexValue::Token { code, system, text } => {
                self.token.push([p, Integer(code), Integer(system), row, Text(text)]);
            }
            IndexValue::String { folded, exact } => self.string.push([p, Text(folded), Text(exact), row]),
            IndexValue::Date { lo, hi } => self.date.push([p, Integer(lo), Integer(hi), row]),
            IndexValue::Reference { target, version, text, .. } => {
                self.reference.push([p, Integer(target), Text(version), row, Text(text)]);
            }
            IndexValue::Uri { value, version } => self.uri.push([p, Text(value), Text(version), row]),
            IndexValue::Number { lo, hi } => self.number.push([p, Real(lo), Real(hi), row]),
            IndexValue::Quantity(quantity) => {
                let (lo, hi) = canonical(&quantity);
                let bounds = [p, Real(quantity.lo), Real(quantity.hi)];
                let units = [quantity.code, quantity.unit, quantity.canonical_unit].map(Integer);
                self.quantity.push(bounds.into_iter().chain(units).chain([Real(lo), Real(hi), row]));
            }
            IndexValue::Position { latitude, longitude, vector } => {
                let degrees = [p, Real(latitude), Real(longitude), row];
                self.position.push(degrees.into_iter().chain(vector.map(Real)));
            }
            IndexValue::Words { .. } => {}
            IndexValue::Composite(components) => {
                self.composite.push(composite::row(number, rid, &components))
            }
        }
    }

    /// The row of a resource with a set of words, and the rows of the set where they may be missing.
    fn set(&mut self, names: &Names, (p, rid): (i64, i64), set: i64, words: Vec<i64>) {
        let row = [p, set, 0, rid].map(Cell::Integer);
        self.token.push(row.into_iter().chain([Cell::Text(String::new())]));
        if !names.sets.contains_key(&set) && self.sets.insert(set) {
            for word in words {
                self.words.push([set, word].map(Cell::Integer));
            }
        }
    }

    /// The sets of words among the rows.
    pub(crate) fn sets(&self) -> impl Iterator<Item = i64> {
        self.sets.iter().copied()
    }

    /// The rows, by table.
    pub(crate) fn tables(self) -> [Rows; 10] {
        let IndexRows {
            token,
            words,
            string,
            date,
            reference,
            uri,
            number,
            quantity,
            position,
            composite,
            ..
        } = self;
        [token, words, string, date, reference, uri, number, quantity, position, composite]
    }
}

/// Deletes the index rows of `rids`.
pub(crate) fn delete(tx: &mut Transaction<'_>, rids: &[i64]) -> Result<(), Error> {
    for sql in DELETES {
        let mut statement = Statement::new(sql);
        tx.connection.execute(statement.any(tx.connection.dialect(), rids))?;
    }
    Ok(())
}

const DELETES: [&str; 9] = [
    "DELETE FROM ix_token WHERE rid",
    "DELETE FROM ix_string WHERE rid",
    "DELETE FROM ix_date WHERE rid",
    "DELETE FROM ix_reference WHERE rid",
    "DELETE FROM ix_uri WHERE rid",
    "DELETE FROM ix_number WHERE rid",
    "DELETE FROM ix_quantity WHERE rid",
    "DELETE FROM ix_position WHERE rid",
    "DELETE FROM ix_composite WHERE rid",
];

/// The canonical bounds, 0 where there is no canonical unit: a search by unit never looks at them, and SQLite would take
/// NaN for NULL.
fn canonical(quantity: &QuantityValue) -> (f64, f64) {
    if quantity.canonical_unit == 0 { (0.0, 0.0) } else { (quantity.canonical_lo, quantity.canonical_hi) }
}
