//! Index rows of a resource: written with its version, all of them anew.

use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::index::{IndexEntry, IndexValue};

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

/// Numbers, quantities, positions and composites are not indexed yet: they come with their searches.
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
            IndexValue::Number { .. }
            | IndexValue::Quantity(_)
            | IndexValue::Composite(_)
            | IndexValue::Position { .. } => {
                return Err(Error::internal("an index table got a foreign value"));
            }
        };
        statement.sql(")");
    }
    tx.connection.execute(statement.sql(" ON CONFLICT DO NOTHING")).map(drop)
}
