//! The only door: a [`Request`] is prepared without a database, then performed inside a transaction.

use crate::access::actor::Actor;
use crate::clock::Clock;
use crate::error::{Error, ErrorCode};
use crate::id::IdSource;
use crate::interaction::{Answer, Request};
use crate::store::{ReadTx, WriteTx};
use std::sync::Arc;

/// What this server is: its address, limits and sources of time and ids.
pub struct Server {
    /// Settings.
    pub settings: Settings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and randomness.
    pub ids: Arc<dyn IdSource>,
}

/// What an operator chose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `{public_url}/FHIR/R4`, without a slash at the end.
    pub base: String,
    /// Key that signs page cursors.
    pub cursor_key: [u8; 32],
}

/// A request that has been parsed, validated and indexed, ready for a transaction.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The request.
    pub request: Request,
}

impl Prepared {
    /// Whether it needs a write transaction.
    pub const fn writes(&self) -> bool {
        false
    }
}

impl Server {
    /// Does what needs no database: parse, validate, assign ids, rewrite references, extract index entries.
    ///
    /// Errors: whatever is wrong with the request in itself.
    pub fn prepare(&self, actor: &Actor, request: Request) -> Result<Prepared, Error> {
        let _ = actor;
        Ok(Prepared { request })
    }

    /// Performs a request that only reads.
    pub fn perform_read(&self, tx: &mut dyn ReadTx, actor: &Actor, prepared: &Prepared) -> Result<Answer, Error> {
        let _ = (tx, actor, prepared);
        Err(Error::new(ErrorCode::NotSupported, "Not built yet."))
    }

    /// Performs a request that may write.
    pub fn perform_write(&self, tx: &mut dyn WriteTx, actor: &Actor, prepared: &Prepared) -> Result<Answer, Error> {
        let _ = (tx, actor, prepared);
        Err(Error::new(ErrorCode::NotSupported, "Not built yet."))
    }
}
