//! Fresh stores on either database, and how large they become.

use crate::Failure;
use crate::bare::Bare;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use std::path::{Path, PathBuf};

/// A database to measure on.
pub(crate) enum Database {
    /// Files in a folder.
    Sqlite(PathBuf),
    /// A PostgreSQL cluster, by the URL of a database in it.
    Postgres(String),
}

/// A row of one number.
#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    size: i64,
}

/// A table or an index, and its bytes.
#[derive(QueryableByName)]
struct Tree {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    size: i64,
}

/// Tables and indexes of SQLite, each a tree of its own; those that SQLite makes for a primary key have its name for it.
const SQLITE_TREES: &str = "SELECT s.name AS name, CAST(SUM(s.pgsize) AS BIGINT) AS size FROM dbstat s \
     WHERE s.aggregate = TRUE GROUP BY s.name HAVING SUM(s.pgsize) > 65536 ORDER BY 2 DESC";

/// Tables of PostgreSQL without their indexes but with what is stored outside their rows, and indexes.
const POSTGRES_TREES: &str = "SELECT c.relname::text AS name, (pg_relation_size(c.oid) + \
     CASE WHEN c.relkind = 'r' AND c.reltoastrelid <> 0 THEN pg_total_relation_size(c.reltoastrelid) ELSE 0 END)::bigint AS size \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i') AND pg_relation_size(c.oid) > 65536 ORDER BY 2 DESC";

impl Database {
    /// Its name in the table.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Database::Sqlite(_) => "SQLite",
            Database::Postgres(_) => "PostgreSQL",
        }
    }

    /// The URL of an empty store named `name`.
    pub(crate) fn fresh(&self, name: &str) -> Result<String, Failure> {
        match self {
            Database::Sqlite(folder) => Ok(format!("sqlite://{}", folder.join(name).display())),
            Database::Postgres(url) => {
                let mut connection = PgConnection::establish(url).map_err(|error| error.to_string())?;
                let command = format!("CREATE DATABASE \"{name}\"");
                connection.batch_execute(&command).map_err(|error| error.to_string())?;
                let (cluster, _) = url.rsplit_once('/').ok_or("a PostgreSQL URL names a database")?;
                Ok(format!("{cluster}/{name}"))
            }
        }
    }

    /// A database without a schema, for the limits.
    pub(crate) fn bare(&self) -> Result<Bare, Failure> {
        let url = self.fresh("bare")?;
        Ok(match self {
            Database::Sqlite(_) => Bare::Sqlite(url.trim_start_matches("sqlite://").to_owned()),
            Database::Postgres(_) => Bare::Postgres(url),
        })
    }

    /// The tables and indexes of the store at `url` and their bytes, the largest first; small ones are left out.
    pub(crate) fn trees(&self, url: &str) -> Result<Vec<(String, u64)>, Failure> {
        let failed = |error: diesel::result::Error| error.to_string();
        let trees: Vec<Tree> = match self {
            Database::Sqlite(_) => {
                let path = url.trim_start_matches("sqlite://");
                let mut connection = SqliteConnection::establish(path).map_err(|error| error.to_string())?;
                diesel::sql_query(SQLITE_TREES).load(&mut connection).map_err(failed)?
            }
            Database::Postgres(_) => {
                let mut connection = PgConnection::establish(url).map_err(|error| error.to_string())?;
                diesel::sql_query(POSTGRES_TREES).load(&mut connection).map_err(failed)?
            }
        };
        Ok(trees.into_iter().map(|tree| (tree.name, u64::try_from(tree.size).unwrap_or(0))).collect())
    }

    /// Bytes of the store at `url`: SQLite's file with what is still in its log; PostgreSQL's tables with their indexes.
    pub(crate) fn size(&self, url: &str) -> Result<u64, Failure> {
        match self {
            Database::Sqlite(_) => {
                let path = url.trim_start_matches("sqlite://");
                let length = |path: &str| Path::new(path).metadata().map_or(0, |metadata| metadata.len());
                Ok(length(path) + length(&format!("{path}-wal")))
            }
            Database::Postgres(_) => {
                let mut connection = PgConnection::establish(url).map_err(|error| error.to_string())?;
                let query = diesel::sql_query(
                    "SELECT sum(pg_total_relation_size(relid))::bigint AS size FROM pg_stat_user_tables",
                );
                let row: Size = query.get_result(&mut connection).map_err(|error| error.to_string())?;
                u64::try_from(row.size).map_err(|error| error.to_string())
            }
        }
    }
}
