//! The connection that a thread keeps, and how it gets another after one is lost.

use super::Place;
use crate::PATIENCE;
use crate::connection::Connection;
use crate::dialect::Dialect;
use domain::Error;
use std::time::{Duration, Instant};

/// How long a database that could not be reached is not asked again: requests get their 503 at once meanwhile.
const REST: Duration = Duration::from_millis(500);

/// Keeps one connection.
#[derive(Default)]
pub(super) struct Kept {
    writes: bool,
    connection: Option<Connection>,
    failed: Option<(Instant, Error)>,
}

impl Kept {
    /// Will keep a connection that writes.
    pub(super) fn for_writing() -> Kept {
        Kept { writes: true, ..Kept::default() }
    }

    /// The connection, or a new one.
    ///
    /// Errors: the database does not answer.
    pub(super) fn get(&mut self, place: &Place) -> Result<&mut Connection, Error> {
        let connection = match self.connection.take().filter(|connection| !connection.lost) {
            Some(connection) => connection,
            None => self.open(place)?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Whether there was a connection at the last attempt to get one.
    pub(super) const fn is_open(&self) -> bool {
        self.failed.is_none()
    }

    fn open(&mut self, place: &Place) -> Result<Connection, Error> {
        if let Some((when, error)) = &self.failed
            && when.elapsed() < REST
        {
            return Err(error.clone());
        }
        let opened = place.pool.get_within(PATIENCE).and_then(|mut connection| {
            if self.writes && connection.dialect() == Dialect::Sqlite {
                connection.command(Dialect::SQLITE_WRITER)?;
            }
            Ok(connection)
        });
        self.failed = opened.as_ref().err().map(|error| (Instant::now(), error.clone()));
        opened
    }

    /// Ends what a job that panicked left open.
    pub(super) fn tidy(&mut self) {
        if let Some(connection) = &mut self.connection
            && connection.rollback().is_err()
        {
            self.connection = None;
        }
    }
}
