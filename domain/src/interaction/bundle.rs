//! A Bundle posted to the base: which of batch and transaction it is, and its limits.

use super::Prefer;
use super::batch::PreparedBatch;
use super::entry::take_entries;
use super::transaction::PreparedTransaction;
use crate::access::actor::Actor;
use crate::error::{Error, ErrorCode};
use crate::resource::json::Json;
use crate::server::{Prepared, Server, Work};

/// Prepares a batch or transaction.
///
/// Errors: not a Bundle of one of these types, too many entries; for a transaction, all that is wrong in an entry.
pub(crate) fn prepare(
    server: &Server,
    actor: &Actor,
    body: &[u8],
    prefer: Prefer,
) -> Result<Prepared, Error> {
    let mut tree = Json::parse(body)?;
    if tree.resource_type() != Some("Bundle") {
        let message = "The base takes a Bundle of type batch or transaction.";
        return Err(Error::new(ErrorCode::InvalidStructure, message));
    }
    let is_transaction = match tree.get("type").and_then(Json::as_str) {
        Some("transaction") => true,
        Some("batch") => false,
        _ => {
            let message = "The base takes a Bundle of type batch or transaction.";
            return Err(Error::new(ErrorCode::InvalidValue, message).at("Bundle.type"));
        }
    };
    let Json::Object(bundle) = &mut tree else {
        return Err(Error::new(ErrorCode::InvalidStructure, "A resource is a JSON object."));
    };
    let entries = take_entries(bundle, &server.settings.base, prefer);
    if entries.len() > server.settings.max_entries {
        let message =
            format!("A Bundle may have {} entries here. Send several.", server.settings.max_entries);
        return Err(Error::new(ErrorCode::TooLarge, message).at("Bundle.entry"));
    }
    let work = if is_transaction {
        Work::Transaction(PreparedTransaction::new(server, actor, entries)?)
    } else {
        Work::Batch(PreparedBatch::new(server, actor, entries))
    };
    Ok(Prepared { work })
}
