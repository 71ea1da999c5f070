//! The tables that both migration trees make: what writers fill and the tests hold the databases to.

/// What a column holds, in the types that both databases have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `BIGINT`; SQLite's `INTEGER` where it is the row's own number.
    Integer,
    /// `DOUBLE`.
    Real,
    /// `TEXT`.
    Text,
    /// `BLOB`, `BYTEA`.
    Bytes,
}

/// A table and its columns in the order in which they were made.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// Names and kinds of its columns.
    pub(crate) columns: &'static [(&'static str, Kind)],
}

use Kind::{Bytes, Integer, Real, Text};

/// Current versions.
pub(crate) const RESOURCE: Table = Table {
    name: "resource",
    columns: &[
        ("rid", Integer),
        ("type_id", Integer),
        ("fhir_id", Text),
        ("key", Integer),
        ("version", Integer),
        ("updated_us", Integer),
        ("method", Integer),
        ("body", Bytes),
    ],
};

/// How many resources of a type are not deleted, in shards.
pub(crate) const TYPE_COUNT: Table =
    Table { name: "type_count", columns: &[("type_id", Integer), ("shard", Integer), ("living", Integer)] };

/// Who is in whose compartment, and since and until which version.
pub(crate) const COMPARTMENT: Table = Table {
    name: "compartment",
    columns: &[
        ("patient_key", Integer),
        ("type_id", Integer),
        ("rid", Integer),
        ("since", Integer),
        ("until", Integer),
    ],
};

/// Tokens.
pub(crate) const TOKEN: Table = Table {
    name: "ix_token",
    columns: &[("p", Integer), ("code", Integer), ("system", Integer), ("rid", Integer), ("text", Text)],
};

/// Sets of words, each kept once for all resources that have it.
pub(crate) const WORDS: Table = Table { name: "ix_words", columns: &[("words", Integer), ("word", Integer)] };

/// Strings.
pub(crate) const STRING: Table = Table {
    name: "ix_string",
    columns: &[("p", Integer), ("folded", Text), ("exact", Text), ("rid", Integer)],
};

/// Dates.
pub(crate) const DATE: Table =
    Table { name: "ix_date", columns: &[("p", Integer), ("lo", Integer), ("hi", Integer), ("rid", Integer)] };

/// References.
pub(crate) const REFERENCE: Table = Table {
    name: "ix_reference",
    columns: &[("p", Integer), ("target", Integer), ("version", Text), ("rid", Integer), ("text", Text)],
};

/// URIs.
pub(crate) const URI: Table = Table {
    name: "ix_uri",
    columns: &[("p", Integer), ("value", Text), ("version", Text), ("rid", Integer)],
};

/// Numbers.
pub(crate) const NUMBER: Table =
    Table { name: "ix_number", columns: &[("p", Integer), ("lo", Real), ("hi", Real), ("rid", Integer)] };

/// Quantities.
pub(crate) const QUANTITY: Table = Table {
    name: "ix_quantity",
    columns: &[
        ("p", Integer),
        ("lo", Real),
        ("hi", Real),
        ("code", Integer),
        ("unit", Integer),
        ("canonical_unit", Integer),
        ("canonical_lo", Real),
        ("canonical_hi", Real),
        ("rid", Integer),
    ],
};

/// Positions.
pub(crate) const POSITION: Table = Table {
    name: "ix_position",
    columns: &[
        ("p", Integer),
        ("latitude", Real),
        ("longitude", Real),
        ("rid", Integer),
        ("x", Real),
        ("y", Real),
        ("z", Real),
    ],
};

/// Composites; `index/composite.rs` says what the columns of a component hold.
pub(crate) const COMPOSITE: Table = Table {
    name: "ix_composite",
    columns: &[
        ("p", Integer),
        ("rid", Integer),
        ("components", Integer),
        ("a0", Integer),
        ("b0", Integer),
        ("c0", Integer),
        ("x0", Real),
        ("y0", Real),
        ("u0", Real),
        ("w0", Real),
        ("t0", Text),
        ("a1", Integer),
        ("b1", Integer),
        ("c1", Integer),
        ("x1", Real),
        ("y1", Real),
        ("u1", Real),
        ("w1", Real),
        ("t1", Text),
        ("a2", Integer),
        ("b2", Integer),
        ("c2", Integer),
        ("x2", Real),
        ("y2", Real),
        ("u2", Real),
        ("w2", Real),
        ("t2", Text),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Connection, Link};
    use crate::statement::Statement;
    use crate::{Connections, SqlStore, StoreSettings};
    use diesel::connection::SimpleConnection;

    /// The tables that are not filled row by row with [`crate::rows`].
    const OTHERS: [Table; 8] = [
        Table { name: "resource_type", columns: &[("id", Integer), ("name", Text)] },
        Table { name: "parameter", columns: &[("id", Integer), ("base", Text), ("code", Text)] },
        Table { name: "imported", columns: &[("key", Text)] },
        Table {
            name: "job",
            columns: &[
                ("id", Text),
                ("kind", Text),
                ("status", Integer),
                ("input", Text),
                ("state", Text),
                ("done", Integer),
                ("total", Integer),
                ("client", Text),
                ("owner", Text),
                ("lease_us", Integer),
                ("created_us", Integer),
                ("ended_us", Integer),
            ],
        },
        Table {
            name: "index_state",
            columns: &[("id", Integer), ("format", Integer), ("wanted", Integer), ("generation", Integer)],
        },
        Table {
            name: "custom_parameter",
            columns: &[
                ("number", Integer),
                ("base", Text),
                ("code", Text),
                ("fhir_id", Text),
                ("phase", Integer),
                ("job", Text),
                ("definition", Text),
            ],
        },
        Table {
            name: "authorization_record",
            columns: &[("kind", Text), ("key", Text), ("body", Text), ("expires_us", Integer)],
        },
        Table {
            name: "history",
            columns: &[
                ("rid", Integer),
                ("version", Integer),
                ("type_id", Integer),
                ("updated_us", Integer),
                ("method", Integer),
                ("body", Bytes),
            ],
        },
    ];

    const FILLED: [&Table; 13] = [
        &RESOURCE,
        &TYPE_COUNT,
        &COMPARTMENT,
        &TOKEN,
        &WORDS,
        &STRING,
        &DATE,
        &REFERENCE,
        &URI,
        &NUMBER,
        &QUANTITY,
        &POSITION,
        &COMPOSITE,
    ];

    /// Every column as `table number column KIND`, in order.
    fn expected() -> Vec<String> {
        let mut lines = Vec::new();
        for table in FILLED.into_iter().chain(&OTHERS) {
            for (number, (column, kind)) in table.columns.iter().enumerate() {
                lines.push(format!("{} {number:02} {column} {kind:?}", table.name));
            }
        }
        lines.sort();
        lines
    }

    fn found(connection: &mut Connection, sql: &'static str) -> Vec<String> {
        let kind = |name: &str| match name {
            "BIGINT" | "INTEGER" | "bigint" => Integer,
            "DOUBLE" | "double precision" => Real,
            "TEXT" | "text" => Text,
            "BLOB" | "bytea" => Bytes,
            other => panic!("no column has the type {other}"),
        };
        let mut lines = Vec::new();
        for (number, line) in connection.names(&Statement::new(sql)).unwrap() {
            let mut parts = line.splitn(3, ' ');
            let (table, column) = (parts.next().unwrap(), parts.next().unwrap());
            if !table.starts_with("__diesel") {
                lines.push(format!("{table} {number:02} {column} {:?}", kind(parts.next().unwrap())));
            }
        }
        lines.sort();
        lines
    }

    fn opened(url: &str) -> Connection {
        SqlStore::open(&StoreSettings::new(url)).map(drop).unwrap();
        Connections::open(&StoreSettings::new(url)).unwrap().get().unwrap()
    }

    #[test]
    fn sqlite_has_these_tables_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = opened(&format!("sqlite://{}", folder.path().join("schema.db").display()));
        let columns = found(
            &mut connection,
            "SELECT c.cid, m.name || ' ' || c.name || ' ' || c.type FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table'",
        );
        assert_eq!(columns, expected());
    }

    #[test]
    fn postgres_has_these_tables_and_no_others() {
        let url = std::env::var("BINNACLE_TEST_POSTGRES")
            .expect("BINNACLE_TEST_POSTGRES is not set: run `make test`");
        let mut administrator = Connections::open(&StoreSettings::new(&url)).unwrap().get().unwrap();
        let Link::Postgres(own) = &mut administrator.link else { panic!("PostgreSQL") };
        let schema = format!("facts_{}", std::process::id());
        own.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
        let separator = if url.contains('?') { '&' } else { '?' };
        let mut connection = opened(&format!("{url}{separator}options=-csearch_path%3D{schema}"));
        let columns = found(
            &mut connection,
            "SELECT (ordinal_position - 1)::bigint, table_name || ' ' || column_name || ' ' || data_type \
             FROM information_schema.columns WHERE table_schema = current_schema()",
        );
        drop(connection);
        own.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
        assert_eq!(columns, expected());
    }
}
