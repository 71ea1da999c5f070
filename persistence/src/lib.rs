//! The diesel store of Binnacle: the traits of `domain::store` on SQLite and PostgreSQL.
//!
//! Outside, this crate is [`SqlStore`] and nothing else. No function here returns a row without an
//! [`Access`](domain::access::Access): what a caller may not see is a criterion of the SQL.

mod access;
mod connection;
mod dialect;
mod error;
mod executor;
mod import;
mod index;
mod integrity;
mod names;
mod oauth;
mod resources;
mod schema_version;
mod search;
mod statement;
mod transaction;

use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel::{PgConnection, SqliteConnection};
use domain::Error;
use domain::store::{Executor, ReadJob, WriteJob};
use std::sync::Arc;
use std::time::Duration;

use connection::Connection;
use dialect::Dialect;
use names::Names;
use search::counts::Counts;

/// Where and how to store.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// `sqlite://relative/or/absolute/path` or `postgres://…`.
    pub url: String,
    /// Threads that read.
    pub readers: usize,
    /// Jobs that may wait in each queue.
    pub queue: usize,
    /// Rows from which on a search condition finds many: below, its rows are gathered and the other conditions probed;
    /// above, the table or an index is read in the order of the answer until the page is full.
    pub many: i64,
}

impl StoreSettings {
    /// The defaults for a database.
    pub fn new(url: impl Into<String>) -> StoreSettings {
        StoreSettings { url: url.into(), readers: 4, queue: 1024, many: 1000 }
    }
}

/// An open store: its threads run until it is dropped.
pub struct SqlStore {
    executor: executor::Threads,
}

impl SqlStore {
    /// Opens the database, brings its schema up to date under a lock, and starts the store's threads.
    ///
    /// Errors: the database cannot be reached or made; its schema is newer than this binary.
    pub fn open(settings: &StoreSettings) -> Result<SqlStore, Error> {
        let pool = Connections::open(settings)?;
        let mut connection = pool.get()?;
        schema_version::migrate(&mut connection)?;
        let names = Arc::new(Names::intern(&mut connection, Counts::new(settings.many))?);
        drop(connection);
        Ok(SqlStore { executor: executor::Threads::start(&pool, &names, settings)? })
    }
}

impl Executor for SqlStore {
    fn read(&self, job: ReadJob) -> Result<(), Error> {
        self.executor.read(job)
    }

    fn write(&self, job: Box<dyn WriteJob>) -> Result<(), Error> {
        self.executor.write(job)
    }
}

/// The pool of connections.
#[derive(Clone)]
enum Connections {
    Sqlite(Pool<ConnectionManager<SqliteConnection>>),
    Postgres(Pool<ConnectionManager<PgConnection>>),
}

impl Connections {
    fn open(settings: &StoreSettings) -> Result<Connections, Error> {
        let size = u32::try_from(settings.readers + 2).unwrap_or(16);
        let failed = |_| error::busy("The database cannot be opened. Check BINNACLE_DATABASE_URL.");
        if let Some(path) = settings.url.strip_prefix("sqlite://") {
            let manager = ConnectionManager::<SqliteConnection>::new(path);
            let pool = Pool::builder()
                .max_size(size)
                .min_idle(Some(0))
                .connection_customizer(Box::new(SqliteSettings));
            return pool
                .connection_timeout(Duration::from_secs(10))
                .build(manager)
                .map(Connections::Sqlite)
                .map_err(failed);
        }
        let manager = ConnectionManager::<PgConnection>::new(&settings.url);
        let pool =
            Pool::builder().max_size(size).min_idle(Some(0)).connection_timeout(Duration::from_secs(10));
        pool.build(manager).map(Connections::Postgres).map_err(failed)
    }

    fn get(&self) -> Result<Connection, Error> {
        let failed = |_| error::busy("The database does not answer.");
        match self {
            Connections::Sqlite(pool) => pool.get().map(Connection::Sqlite).map_err(failed),
            Connections::Postgres(pool) => pool.get().map(Connection::Postgres).map_err(failed),
        }
    }
}

#[derive(Debug)]
struct SqliteSettings;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for SqliteSettings {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        use diesel::connection::SimpleConnection;
        connection.batch_execute(Dialect::SQLITE_SETTINGS).map_err(diesel::r2d2::Error::QueryError)
    }
}
