//! Rows on their way into tables: gathered for a whole request, put in key order, inserted many at a time.
//!
//! SQLite gets statements of a few fixed lengths, PostgreSQL one statement for all tables with an array for each column.

use crate::connection::{Connection, Link};
use crate::schema::{TYPE_COUNT, Table, WORDS};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::{Error as DieselError, QueryResult};
use diesel::sql_types::{Array, BigInt, Binary, Double, Text};
use diesel::sqlite::Sqlite;
use diesel::{RunQueryDsl, SqliteConnection};
use domain::Error;
use std::cmp::Ordering;

/// Rows of one statement on SQLite. Few lengths keep the prepared statements few.
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// Of an integer column.
    Integer(i64),
    /// Of a real column.
    Real(f64),
    /// Of a text column.
    Text(String),
    /// Of a binary column.
    Bytes(Vec<u8>),
}

/// Rows of one table, in the order of its columns.
#[derive(Debug)]
pub(crate) struct Rows {
    table: &'static Table,
    cells: Vec<Cell>,
}

impl Rows {
    /// No rows yet.
    pub(crate) const fn of(table: &'static Table) -> Rows {
        Rows { table, cells: Vec::new() }
    }

    /// Adds a row: one cell for every column.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.cells.extend(row);
    }

    fn width(&self) -> usize {
        self.table.columns.len().max(1)
    }

    /// The rows in key order, each once.
    fn ordered(&self) -> Vec<&[Cell]> {
        let mut rows: Vec<&[Cell]> = self.cells.chunks_exact(self.width()).collect();
        rows.sort_unstable_by(|a, b| compare(a, b));
        rows.dedup_by(|a, b| compare(a, b) == Ordering::Equal);
        rows
    }
}

fn compare(a: &[Cell], b: &[Cell]) -> Ordering {
    let cell = |pair: (&Cell, &Cell)| match pair {
        (Cell::Integer(a), Cell::Integer(b)) => a.cmp(b),
        (Cell::Real(a), Cell::Real(b)) => a.total_cmp(b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Bytes(a), Cell::Bytes(b)) => a.cmp(b),
        // A column has one kind of cell.
        _ => Ordering::Equal,
    };
    a.iter().zip(b).map(cell).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

/// Inserts rows of several tables.
pub(crate) fn insert(connection: &mut Connection, tables: &[Rows]) -> Result<(), Error> {
    let filled = tables.iter().filter(|rows| !rows.cells.is_empty());
    let outcome = match &mut connection.link {
        Link::Sqlite(c) => filled.into_iter().try_for_each(|rows| chunks(c, rows)),
        Link::Postgres(c) => {
            let arrays = Arrays(filled.map(|rows| (rows.table, columns(rows))).collect());
            if arrays.0.is_empty() { Ok(()) } else { arrays.execute(&mut **c).map(drop) }
        }
    };
    outcome.map_err(|error| connection.failed(error))
}

fn chunks(connection: &mut SqliteConnection, rows: &Rows) -> QueryResult<()> {
    let ordered = rows.ordered();
    let mut rest = ordered.as_slice();
    for size in CHUNKS {
        while rest.len() >= size {
            let (now, later) = rest.split_at(size);
            Chunk { table: rows.table, rows: now }.execute(connection)?;
            rest = later;
        }
    }
    Ok(())
}

/// What becomes of a row that is there already: counts add up, a set of words is the same for all; no other table has
/// such.
fn meeting(table: &'static Table) -> &'static str {
    if table.name == TYPE_COUNT.name {
        " ON CONFLICT (type_id, shard) DO UPDATE SET living = type_count.living + excluded.living"
    } else if table.name == WORDS.name {
        " ON CONFLICT DO NOTHING"
    } else {
        ""
    }
}

/// Adds `name (column, …)`.
fn into<DB: diesel::backend::Backend>(table: &'static Table, out: &mut AstPass<'_, '_, DB>) {
    out.push_sql(table.name);
    for (n, (column, _)) in table.columns.iter().enumerate() {
        out.push_sql(if n == 0 { " (" } else { ", " });
        out.push_sql(column);
    }
    out.push_sql(")");
}

/// Some rows as one statement for SQLite. `OR FAIL` leaves undoing to the transaction: otherwise SQLite would keep a
/// copy of every page that a statement of many rows touches.
struct Chunk<'r> {
    table: &'static Table,
    rows: &'r [&'r [Cell]],
}

impl QueryId for Chunk<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Chunk<'_> {}

impl QueryFragment<Sqlite> for Chunk<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT OR FAIL INTO ");
        into(self.table, &mut out);
        out.push_sql(" VALUES ");
        for (n, row) in self.rows.iter().enumerate() {
            out.push_sql(if n == 0 { "(" } else { ", (" });
            for (m, cell) in row.iter().enumerate() {
                if m > 0 {
                    out.push_sql(", ");
                }
                match cell {
                    Cell::Integer(value) => out.push_bind_param::<BigInt, _>(value),
                    Cell::Real(value) => out.push_bind_param::<Double, _>(value),
                    Cell::Text(value) => out.push_bind_param::<Text, _>(value),
                    Cell::Bytes(value) => out.push_bind_param::<Binary, _>(value),
                }?;
            }
            out.push_sql(")");
        }
        out.push_sql(meeting(self.table));
        Ok(())
    }
}

/// A column of all rows.
enum Column<'r> {
    Integers(Vec<i64>),
    Reals(Vec<f64>),
    Texts(Vec<&'r str>),
    Bytes(Vec<&'r [u8]>),
}

fn columns(rows: &Rows) -> Vec<Column<'_>> {
    use crate::schema::Kind;
    let ordered = rows.ordered();
    let empty = |(_, kind): &(&str, Kind)| match kind {
        Kind::Integer => Column::Integers(Vec::with_capacity(ordered.len())),
        Kind::Real => Column::Reals(Vec::with_capacity(ordered.len())),
        Kind::Text => Column::Texts(Vec::with_capacity(ordered.len())),
        Kind::Bytes => Column::Bytes(Vec::with_capacity(ordered.len())),
    };
    let mut columns: Vec<Column<'_>> = rows.table.columns.iter().map(empty).collect();
    for row in ordered {
        for (cell, column) in row.iter().zip(&mut columns) {
            match (cell, column) {
                (Cell::Integer(value), Column::Integers(values)) => values.push(*value),
                (Cell::Real(value), Column::Reals(values)) => values.push(*value),
                (Cell::Text(value), Column::Texts(values)) => values.push(value),
                (Cell::Bytes(value), Column::Bytes(values)) => values.push(value),
                // Arrays of different lengths: PostgreSQL refuses the NULLs.
                _ => {}
            }
        }
    }
    columns
}

/// All rows of all tables as one statement for PostgreSQL.
struct Arrays<'r>(Vec<(&'static Table, Vec<Column<'r>>)>);

impl QueryId for Arrays<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Arrays<'_> {}

impl QueryFragment<Pg> for Arrays<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (last, first) = self.0.split_last().ok_or(DieselError::NotFound)?;
        for (n, (table, columns)) in first.iter().enumerate() {
            out.push_sql(if n == 0 { "WITH " } else { ", " });
            out.push_sql(table.name);
            out.push_sql("_rows AS (");
            unnest(table, columns, &mut out)?;
            out.push_sql(")");
        }
        if !first.is_empty() {
            out.push_sql(" ");
        }
        unnest(last.0, &last.1, &mut out)
    }
}

fn unnest<'b>(
    table: &'static Table,
    columns: &'b [Column<'_>],
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    out.push_sql("INSERT INTO ");
    into(table, out);
    out.push_sql(" SELECT * FROM unnest(");
    for (n, column) in columns.iter().enumerate() {
        if n > 0 {
            out.push_sql(", ");
        }
        match column {
            Column::Integers(values) => out.push_bind_param::<Array<BigInt>, _>(values),
            Column::Reals(values) => out.push_bind_param::<Array<Double>, _>(values),
            Column::Texts(values) => out.push_bind_param::<Array<Text>, _>(values),
            Column::Bytes(values) => out.push_bind_param::<Array<Binary>, _>(values),
        }?;
    }
    out.push_sql(")");
    out.push_sql(meeting(table));
    Ok(())
}
