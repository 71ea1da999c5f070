//! Rows on their way into tables and out of them: gathered for a whole request, put in key order, written many at a time.
//!
//! SQLite gets inserts of a few fixed lengths, PostgreSQL one statement for all tables with an array for each column.

use crate::connection::{Connection, Link};
use crate::schema::{Kind, TYPE_COUNT, Table, WORDS};
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

    /// Names and kinds of the columns.
    pub(crate) const fn columns(&self) -> &'static [(&'static str, Kind)] {
        self.table.columns
    }

    /// Whether they are rows of the same table.
    pub(crate) fn is_of_same_table(&self, other: &Rows) -> bool {
        self.table.name == other.table.name
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// What is to be added and what to be taken away where `held` is stored and these rows are wanted.
    pub(crate) fn difference(self, held: &Rows) -> (Rows, Rows) {
        if held.is_empty() {
            return (self, Rows::of(held.table));
        }
        let (mut added, mut gone) = (Rows::of(self.table), Rows::of(self.table));
        let (wanted, held) = (self.ordered(), held.ordered());
        let (mut wanted, mut held) = (wanted.into_iter().peekable(), held.into_iter().peekable());
        loop {
            let order = match (wanted.peek(), held.peek()) {
                (None, None) => return (added, gone),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(wanted), Some(held)) => compare(wanted, held),
            };
            if order != Ordering::Greater {
                let row = wanted.next().filter(|_| order == Ordering::Less);
                added.push(row.into_iter().flatten().cloned());
            }
            if order != Ordering::Less {
                let row = held.next().filter(|_| order == Ordering::Greater);
                gone.push(row.into_iter().flatten().cloned());
            }
        }
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
        // Zero has two signs, of which SQLite keeps one.
        (Cell::Real(a), Cell::Real(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Bytes(a), Cell::Bytes(b)) => a.cmp(b),
        // A column has one kind of cell.
        _ => Ordering::Equal,
    };
    a.iter().zip(b).map(cell).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

/// Takes rows out of several tables, then inserts others. What is inserted may have the key of what is taken out.
pub(crate) fn write(connection: &mut Connection, gone: &[Rows], added: &[Rows]) -> Result<(), Error> {
    let (mut gone, mut added) =
        (gone.iter().filter(|rows| !rows.is_empty()), added.iter().filter(|rows| !rows.is_empty()));
    let outcome = match &mut connection.link {
        Link::Sqlite(c) => gone
            .try_for_each(|rows| remove(c, rows))
            .and_then(|()| added.try_for_each(|rows| chunks(c, rows))),
        Link::Postgres(c) => {
            let gone = Arrays(gone.map(|rows| (Change::Remove, rows.table, columns(rows))).collect());
            let added = Arrays(added.map(|rows| (Change::Add, rows.table, columns(rows))).collect());
            // The parts of one statement do not see each other: a key taken out there could not come back.
            let mut filled = [gone, added].into_iter().filter(|arrays| !arrays.0.is_empty());
            filled.try_for_each(|arrays| arrays.execute(&mut **c).map(drop))
        }
    };
    outcome.map_err(|error| connection.failed(error))
}

fn remove(connection: &mut SqliteConnection, rows: &Rows) -> QueryResult<()> {
    rows.ordered()
        .into_iter()
        .try_for_each(|row| Removal { table: rows.table, row }.execute(connection).map(drop))
}

/// What happens to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
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
                bind(cell, &mut out)?;
            }
            out.push_sql(")");
        }
        out.push_sql(meeting(self.table));
        Ok(())
    }
}

fn bind<'b>(cell: &'b Cell, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
    match cell {
        Cell::Integer(value) => out.push_bind_param::<BigInt, _>(value),
        Cell::Real(value) => out.push_bind_param::<Double, _>(value),
        Cell::Text(value) => out.push_bind_param::<Text, _>(value),
        Cell::Bytes(value) => out.push_bind_param::<Binary, _>(value),
    }
}

/// The deletion of one row from SQLite, by all of its columns.
struct Removal<'r> {
    table: &'static Table,
    row: &'r [Cell],
}

impl QueryId for Removal<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Removal<'_> {}

impl QueryFragment<Sqlite> for Removal<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        out.push_sql(self.table.name);
        for (n, ((column, _), cell)) in self.table.columns.iter().zip(self.row).enumerate() {
            out.push_sql(if n == 0 { " WHERE " } else { " AND " });
            out.push_sql(column);
            out.push_sql(" = ");
            bind(cell, &mut out)?;
        }
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
struct Arrays<'r>(Vec<(Change, &'static Table, Vec<Column<'r>>)>);

impl QueryId for Arrays<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Arrays<'_> {}

impl QueryFragment<Pg> for Arrays<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (last, first) = self.0.split_last().ok_or(DieselError::NotFound)?;
        for (n, one) in first.iter().enumerate() {
            out.push_sql(if n == 0 { "WITH " } else { ", " });
            out.push_sql(one.1.name);
            out.push_sql(match one.0 {
                Change::Add => "_rows AS (",
                Change::Remove => "_gone AS (",
            });
            change(one, &mut out)?;
            out.push_sql(")");
        }
        if !first.is_empty() {
            out.push_sql(" ");
        }
        change(last, &mut out)
    }
}

fn change<'b>(
    (change, table, columns): &'b (Change, &'static Table, Vec<Column<'_>>),
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    match change {
        Change::Add => {
            out.push_sql("INSERT INTO ");
            into(table, out);
            out.push_sql(" SELECT * FROM ");
            unnest(columns, out)?;
            out.push_sql(meeting(table));
            Ok(())
        }
        Change::Remove => {
            out.push_sql("DELETE FROM ");
            out.push_sql(table.name);
            out.push_sql(" i USING ");
            unnest(columns, out)?;
            for (n, (column, _)) in table.columns.iter().enumerate() {
                out.push_sql(if n == 0 { " AS n (" } else { ", " });
                out.push_sql(column);
            }
            for (n, (column, _)) in table.columns.iter().enumerate() {
                out.push_sql(if n == 0 { ") WHERE i." } else { " AND i." });
                out.push_sql(column);
                out.push_sql(" = n.");
                out.push_sql(column);
            }
            Ok(())
        }
    }
}

fn unnest<'b>(columns: &'b [Column<'_>], out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    for (n, column) in columns.iter().enumerate() {
        out.push_sql(if n == 0 { "unnest(" } else { ", " });
        match column {
            Column::Integers(values) => out.push_bind_param::<Array<BigInt>, _>(values),
            Column::Reals(values) => out.push_bind_param::<Array<Double>, _>(values),
            Column::Texts(values) => out.push_bind_param::<Array<Text>, _>(values),
            Column::Bytes(values) => out.push_bind_param::<Array<Binary>, _>(values),
        }?;
    }
    out.push_sql(")");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::NUMBER;

    fn numbers(rows: &[(i64, f64, i64)]) -> Rows {
        let mut all = Rows::of(&NUMBER);
        rows.iter().for_each(|(p, x, rid)| {
            all.push([Cell::Integer(*p), Cell::Real(*x), Cell::Real(*x), Cell::Integer(*rid)]);
        });
        all
    }

    #[test]
    fn only_what_differs_is_written() {
        let wanted = numbers(&[(3, 1.0, 1), (1, 0.0, 1), (2, 5.0, 1), (2, 5.0, 1)]);
        let held = numbers(&[(1, -0.0, 1), (2, 4.0, 1), (9, 1.0, 1)]);
        let (added, gone) = wanted.difference(&held);
        assert_eq!(added.ordered(), numbers(&[(2, 5.0, 1), (3, 1.0, 1)]).ordered());
        assert_eq!(gone.ordered(), numbers(&[(2, 4.0, 1), (9, 1.0, 1)]).ordered());
        let (added, gone) = numbers(&[(1, 2.0, 1)]).difference(&numbers(&[(1, 2.0, 1)]));
        assert!(added.is_empty() && gone.is_empty());
    }
}
