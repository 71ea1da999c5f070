//! A fresh database for one server: a SQLite file, or a database of its own in the cluster `make test` starts.

use crate::server::unique;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use std::path::Path;

/// Which database a server runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    /// A file in the server's temporary folder.
    Sqlite,
    /// A database of its own in the cluster that `BINNACLE_TEST_POSTGRES` names.
    Postgres,
}

impl Database {
    /// Makes a fresh, empty database and answers its URL (`BINNACLE_DATABASE_URL`).
    pub(crate) fn create(self, folder: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}", folder.join("binnacle.db").display()),
            Self::Postgres => {
                let cluster = cluster();
                let name = unique("binnacle").replace('-', "_");
                let mut connection = PgConnection::establish(&cluster).expect("the test cluster answers");
                connection.batch_execute(&format!("CREATE DATABASE {name}")).expect("a database of our own");
                let (server, _) = cluster.rsplit_once('/').expect("the cluster's URL ends in /database");
                format!("{server}/{name}")
            }
        }
    }
}

/// The URL of the test cluster. Its absence is a failure: a test of PostgreSQL that did not run is not a pass.
pub(crate) fn cluster() -> String {
    std::env::var("BINNACLE_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "BINNACLE_TEST_POSTGRES is not set: run the tests with `make test`, which starts a throw-away PostgreSQL, \
             or with `tests/bin/postgres run cargo test -p tests`"
        )
    })
}

/// Runs SQL on the database at `url`, behind the server's back.
pub(crate) fn execute(url: &str, sql: &str) {
    match url.strip_prefix("sqlite://") {
        Some(path) => {
            let mut connection = SqliteConnection::establish(path).expect("the database file opens");
            connection.batch_execute("PRAGMA busy_timeout = 10000").expect("a pragma");
            connection.batch_execute(sql).expect("the statement runs");
        }
        None => {
            let mut connection = PgConnection::establish(url).expect("the database answers");
            connection.batch_execute(sql).expect("the statement runs");
        }
    }
}

/// Keeps everybody else from writing until it is dropped.
pub(crate) enum Held {
    Sqlite(#[expect(dead_code, reason = "its end ends the transaction")] SqliteConnection),
    Postgres(#[expect(dead_code, reason = "its end ends the transaction")] PgConnection),
}

impl Held {
    /// Holds the database at `url`.
    pub(crate) fn writes(url: &str) -> Self {
        match url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).expect("the database file opens");
                connection
                    .batch_execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE")
                    .expect("the write lock");
                Self::Sqlite(connection)
            }
            None => {
                let mut connection = PgConnection::establish(url).expect("the database answers");
                connection.batch_execute("BEGIN; LOCK TABLE resource IN EXCLUSIVE MODE").expect("the lock");
                Self::Postgres(connection)
            }
        }
    }
}

/// The text in the column `text` of each row that a query finds in the database at `url`.
pub(crate) fn texts(url: &str, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let rows: Vec<Row> = match url.strip_prefix("sqlite://") {
        Some(path) => {
            let mut connection = SqliteConnection::establish(path).expect("the database file opens");
            connection.batch_execute("PRAGMA busy_timeout = 10000").expect("a pragma");
            sql_query(query).load(&mut connection).expect("the query runs")
        }
        None => {
            let mut connection = PgConnection::establish(url).expect("the database answers");
            sql_query(query).load(&mut connection).expect("the query runs")
        }
    };
    rows.into_iter().map(|row| row.text).collect()
}
