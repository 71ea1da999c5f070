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
    columns: &[("p", Integer), ("code", Integer), ("system", Integer), ("rid", Integer)],
};

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
    columns: &[("p", Integer), ("target", Integer), ("version", Text), ("rid", Integer)],
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
    columns: &[("p", Integer), ("latitude", Real), ("longitude", Real), ("rid", Integer)],
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
