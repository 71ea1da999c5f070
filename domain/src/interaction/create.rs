//! `FHIR R4 http.html#create`: a new resource under an id of the server's choosing.

use super::write::{Outcome, PreparedWrite};
use crate::clock::Instant;
use crate::error::{Error, ErrorCode};

/// A create always makes version 1: the id is new.
pub(super) fn decide(write: &PreparedWrite, now: Instant) -> Result<Outcome, Error> {
    let content =
        write.content.as_ref().ok_or_else(|| Error::new(ErrorCode::MissingElement, "Send the resource."))?;
    write.new_version(content, None, now, 201)
}
