//! `FHIR R4 http.html#delete`: a tombstone becomes the newest version; the history stays.

use super::write::{Outcome, PreparedWrite, following};
use super::{Answer, Parameters, Return, Version};
use crate::clock::Instant;
use crate::error::{Error, ErrorCode};
use crate::index::Indexed;
use crate::server::Server;
use crate::store::{Current, Method, NewVersion};

/// Never there, or not the caller's: 404. Already deleted: the same answer again. Else a tombstone.
pub(super) fn decide(write: &PreparedWrite, current: &Current, now: Instant) -> Result<Outcome, Error> {
    let Current::Present(stored) = current else {
        return Err(super::not_found());
    };
    let exists = stored.method != Method::Delete;
    write.conditions.check_write(Some(stored.version), exists)?;
    if !exists {
        return Ok(Outcome { version: None, answer: answer(write, stored.version, stored.updated) });
    }
    let (version, updated) = (stored.version + 1, following(Some(stored), now));
    let tombstone = NewVersion {
        type_: write.type_,
        id: write.id.clone(),
        version,
        row: Some(stored.row),
        revives: false,
        updated,
        method: Method::Delete,
        body: Vec::new(),
        indexed: Indexed::default(),
    };
    Ok(Outcome { version: Some(tombstone), answer: answer(write, version, updated) })
}

/// 204 without a body, or 200 with an OperationOutcome for `Prefer: return=OperationOutcome`.
fn answer(write: &PreparedWrite, version: i64, updated: Instant) -> Answer {
    let outcome = (write.answer == Return::OperationOutcome).then(|| crate::error::outcome(&[]));
    Answer {
        status: if outcome.is_some() { 200 } else { 204 },
        body: outcome,
        version: Some(Version { type_: write.type_, id: write.id.clone(), version, updated }),
        location: false,
        headers: Vec::new(),
    }
}

/// How many resources a conditional delete may delete, and the criteria without `_count`, which may ask for fewer than the
/// server allows.
///
/// Errors: [`ErrorCode::InvalidParameter`] for a `_count` that is no number above zero, or comes twice.
pub(crate) fn bound(server: &Server, parameters: Parameters) -> Result<(usize, Parameters), Error> {
    let (bounds, criteria): (Parameters, Parameters) =
        parameters.into_iter().partition(|(name, _)| name == "_count");
    let wrong = || {
        let message = "'_count' of a conditional delete is a whole number above zero, given once.";
        Error::new(ErrorCode::InvalidParameter, message)
    };
    let most = server.settings.max_conditional_deletes;
    match bounds.as_slice() {
        [] => Ok((most, criteria)),
        [(_, value)] => {
            let asked = value.parse::<usize>().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
            Ok((asked.min(most), criteria))
        }
        _ => Err(wrong()),
    }
}
