//! SQL of our own: static text and typed binds, for both databases. No text but `&'static str` ever becomes SQL, and
//! diesel writes the placeholders.

use crate::dialect::Dialect;
use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{Error as DieselError, QueryResult};
use diesel::sql_types::{Array, BigInt, Binary, Double, Text};
use diesel::sqlite::Sqlite;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;

/// A value bound to a placeholder.
#[derive(Debug, Clone)]
enum Bind {
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// An array; PostgreSQL only.
    Integers(Vec<i64>),
    /// An array; PostgreSQL only.
    Blobs(Vec<Vec<u8>>),
}

#[derive(Debug, Clone)]
enum Part {
    Sql(&'static str),
    Bind(Bind),
}

/// Lengths of `IN` lists; longer ones are as long as they are.
const LIST_LENGTHS: [usize; 6] = [1, 4, 16, 64, 256, 1024];

/// A statement in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statement {
    parts: Vec<Part>,
    /// Whether to prepare it each time and keep no prepared statement.
    rare: bool,
}

impl Statement {
    /// A statement that starts with `sql`.
    pub(crate) fn new(sql: &'static str) -> Statement {
        Statement { parts: vec![Part::Sql(sql)], rare: false }
    }

    /// Tells that hardly another statement has this text: connections do not keep it prepared.
    pub(crate) fn rare(&mut self) -> &mut Statement {
        self.rare = true;
        self
    }

    /// Adds text.
    pub(crate) fn sql(&mut self, sql: &'static str) -> &mut Statement {
        self.parts.push(Part::Sql(sql));
        self
    }

    /// Adds a number.
    pub(crate) fn integer(&mut self, value: i64) -> &mut Statement {
        self.parts.push(Part::Bind(Bind::Integer(value)));
        self
    }

    /// Adds a real number.
    pub(crate) fn real(&mut self, value: f64) -> &mut Statement {
        self.parts.push(Part::Bind(Bind::Real(value)));
        self
    }

    /// Adds another statement's text and binds.
    pub(crate) fn append(&mut self, other: Statement) -> &mut Statement {
        self.rare |= other.rare;
        self.parts.extend(other.parts);
        self
    }

    /// Adds `(a, b, …)` for `IN`, in one of few lengths: the last value is repeated, which changes nothing there and
    /// keeps the prepared statements few.
    pub(crate) fn list(&mut self, values: &[i64]) -> &mut Statement {
        let length = LIST_LENGTHS.iter().copied().find(|length| *length >= values.len());
        let mut padded = values.to_vec();
        if let (Some(length), Some(last)) = (length, values.last()) {
            padded.resize(length, *last);
        }
        self.integers(&padded)
    }

    /// Adds text as a value.
    pub(crate) fn text(&mut self, value: &str) -> &mut Statement {
        self.parts.push(Part::Bind(Bind::Text(value.to_owned())));
        self
    }

    /// Adds bytes.
    pub(crate) fn bytes(&mut self, value: Vec<u8>) -> &mut Statement {
        self.parts.push(Part::Bind(Bind::Bytes(value)));
        self
    }

    /// Adds ` = ANY (array)` or, where there are no arrays, ` IN (a, b, …)`.
    pub(crate) fn any(&mut self, dialect: Dialect, values: &[i64]) -> &mut Statement {
        match dialect {
            Dialect::Sqlite => self.sql(" IN ").list(values),
            Dialect::Postgres => self.sql(" = ANY (").array(values).sql(")"),
        }
    }

    /// Adds an array. PostgreSQL only.
    pub(crate) fn array(&mut self, values: &[i64]) -> &mut Statement {
        self.parts.push(Part::Bind(Bind::Integers(values.to_vec())));
        self
    }

    /// Adds an array of bytes. PostgreSQL only.
    pub(crate) fn blobs(&mut self, values: Vec<Vec<u8>>) -> &mut Statement {
        self.parts.push(Part::Bind(Bind::Blobs(values)));
        self
    }

    /// Adds `(a, b, …)`.
    pub(crate) fn integers(&mut self, values: &[i64]) -> &mut Statement {
        self.sql("(");
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                self.sql(", ");
            }
            self.integer(*value);
        }
        self.sql(")")
    }

    /// A number that differs for statements that differ in text or binds.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for part in &self.parts {
            match part {
                Part::Sql(text) => text.hash(&mut hasher),
                Part::Bind(Bind::Integer(value)) => value.hash(&mut hasher),
                Part::Bind(Bind::Real(value)) => value.to_bits().hash(&mut hasher),
                Part::Bind(Bind::Text(value)) => value.hash(&mut hasher),
                Part::Bind(Bind::Bytes(value)) => value.hash(&mut hasher),
                Part::Bind(Bind::Integers(values)) => values.hash(&mut hasher),
                Part::Bind(Bind::Blobs(values)) => values.hash(&mut hasher),
            }
        }
        hasher.finish()
    }

    /// The statement as a query whose rows are of SQL type `ST`.
    pub(crate) fn rows<ST>(&self) -> Rows<'_, ST> {
        Rows { statement: self, columns: PhantomData }
    }
}

/// A [`Statement`] that gives rows of SQL type `ST`.
#[derive(Debug)]
pub(crate) struct Rows<'s, ST> {
    statement: &'s Statement,
    columns: PhantomData<ST>,
}

impl<ST> Query for Rows<'_, ST> {
    type SqlType = ST;
}

impl<ST> QueryId for Rows<'_, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn, ST> diesel::RunQueryDsl<Conn> for Rows<'_, ST> {}

impl<ST> QueryFragment<Sqlite> for Rows<'_, ST> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        walk(self.statement, out, |bind, out| match bind {
            Bind::Integer(value) => out.push_bind_param::<BigInt, _>(value),
            Bind::Real(value) => out.push_bind_param::<Double, _>(value),
            Bind::Text(value) => out.push_bind_param::<Text, _>(value),
            Bind::Bytes(value) => out.push_bind_param::<Binary, _>(value),
            Bind::Integers(_) | Bind::Blobs(_) => {
                Err(DieselError::QueryBuilderError("SQLite has no arrays".into()))
            }
        })
    }
}

impl<ST> QueryFragment<Pg> for Rows<'_, ST> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        walk(self.statement, out, |bind, out| match bind {
            Bind::Integer(value) => out.push_bind_param::<BigInt, _>(value),
            Bind::Real(value) => out.push_bind_param::<Double, _>(value),
            Bind::Text(value) => out.push_bind_param::<Text, _>(value),
            Bind::Bytes(value) => out.push_bind_param::<Binary, _>(value),
            Bind::Integers(values) => out.push_bind_param::<Array<BigInt>, _>(values),
            Bind::Blobs(values) => out.push_bind_param::<Array<Binary>, _>(values),
        })
    }
}

fn walk<'b, DB: Backend>(
    statement: &'b Statement,
    mut out: AstPass<'_, 'b, DB>,
    push: impl Fn(&'b Bind, &mut AstPass<'_, 'b, DB>) -> QueryResult<()>,
) -> QueryResult<()> {
    if statement.rare {
        out.unsafe_to_cache_prepared();
    }
    for part in &statement.parts {
        match part {
            Part::Sql(text) => out.push_sql(text),
            Part::Bind(bind) => push(bind, &mut out)?,
        }
    }
    Ok(())
}
