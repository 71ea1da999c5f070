//! `FHIR R4 http.html#patch`: the current version with a patch document applied to it, checked like any update.

use super::content::{self, Source, Write};
use super::write::{Outcome, PreparedWrite};
use crate::access::Access;
use crate::clock::Instant;
use crate::error::{Error, ErrorCode};
use crate::resource::json::Json;
use crate::resource::link::Step;
use crate::resource::patch::Patch;
use crate::server::{Given, Server};
use crate::store::{Current, Method, WriteTx};

/// What a patch does, and who may know what it does it to.
#[derive(Debug, Clone)]
pub struct Patching {
    patch: Patch,
    /// The rows the caller may read, where they are others than it may write: what a patch tests and copies it tells.
    read: Option<Access>,
}

impl Patching {
    /// Reads the patch of a request: its body of this media type, or what an entry gives.
    ///
    /// Errors: as [`Patch::parse`]; [`ErrorCode::NotSupported`] for links that only the transaction knows.
    pub(crate) fn new(
        media_type: &str,
        body: &[u8],
        given: Given<'_>,
        read: Option<Access>,
    ) -> Result<Patching, Error> {
        if given.provisional {
            let message =
                "A patch cannot link to a resource whose id is only known when the transaction is performed.";
            return Err(Error::new(ErrorCode::NotSupported, message));
        }
        let patch = match given.resource {
            Some(mut resource) => {
                if let Some((links, full_url)) = given.links {
                    links.rewrite(Step::AfterCheck, &mut resource, full_url);
                }
                Patch::of_entry(&resource)?
            }
            None if body.is_empty() => {
                let message = "Send the patch: as the body, or as the entry's resource.";
                return Err(Error::new(ErrorCode::MissingElement, message));
            }
            None => Patch::parse(media_type, body)?,
        };
        Ok(Patching { patch, read })
    }
}

impl PreparedWrite {
    /// Refuses a patch of what the caller may write but not read, as if it were not there.
    ///
    /// Errors: [`ErrorCode::NotFound`].
    pub(super) fn check_readable(&self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        let Some(read) = self.patch.as_ref().and_then(|patching| patching.read.as_ref()) else {
            return Ok(());
        };
        match tx.current(read, &[(self.type_, self.id.clone())])?.pop() {
            Some(Current::Present(_)) => Ok(()),
            _ => Err(super::not_found()),
        }
    }
}

/// Absent: 404. Deleted: 410. Same content: no new version (200). Else a new version (200).
pub(super) fn decide(
    write: &PreparedWrite,
    server: &Server,
    current: &Current,
    now: Instant,
) -> Result<Outcome, Error> {
    let Current::Present(stored) = current else { return Err(super::not_found()) };
    if stored.method == Method::Delete {
        return Err(Error::new(ErrorCode::Gone, "The resource was deleted. A patch does not bring it back."));
    }
    write.conditions.check_write(Some(stored.version), true)?;
    let patching =
        write.patch.as_ref().ok_or_else(|| Error::internal("a patch came without its document"))?;
    let tree = patching.patch.apply(&Json::parse(&stored.body)?, now)?;
    let given = Given { resource: Some(tree), ..Given::default() };
    let content = content::prepare(server, write.type_, &write.id, Source::of(&[], given)?, Write::Update)?;
    if content.body.same_content(&stored.body) {
        let answer =
            write.answer_with(200, &stored.body, &content.warnings, (stored.version, stored.updated));
        return Ok(Outcome { version: None, answer });
    }
    write.new_version(&content, Some(stored), now, 200)
}
