//! Rows of a page with what they are sorted by, in one answer: where the page begins and ends is then what it shows, in
//! whatever state of the store it was read.

use crate::connection::{Connection, Link, VersionRow};
use crate::statement::Statement;
use diesel::RunQueryDsl;
use diesel::deserialize::{FromSql, QueryableByName, Result};
use diesel::pg::Pg;
use diesel::row::{Field, NamedRow, Row};
use diesel::sql_types::{BigInt, Binary, Double, Text, Untyped};
use diesel::sqlite::{Sqlite, SqliteType};
use domain::Error;
use domain::search::query::SortValue;

/// A row of a page.
pub(crate) struct Found {
    /// The resource.
    pub(crate) version: VersionRow,
    /// The values of the sort keys that were selected.
    pub(crate) keys: Vec<Option<SortValue>>,
}

/// PostgreSQL's numbers of the types that sort keys have.
const FLOAT8: u32 = 701;
const TEXT: u32 = 25;

/// Columns of a resource before those of the keys.
const VERSION: usize = 7;

impl Connection {
    /// Rows of versions and, if `keyed`, the sort keys that are selected after their columns.
    pub(crate) fn sorted_versions(
        &mut self,
        statement: &Statement,
        keyed: bool,
    ) -> std::result::Result<Vec<Found>, Error> {
        if !keyed {
            let rows = self.versions(statement)?;
            return Ok(rows.into_iter().map(|version| Found { version, keys: Vec::new() }).collect());
        }
        let outcome = match &mut self.link {
            Link::Sqlite(c) => statement.rows::<Untyped>().load(&mut **c),
            Link::Postgres(c) => statement.rows::<Untyped>().load(&mut **c),
        };
        outcome.map_err(|error| self.failed(error))
    }
}

/// The value of a column, which is of the SQL type `ST`.
macro_rules! column {
    ($row:expr, $n:expr, $ST:ty, $DB:ty) => {
        FromSql::<$ST, $DB>::from_nullable_sql(Row::get($row, $n).ok_or("a column is missing")?.value())?
    };
}

macro_rules! version {
    ($row:expr, $DB:ty) => {
        (
            column!($row, 0, BigInt, $DB),
            column!($row, 1, BigInt, $DB),
            column!($row, 2, Text, $DB),
            column!($row, 3, BigInt, $DB),
            column!($row, 4, BigInt, $DB),
            column!($row, 5, BigInt, $DB),
            column!($row, 6, Binary, $DB),
        )
    };
}

impl QueryableByName<Sqlite> for Found {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> Result<Self> {
        let mut keys = Vec::with_capacity(row.field_count().saturating_sub(VERSION));
        for n in VERSION..row.field_count() {
            let field = Row::get(row, n).ok_or("a column is missing")?;
            let value = field.value();
            keys.push(match value.as_ref().and_then(|value| value.value_type()) {
                None => None,
                Some(SqliteType::Text) => {
                    Some(SortValue::Text(FromSql::<Text, Sqlite>::from_nullable_sql(value)?))
                }
                Some(SqliteType::Double | SqliteType::Float) => {
                    Some(SortValue::Real(FromSql::<Double, Sqlite>::from_nullable_sql(value)?))
                }
                Some(_) => Some(SortValue::Integer(FromSql::<BigInt, Sqlite>::from_nullable_sql(value)?)),
            });
        }
        Ok(Found { version: version!(row, Sqlite), keys })
    }
}

impl QueryableByName<Pg> for Found {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        let mut keys = Vec::with_capacity(row.field_count().saturating_sub(VERSION));
        for n in VERSION..row.field_count() {
            let field = Row::get(row, n).ok_or("a column is missing")?;
            let value = field.value();
            keys.push(match value.as_ref().map(|value| value.get_oid().get()) {
                None => None,
                Some(TEXT) => Some(SortValue::Text(FromSql::<Text, Pg>::from_nullable_sql(value)?)),
                Some(FLOAT8) => Some(SortValue::Real(FromSql::<Double, Pg>::from_nullable_sql(value)?)),
                Some(_) => Some(SortValue::Integer(FromSql::<BigInt, Pg>::from_nullable_sql(value)?)),
            });
        }
        Ok(Found { version: version!(row, Pg), keys })
    }
}
