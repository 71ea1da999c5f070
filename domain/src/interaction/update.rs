//! `FHIR R4 http.html#update`: a new version of a resource, or its first under the client's id (`#upsert`).

use super::write::{Outcome, PreparedWrite};
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
        Current::Absent if !may_choose_id(&write.access, write.type_, &write.id) => Err(super::not_found()),
        Current::Absent => {
            check_match(write.if_match, None)?;
            write.new_version(content, None, now, 201)
        }
        Current::Present(stored) => {
            check_match(write.if_match, Some(stored.version))?;
            if stored.method == Method::Delete {
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

/// `If-Match` (`FHIR R4 http.html#concurrency`): the version the caller saw must be the current one.
pub(super) fn check_match(if_match: Option<i64>, current: Option<i64>) -> Result<(), Error> {
    match (if_match, current) {
        (None, _) => Ok(()),
        (Some(expected), Some(version)) if expected == version => Ok(()),
        (Some(expected), Some(version)) => Err(Error::new(
            ErrorCode::VersionMismatch,
            format!(
                "If-Match asks for version {expected}, but the current version is {version}. Read it, apply the \
                 change to it and send its ETag."
            ),
        )),
        (Some(_), None) => Err(Error::new(
            ErrorCode::VersionMismatch,
            "If-Match asks for a version, but there is no such resource. Leave If-Match out to create it.",
        )),
    }
}
