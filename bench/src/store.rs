//! Fresh stores on either database, and how large they become.

use crate::Failure;
use crate::bare::Bare;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
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
