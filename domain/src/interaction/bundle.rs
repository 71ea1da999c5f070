//! A Bundle posted to the base: which of batch and transaction it is, and its limits.

use super::Prefer;
use super::batch::PreparedBatch;
use super::entry::take_entries;
use super::transaction::PreparedTransaction;
use crate::access::actor::Actor;
use crate::conformance::Definitions;
use crate::conformance::validation::{validate, validate_shell};
use crate::error::{Error, ErrorCode};
use crate::resource::json::Json;
use crate::server::{Prepared, Server, Work};

/// Prepares a batch or transaction. The Bundle itself is checked like any resource, without the resources in it, which
/// are checked once, where they are prepared.
///
/// Errors: all that is wrong with the Bundle; not one of these types; too many entries; for a transaction, all that is
/// wrong in an entry.
pub(crate) fn prepare(
    server: &Server,
    actor: &Actor,
    body: &[u8],
    prefer: Prefer,
) -> Result<Prepared, Error> {
    let mut tree = Json::parse(body)?;
    let count = tree.get("entry").map_or(0, |entries| entries.each().len());
    if count > server.settings.max_entries {
        let message =
            format!("A Bundle may have {} entries here. Send several.", server.settings.max_entries);
        return Err(Error::new(ErrorCode::TooLarge, message).at("Bundle.entry"));
    }
    check(server, &tree)?;
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
    let work = if is_transaction {
        Work::Transaction(PreparedTransaction::new(server, actor, entries)?)
    } else {
        Work::Batch(PreparedBatch::new(server, actor, entries))
    };
    Ok(Prepared::new(work))
}

/// Checks the Bundle without the resources in it; if it is at fault, those too, so that all is told at once.
fn check(server: &Server, bundle: &Json<'_>) -> Result<(), Error> {
    let (definitions, settings) = (Definitions::r4(), &server.settings.validation);
    if validate_shell(definitions, bundle, settings).faults.is_empty() {
        return Ok(());
    }
    validate(definitions, bundle, definitions.type_id("Bundle"), settings).into_result().map(drop)
}
