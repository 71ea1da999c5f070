//! What `binnacle import` asks of a store: to remember, in the transaction that stores it, what must not be stored twice.
//!
//! It is kept in the database, not beside it: a database that is made anew remembers nothing, and what was committed
//! before a crash is remembered exactly.

use crate::error::Error;

/// Reading what imports have finished.
pub trait ImportRead {
    /// Whether `key` was noted.
    fn imported(&mut self, key: &str) -> Result<bool, Error>;
}

/// Noting what imports have finished.
pub trait ImportWrite: ImportRead {
    /// Notes `key`: `false` if it was noted before. Of any number of callers at the same time exactly one gets `true`.
    fn note_imported(&mut self, key: &str) -> Result<bool, Error>;
}
