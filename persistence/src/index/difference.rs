//! What an update changes in the index tables: the rows that a resource has, compared with those that it is to have.
//!
//! What is stored is read and not extracted anew from the earlier body: extraction may have changed since, and a row that
//! nobody remembers would be found for ever.

use super::composite;
use crate::connection::Connection;
use crate::resources::write::STILL;
use crate::rows::{Cell, Rows};
use crate::schema::{
    COMPOSITE, DATE, Kind, NUMBER, POSITION, QUANTITY, REFERENCE, STRING, TOKEN, Table, URI,
};
use crate::statement::Statement;
use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Double, Text};
use domain::Error;

/// Tables whose rows fit into the columns of one statement.
const TABLES: [&Table; 8] = [&TOKEN, &STRING, &DATE, &REFERENCE, &URI, &NUMBER, &QUANTITY, &POSITION];

/// The number of compartments among the branches of the statement, and that of composites.
const COMPARTMENTS: i64 = 8;
const COMPOSITES: i64 = 9;

macro_rules! zero {
    () => {
        "CAST(0 AS DOUBLE PRECISION)"
    };
}

/// One branch: its number, the whole numbers, the real numbers and the texts of its rows, and the table.
macro_rules! branch {
    ($number:literal, $integers:literal, $reals:expr, $texts:literal, $table:literal) => {
        concat!(
            "SELECT CAST(",
            $number,
            " AS BIGINT), rid, ",
            $integers,
            ", ",
            $reals,
            ", ",
            $texts,
            " FROM ",
            $table,
            " i WHERE rid"
        )
    };
}

/// A branch without real numbers.
macro_rules! whole {
    ($number:literal, $integers:literal, $texts:literal, $table:literal) => {
        branch!(
            $number,
            $integers,
            concat!(zero!(), ", ", zero!(), ", ", zero!(), ", ", zero!(), ", ", zero!()),
            $texts,
            $table
        )
    };
}

/// One branch for each of [`TABLES`], in their order: number, `rid`, `p`, three whole numbers, five real ones, two texts;
/// then compartments, then whether there are composites. Columns that a table does not fill repeat another.
const BRANCHES: [&str; 10] = [
    whole!(0, "p, code, system, p", "i.text, ''", "ix_token"),
    whole!(1, "p, p, p, p", "folded, exact", "ix_string"),
    whole!(2, "p, lo, hi, p", "'', ''", "ix_date"),
    whole!(3, "p, target, p, p", "version, i.text", "ix_reference"),
    whole!(4, "p, p, p, p", "value, version", "ix_uri"),
    branch!(5, "p, p, p, p", "lo, hi, lo, lo, lo", "'', ''", "ix_number"),
    branch!(
        6,
        "p, code, unit, canonical_unit",
        "lo, hi, canonical_lo, canonical_hi, lo",
        "'', ''",
        "ix_quantity"
    ),
    branch!(7, "p, p, p, p", "latitude, longitude, x, y, z", "'', ''", "ix_position"),
    whole!(8, "patient_key, since, until, type_id", "'', ''", "compartment"),
    whole!(9, "p, p, p, p", "'', ''", "ix_composite"),
];

/// What resources have in the index tables and among the compartments.
pub(crate) struct Held {
    /// Their index rows, by table.
    pub(crate) tables: Vec<Rows>,
    /// `rid` and patient of the compartments that hold them now.
    pub(crate) compartments: Vec<(i64, i64)>,
}

/// A row of the statement.
type Values = (i64, i64, i64, i64, i64, i64, f64, f64, f64, f64, f64, String, String);

macro_rules! load {
    ($connection:expr, $statement:expr, $sql:ty, $rust:ty) => {{
        use crate::connection::Link;
        match &mut $connection.link {
            Link::Sqlite(c) => $statement.rows::<$sql>().load::<$rust>(&mut **c),
            Link::Postgres(c) => $statement.rows::<$sql>().load::<$rust>(&mut **c),
        }
        .map_err(|error| $connection.failed(error))?
    }};
}

/// Resources that one statement reads.
const AT_ONCE: usize = 256;

/// Reads what `rids` have.
pub(crate) fn held(connection: &mut Connection, rids: &[i64]) -> Result<Held, Error> {
    let mut tables: Vec<Rows> = TABLES.into_iter().map(Rows::of).collect();
    let (mut composites, mut compartments) = (Rows::of(&COMPOSITE), Vec::new());
    for rids in rids.chunks(AT_ONCE) {
        let mut has_composites = false;
        for row in rows(connection, rids)? {
            match row.0 {
                COMPARTMENTS => compartments.push((row.1, row.2)),
                COMPOSITES => has_composites = true,
                number => {
                    let table = usize::try_from(number).ok().and_then(|number| tables.get_mut(number));
                    table.ok_or_else(|| Error::internal("a row of no table"))?.push_held(row);
                }
            }
        }
        if has_composites {
            let mut statement = Statement::new(composite::SELECT);
            statement.sql(" WHERE rid").any(connection.dialect(), rids);
            let rows: Vec<composite::Values> =
                load!(connection, statement, composite::SqlColumns, composite::Values);
            rows.into_iter().for_each(|row| composites.push(composite::held(row)));
        }
    }
    tables.push(composites);
    Ok(Held { tables, compartments })
}

fn rows(connection: &mut Connection, rids: &[i64]) -> Result<Vec<Values>, Error> {
    type Columns =
        (BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, Double, Double, Double, Double, Double, Text, Text);
    let mut statement = Statement::default();
    for (number, branch) in (0..).zip(BRANCHES) {
        statement
            .sql(if number == 0 { "" } else { " UNION ALL " })
            .sql(branch)
            .any(connection.dialect(), rids);
        if number == COMPARTMENTS {
            statement.sql(" AND until = ").integer(STILL);
        }
    }
    Ok(load!(connection, statement, Columns, Values))
}

impl Rows {
    /// Adds a row as the statement gives it.
    fn push_held(&mut self, row: Values) {
        let (_, rid, p, a, b, c, v, w, x, y, z, s, t) = row;
        let mut integers = [a, b, c].into_iter();
        let mut reals = [v, w, x, y, z].into_iter();
        let mut texts = [s, t].into_iter();
        let cells: Vec<Cell> = self
            .columns()
            .iter()
            .filter_map(|(name, kind)| match (*name, kind) {
                ("p", _) => Some(Cell::Integer(p)),
                ("rid", _) => Some(Cell::Integer(rid)),
                (_, Kind::Integer) => integers.next().map(Cell::Integer),
                (_, Kind::Real) => reals.next().map(Cell::Real),
                (_, Kind::Text) => texts.next().map(Cell::Text),
                (_, Kind::Bytes) => None,
            })
            .collect();
        self.push(cells);
    }
}
