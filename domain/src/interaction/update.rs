//! `FHIR R4 http.html#update`: a new version of a resource, or its first under the client's id (`#upsert`).

use super::write::{Naming, Outcome, PreparedWrite};
use crate::access::decision::may_choose_id;
use crate::clock::Instant;
use crate::error::{Error, ErrorCode};
use crate::store::{Current, Method};

/// Absent: created (201). Deleted: brought back (201). Same content: no new version (200). Else a new version (200).
pub(super) fn decide(write: &PreparedWrite, current: &Current, now: Instant) -> Result<Outcome, Error> {
    let content =
        write.content.as_ref().ok_or_else(|| Error::new(ErrorCode::MissingElement, "Send the resource."))?;
    match current {
        Current::Hidden => Err(super::not_found()),
        // The same answer as for somebody else's.
        Current::Absent
            if write.naming != Naming::Server && !may_choose_id(&write.access, write.type_, &write.id) =>
        {
            Err(super::not_found())
        }
        Current::Absent => {
            write.conditions.check_write(None, false)?;
            write.new_version(content, None, now, 201)
        }
        Current::Present(stored) => {
            let exists = stored.method != Method::Delete;
            if exists && write.naming == Naming::Unmatched {
                let message = "The condition selects nothing, but there is a resource with the id that this one has. \
                               Leave the id out, or update that one.";
                return Err(Error::new(ErrorCode::Conflict, message));
            }
            write.conditions.check_write(Some(stored.version), exists)?;
            if !exists {
                return write.new_version(content, Some(stored), now, 201);
            }
            if content.body.same_content(&stored.body) {
                let answer =
                    write.answer_with(200, &stored.body, &content.warnings, (stored.version, stored.updated));
                return Ok(Outcome { version: None, answer });
            }
            write.new_version(content, Some(stored), now, 200)
        }
    }
}
