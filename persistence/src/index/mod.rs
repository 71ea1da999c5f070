//! Index rows of a resource: written with its version, all of them anew.

pub(crate) mod composite;

use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::index::{IndexEntry, IndexValue, QuantityValue};

/// Rows of one insert at most. Few sizes keep the prepared statements few.
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

/// Writes the index rows of `rid`.
pub(crate) fn write(tx: &mut Transaction<'_>, rid: i64, entries: &[IndexEntry]) -> Result<(), Error> {
    for table in TABLES {
        let own: Vec<&IndexEntry> = entries.iter().filter(|entry| (table.holds)(&entry.value)).collect();
        let mut rest = own.as_slice();
        for size in CHUNKS {
            while rest.len() >= size {
                let (now, later) = rest.split_at(size);
                insert(tx, table, rid, now)?;
                rest = later;
            }
        }
    }
    Ok(())
}

/// Deletes the index rows of `rid`.
pub(crate) fn delete(tx: &mut Transaction<'_>, rid: i64) -> Result<(), Error> {
    for table in TABLES {
        let mut statement = Statement::new(table.delete);
        tx.connection.execute(statement.integer(rid))?;
    }
    Ok(())
}

/// An index table and which values it holds.
struct Table {
    insert: &'static str,
    delete: &'static str,
    holds: fn(&IndexValue) -> bool,
}

const TABLES: &[Table] = &[
    Table {
        insert: "INSERT INTO ix_token (p, rid, code, system) VALUES ",
        delete: "DELETE FROM ix_token WHERE rid = ",
        holds: |value| matches!(value, IndexValue::Token { .. }),
    },
    Table {
        insert: "INSERT INTO ix_string (p, rid, folded, exact) VALUES ",
        delete: "DELETE FROM ix_string WHERE rid = ",
        holds: |value| matches!(value, IndexValue::String { .. }),
    },
    Table {
        insert: "INSERT INTO ix_date (p, rid, lo, hi) VALUES ",
        delete: "DELETE FROM ix_date WHERE rid = ",
        holds: |value| matches!(value, IndexValue::Date { .. }),
    },
    Table {
        insert: "INSERT INTO ix_reference (p, rid, target, version) VALUES ",
        delete: "DELETE FROM ix_reference WHERE rid = ",
        holds: |value| matches!(value, IndexValue::Reference { .. }),
    },
    Table {
        insert: "INSERT INTO ix_uri (p, rid, value, version) VALUES ",
        delete: "DELETE FROM ix_uri WHERE rid = ",
        holds: |value| matches!(value, IndexValue::Uri { .. }),
    },
    Table {
        insert: "INSERT INTO ix_number (p, rid, lo, hi) VALUES ",
        delete: "DELETE FROM ix_number WHERE rid = ",
        holds: |value| matches!(value, IndexValue::Number { .. }),
    },
    Table {
        insert: "INSERT INTO ix_quantity \
                 (p, rid, lo, hi, code, unit, canonical_unit, canonical_lo, canonical_hi) VALUES ",
        delete: "DELETE FROM ix_quantity WHERE rid = ",
        holds: |value| matches!(value, IndexValue::Quantity(_)),
    },
    Table {
        insert: "INSERT INTO ix_position (p, rid, latitude, longitude) VALUES ",
        delete: "DELETE FROM ix_position WHERE rid = ",
        holds: |value| matches!(value, IndexValue::Position { .. }),
    },
    Table {
        insert: composite::INSERT,
        delete: "DELETE FROM ix_composite WHERE rid = ",
        holds: |value| matches!(value, IndexValue::Composite(_)),
    },
];

fn insert(tx: &mut Transaction<'_>, table: &Table, rid: i64, entries: &[&IndexEntry]) -> Result<(), Error> {
    let mut statement = Statement::new(table.insert);
    for (n, entry) in entries.iter().enumerate() {
        statement.sql(if n > 0 { ", (" } else { "(" });
        statement.integer(tx.names.p(entry.parameter, entry.facet)).sql(", ").integer(rid).sql(", ");
        match &entry.value {
            IndexValue::Token { code, system } => statement.integer(*code).sql(", ").integer(*system),
            IndexValue::String { folded, exact } => statement.text(folded).sql(", ").text(exact),
            IndexValue::Date { lo, hi } => statement.integer(*lo).sql(", ").integer(*hi),
            IndexValue::Reference { target, version, .. } => {
                statement.integer(*target).sql(", ").text(version)
            }
            IndexValue::Uri { value, version } => statement.text(value).sql(", ").text(version),
            IndexValue::Number { lo, hi } => statement.real(*lo).sql(", ").real(*hi),
            IndexValue::Quantity(quantity) => {
                let (lo, hi) = canonical(quantity);
                statement.real(quantity.lo).sql(", ").real(quantity.hi).sql(", ");
                statement.integer(quantity.code).sql(", ").integer(quantity.unit).sql(", ");
                statement.integer(quantity.canonical_unit).sql(", ").real(lo).sql(", ").real(hi)
            }
            IndexValue::Position { latitude, longitude } => {
                statement.real(*latitude).sql(", ").real(*longitude)
            }
            IndexValue::Composite(components) => composite::row(&mut statement, components),
        };
        statement.sql(")");
    }
    tx.connection.execute(statement.sql(" ON CONFLICT DO NOTHING")).map(drop)
}

/// The canonical bounds, 0 where there is no canonical unit: a search by unit never looks at them, and SQLite would take
/// NaN for NULL.
fn canonical(quantity: &QuantityValue) -> (f64, f64) {
    if quantity.canonical_unit == 0 { (0.0, 0.0) } else { (quantity.canonical_lo, quantity.canonical_hi) }
}
