//! One connection to either database. What differs between them in use stands here and in `dialect.rs`.

use crate::dialect::Dialect;
use crate::error::store_error;
use crate::statement::Statement;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, PooledConnection};
use diesel::sql_types::{BigInt, Binary, Double, Nullable, Text};
use diesel::{PgConnection, RunQueryDsl, SqliteConnection};
use domain::Error;

/// A connection out of a pool.
pub(crate) enum Connection {
    /// SQLite.
    Sqlite(PooledConnection<ConnectionManager<SqliteConnection>>),
    /// PostgreSQL.
    Postgres(PooledConnection<ConnectionManager<PgConnection>>),
}

/// rid, type_id, fhir_id, version, updated_us, method, body.
pub(crate) type VersionRow = (i64, i64, String, i64, i64, i64, Vec<u8>);

macro_rules! on {
    ($connection:expr, $c:ident => $run:expr) => {
        match $connection {
            Connection::Sqlite($c) => $run,
            Connection::Postgres($c) => $run,
        }
    };
}

impl Connection {
    /// Which database it is.
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Connection::Sqlite(_) => Dialect::Sqlite,
            Connection::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement without rows; answers how many it changed.
    pub(crate) fn execute(&mut self, statement: &Statement) -> Result<usize, Error> {
        on!(self, c => statement.rows::<()>().execute(&mut **c)).map_err(store_error)
    }

    /// Runs fixed text without binds (`BEGIN`, `COMMIT`).
    pub(crate) fn command(&mut self, sql: &'static str) -> Result<(), Error> {
        on!(self, c => c.batch_execute(sql)).map_err(store_error)
    }

    /// Rows of versions.
    pub(crate) fn versions(&mut self, statement: &Statement) -> Result<Vec<VersionRow>, Error> {
        type Columns = (BigInt, BigInt, Text, BigInt, BigInt, BigInt, Binary);
        on!(self, c => statement.rows::<Columns>().load(&mut **c)).map_err(store_error)
    }

    /// Rows of one number.
    pub(crate) fn integers(&mut self, statement: &Statement) -> Result<Vec<i64>, Error> {
        on!(self, c => statement.rows::<BigInt>().load(&mut **c)).map_err(store_error)
    }

    /// The number of the only row; `None` where it is NULL.
    pub(crate) fn optional_integer(&mut self, statement: &Statement) -> Result<Option<i64>, Error> {
        on!(self, c => statement.rows::<Nullable<BigInt>>().get_result(&mut **c)).map_err(store_error)
    }

    /// The real number of the only row; `None` where it is NULL.
    pub(crate) fn optional_real(&mut self, statement: &Statement) -> Result<Option<f64>, Error> {
        on!(self, c => statement.rows::<Nullable<Double>>().get_result(&mut **c)).map_err(store_error)
    }

    /// The text of the only row; `None` where it is NULL.
    pub(crate) fn optional_text(&mut self, statement: &Statement) -> Result<Option<String>, Error> {
        on!(self, c => statement.rows::<Nullable<Text>>().get_result(&mut **c)).map_err(store_error)
    }

    /// Rows of two texts and a number.
    pub(crate) fn records(&mut self, statement: &Statement) -> Result<Vec<(String, String, i64)>, Error> {
        on!(self, c => statement.rows::<(Text, Text, BigInt)>().load(&mut **c)).map_err(store_error)
    }

    /// Rows of a number and a name.
    pub(crate) fn names(&mut self, statement: &Statement) -> Result<Vec<(i64, String)>, Error> {
        on!(self, c => statement.rows::<(BigInt, Text)>().load(&mut **c)).map_err(store_error)
    }
}
