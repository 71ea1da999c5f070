//! The diesel store of Binnacle: the traits of `domain::store` on SQLite and PostgreSQL.
//!
//! Outside, this crate is [`SqlStore`] and nothing else. No function here returns a row without an
//! [`Access`](domain::access::Access): what a caller may not see is a criterion of the SQL.

mod access;
mod connection;
mod dialect;
mod error;
mod executor;
mod found;
mod import;
mod index;
mod integrity;
mod jobs;
mod names;
mod oauth;
mod resources;
mod rows;
mod schema;
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

use connection::{Connection, Link, Reserved};
use dialect::Dialect;
use names::Names;
use search::counts::Counts;
pub use search::totals::Estimates;

/// Where and how to store.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// `sqlite://relative/or/absolute/path` or `postgres://…`.
    pub url: String,
    /// Threads that read.
    pub readers: usize,
    /// Jobs that may wait in each queue.
    pub queue: usize,
    /// When SQLite's commits are on disk; PostgreSQL has settings of its own (`synchronous_commit`).
    pub synchronous: Synchronous,
    /// Rows from which on a search condition finds many: below, its rows are gathered and the other conditions probed;
    /// above, the table or an index is read in the order of the answer until the page is full.
    pub many: i64,
    /// Whether bodies are written compressed. Both kinds are read, whatever is written.
    pub compressed: bool,
    /// How totals are estimated.
    pub estimates: Estimates,
}

/// How SQLite commits (`PRAGMA synchronous`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Every commit is on disk before it is answered.
    #[default]
    Full,
    /// The last commits may be lost when the power fails; the store stays whole.
    Normal,
}

impl StoreSettings {
    /// The defaults for a database.
    pub fn new(url: impl Into<String>) -> StoreSettings {
        StoreSettings {
            url: url.into(),
            readers: 4,
            queue: 1024,
            synchronous: Synchronous::Full,
            many: 1000,
            compressed: false,
            estimates: Estimates::DEFAULT,
        }
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
        let mut names = Names::intern(&mut connection, Counts::new(settings.many, settings.estimates))?;
        names.compressed = settings.compressed;
        let names = Arc::new(names);
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
struct Connections {
    pool: Links,
    reserved: Arc<Reserved>,
}

#[derive(Clone)]
enum Links {
    Sqlite(Pool<ConnectionManager<SqliteConnection>>),
    Postgres(Pool<ConnectionManager<PgConnection>>),
}

/// How long a start waits for the database.
const START: Duration = Duration::from_secs(10);

/// Twice the longest pause between two attempts to reach a PostgreSQL that went away: r2d2 doubles its pauses up to half of
/// its timeout.
const RECONNECT: Duration = Duration::from_secs(1);

/// How long a running server waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

impl Connections {
    fn open(settings: &StoreSettings) -> Result<Connections, Error> {
        let size = u32::try_from(settings.readers + executor::POSTGRES_WRITERS + 1).unwrap_or(16);
        let pool = match settings.url.strip_prefix("sqlite://") {
            Some(path) => Pool::builder()
                .max_size(size)
                .min_idle(Some(0))
                .connection_timeout(START)
                .connection_customizer(Box::new(SqliteSettings(settings.synchronous)))
                .build(ConnectionManager::new(path))
                .map(Links::Sqlite),
            None => Pool::builder()
                .max_size(size)
                .min_idle(Some(0))
                .connection_timeout(RECONNECT)
                .connection_customizer(Box::new(PostgresSettings))
                .build(ConnectionManager::new(&settings.url))
                .map(Links::Postgres),
        };
        let pool =
            pool.map_err(|_| error::busy("The database cannot be opened. Check BINNACLE_DATABASE_URL."))?;
        Ok(Connections { pool, reserved: Arc::default() })
    }

    /// Which database it is.
    const fn dialect(&self) -> Dialect {
        match self.pool {
            Links::Sqlite(_) => Dialect::Sqlite,
            Links::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A connection for a start.
    fn get(&self) -> Result<Connection, Error> {
        self.get_within(START)
    }

    /// A connection, if there is one within `patience`.
    fn get_within(&self, patience: Duration) -> Result<Connection, Error> {
        let link = match &self.pool {
            Links::Sqlite(pool) => pool.get_timeout(patience).map(Link::Sqlite),
            Links::Postgres(pool) => pool.get_timeout(patience).map(Link::Postgres),
        };
        let link = link.map_err(|_| error::busy("The database does not answer."))?;
        Ok(Connection::new(link, Arc::clone(&self.reserved)))
    }
}

/// Settings of every PostgreSQL connection.
#[derive(Debug)]
struct PostgresSettings;

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for PostgresSettings {
    fn on_acquire(&self, connection: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        use diesel::connection::SimpleConnection;
        connection.batch_execute(Dialect::POSTGRES_SETTINGS).map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Settings of every SQLite connection.
#[derive(Debug)]
struct SqliteSettings(Synchronous);

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for SqliteSettings {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        use diesel::connection::SimpleConnection;
        connection
            .batch_execute(Dialect::SQLITE_SETTINGS)
            .and_then(|()| connection.batch_execute(Dialect::sqlite_synchronous(self.0)))
            .map_err(diesel::r2d2::Error::QueryError)
    }
}
