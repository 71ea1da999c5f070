//! One connection to either database. What differs between them in use stands here and in `dialect.rs`.

use crate::dialect::Dialect;
use crate::error::{is_lost, store_error};
use crate::statement::Statement;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, PooledConnection};
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::{PgConnection, RunQueryDsl, SqliteConnection};
use domain::Error;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// A connection out of a pool, and what this process knows of its state.
pub(crate) struct Connection {
    /// The connection itself.
    pub(crate) link: Link,
    /// Whether a transaction has begun on it.
    pub(crate) begun: bool,
    /// Whether the database has gone away from it.
    pub(crate) lost: bool,
    /// Row numbers for the writers of this process.
    pub(crate) reserved: Arc<Reserved>,
    /// The shard of `type_count` that is this connection's alone, once it was asked for.
    shard: Option<i64>,
    /// Sets of words that the transaction has written, and that are kept once it is committed.
    sets: Vec<i64>,
}

/// Row numbers that PostgreSQL's sequence gave this process and no row has yet: shared, so that rows are numbered in the
/// order in which they are written. A row that is rolled back leaves a gap, as sequences do.
pub(crate) type Reserved = Mutex<VecDeque<i64>>;

/// A connection to one database.
pub(crate) enum Link {
    /// SQLite.
    Sqlite(PooledConnection<ConnectionManager<SqliteConnection>>),
    /// PostgreSQL.
    Postgres(PooledConnection<ConnectionManager<PgConnection>>),
}

/// rid, type_id, fhir_id, version, updated_us, method, body.
pub(crate) type VersionRow = (i64, i64, String, i64, i64, i64, Vec<u8>);

/// Five texts and five numbers.
pub(crate) type DescribedRow = ((String, String, String, String, String), (i64, i64, i64, i64, i64));

macro_rules! on {
    ($connection:expr, $c:ident => $run:expr) => {
        match &mut $connection.link {
            Link::Sqlite($c) => $run,
            Link::Postgres($c) => $run,
        }
    };
}

impl Connection {
    /// Which database it is.
    pub(crate) const fn dialect(&self) -> Dialect {
        match self.link {
            Link::Sqlite(_) => Dialect::Sqlite,
            Link::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A connection without a transaction.
    pub(crate) const fn new(link: Link, reserved: Arc<Reserved>) -> Connection {
        Connection { link, begun: false, lost: false, reserved, shard: None, sets: Vec::new() }
    }

    /// The shard of `type_count` to add to. SQLite has one writer at a time and needs one; on PostgreSQL a lock that lasts
    /// as long as the connection keeps a shard for it, so that writers of any process never wait for each other.
    pub(crate) fn shard(&mut self) -> Result<i64, Error> {
        if let Some(shard) = self.shard {
            return Ok(shard);
        }
        let shard = match self.dialect() {
            Dialect::Sqlite => 0,
            // With all taken writers share one, and wait.
            Dialect::Postgres => self.integers(&Statement::new(Dialect::TAKE_SHARD))?.pop().unwrap_or(0),
        };
        self.shard = Some(shard);
        Ok(shard)
    }

    /// Begins a transaction with one of [`Dialect`]'s commands.
    pub(crate) fn begin(&mut self, sql: &'static str) -> Result<(), Error> {
        self.sets.clear();
        self.command(sql)?;
        self.begun = true;
        Ok(())
    }

    /// Commits the transaction, if one has begun.
    pub(crate) fn commit(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.begun) { self.command("COMMIT") } else { Ok(()) }
    }

    /// Undoes the transaction, if one has begun.
    pub(crate) fn rollback(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.begun) { self.command("ROLLBACK") } else { Ok(()) }
    }

    /// Remembers sets of words that the transaction writes.
    pub(crate) fn wrote(&mut self, sets: Vec<i64>) {
        self.sets.extend(sets);
    }

    /// The sets of words that the transaction just committed has written. What was undone, even in part, is none of them.
    pub(crate) fn kept(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.sets)
    }

    /// What a failure means to the caller; remembers when the connection is of no more use.
    pub(crate) fn failed(&mut self, error: DieselError) -> Error {
        self.lost |= is_lost(&error);
        store_error(error)
    }

    /// Runs a statement without rows; answers how many it changed.
    pub(crate) fn execute(&mut self, statement: &Statement) -> Result<usize, Error> {
        let outcome = on!(self, c => statement.rows::<()>().execute(&mut **c));
        outcome.map_err(|error| self.failed(error))
    }

    /// Runs fixed text without binds (`BEGIN`, `COMMIT`).
    pub(crate) fn command(&mut self, sql: &'static str) -> Result<(), Error> {
        if sql.starts_with("ROLLBACK") {
            self.sets.clear();
        }
        let outcome = on!(self, c => c.batch_execute(sql));
        outcome.map_err(|error| self.failed(error))
    }

    /// Rows of versions.
    pub(crate) fn versions(&mut self, statement: &Statement) -> Result<Vec<VersionRow>, Error> {
        type Columns = (BigInt, BigInt, Text, BigInt, BigInt, BigInt, Binary);
        let outcome = on!(self, c => statement.rows::<Columns>().load(&mut **c));
        outcome.map_err(|error| self.failed(error))
    }

    /// Rows of one number.
    pub(crate) fn integers(&mut self, statement: &Statement) -> Result<Vec<i64>, Error> {
        let outcome = on!(self, c => statement.rows::<BigInt>().load(&mut **c));
        outcome.map_err(|error| self.failed(error))
    }

    /// The number of the only row; `None` where it is NULL.
    pub(crate) fn optional_integer(&mut self, statement: &Statement) -> Result<Option<i64>, Error> {
        let outcome = on!(self, c => statement.rows::<Nullable<BigInt>>().get_result(&mut **c));
        outcome.map_err(|error| self.failed(error))
    }

    /// Rows of two numbers.
    pub(crate) fn pairs(&mut self, statement: &Statement) -> Result<Vec<(i64, i64)>, Error> {
        let outcome = on!(self, c => statement.rows::<(BigInt, BigInt)>().load(&mut **c));
        outcome.map_err(|error| self.failed(error))
    }

    /// Rows of three numbers.
    pub(crate) fn triples(&mut self, statement: &Statement) -> Result<Vec<(i64, i64, i64)>, Error> {
        let outcome = on!(self, c => statement.rows::<(BigInt, BigInt, BigInt)>().load(&mut **c));
        outcome.map_err(|error| self.failed(error))
    }

    /// Rows of two texts and a number.
    pub(crate) fn records(&mut self, statement: &Statement) -> Result<Vec<(String, String, i64)>, Error> {
        let outcome = on!(self, c => statement.rows::<(Text, Text, BigInt)>().load(&mut **c));
        outcome.map_err(|error| self.failed(error))
    }

    /// Rows of texts and numbers as jobs and custom parameters have them.
    pub(crate) fn described(&mut self, statement: &Statement) -> Result<Vec<DescribedRow>, Error> {
        type Columns = ((Text, Text, Text, Text, Text), (BigInt, BigInt, BigInt, BigInt, BigInt));
        let outcome = on!(self, c => statement.rows::<Columns>().load(&mut **c));
        outcome.map_err(|error| self.failed(error))
    }

    /// Rows of a number and a name.
    pub(crate) fn names(&mut self, statement: &Statement) -> Result<Vec<(i64, String)>, Error> {
        let outcome = on!(self, c => statement.rows::<(BigInt, Text)>().load(&mut **c));
        outcome.map_err(|error| self.failed(error))
    }
}
