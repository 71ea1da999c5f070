//! A Bundle posted to the base: which of batch and transaction it is, and its limits.

use super::Prefer;
use super::batch::PreparedBatch;
use super::entry::{Entry, MOST_FAULTS, take_entries};
use super::transaction::PreparedTransaction;
use crate::access::actor::Actor;
use crate::conformance::Definitions;
use crate::conformance::validation::validate;
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
    let entries = match &mut tree {
        Json::Object(bundle) if bundle.str("resourceType") == Some("Bundle") => {
            take_entries(bundle, &server.settings.base, prefer)
        }
        _ => Vec::new(),
    };
    if entries.len() > server.settings.max_entries {
        let message =
            format!("A Bundle may have {} entries here. Send several.", server.settings.max_entries);
        return Err(Error::new(ErrorCode::TooLarge, message).at("Bundle.entry"));
    }
    check(server, &tree, &entries)?;
    let work = match tree.get("type").and_then(Json::as_str) {
        Some("transaction") => Work::Transaction(PreparedTransaction::new(server, actor, entries)?),
        Some("batch") => Work::Batch(PreparedBatch::new(server, actor, entries)),
        _ => {
            let message = "The base takes a Bundle of type batch or transaction.";
            return Err(Error::new(ErrorCode::InvalidValue, message).at("Bundle.type"));
        }
    };
    Ok(Prepared { work })
}

/// Checks the Bundle whose `entries` have been taken out. If it is at fault, the faults of its resources are told too.
fn check(server: &Server, shell: &Json<'_>, entries: &[Entry<'_>]) -> Result<(), Error> {
    let (definitions, settings) = (Definitions::r4(), &server.settings.validation);
    let mut faults = validate(definitions, shell, definitions.type_id("Bundle"), settings).faults;
    if faults.is_empty() {
        return Ok(());
    }
    for entry in entries {
        if faults.len() >= MOST_FAULTS {
            break;
        }
        let Some(resource) = &entry.resource else { continue };
        let inside = Error::of(validate(definitions, resource, None, settings).faults);
        let at = format!("{}.resource", entry.path());
        faults.extend(inside.into_iter().flat_map(|error| error.below(&at).into_issues()));
    }
    Error::of(faults).map_or(Ok(()), Err)
}
