//! `FHIR R4 http.html#patch`: the current version with a patch document applied to it, checked like any update.

use super::content::{self, Source, Write};
use super::write::{Content, Outcome, PreparedWrite};
use crate::access::Access;
use crate::clock::Instant;
use crate::error::{Error, ErrorCode};
use crate::resource::json::Json;
use crate::resource::link::{Links, Step};
use crate::resource::patch::Patch;
use crate::server::{Given, Server};
use crate::store::{Current, Method, Stored, WriteTx};

/// What a patch does, and who may know what it does it to.
#[derive(Debug, Clone)]
pub struct Patching {
    patch: Patch,
    /// The document, where it has links to what only the transaction knows.
    provisional: Option<Json<'static>>,
    /// The rows the caller may read, where they are others than it may write: what a patch tests and copies it tells.
    read: Option<Access>,
}

impl Patching {
    /// Reads the patch of a request: its body of this media type, or what an entry gives.
    ///
    /// Errors: as [`Patch::parse`].
    pub(crate) fn new(
        media_type: &str,
        body: &[u8],
        given: Given<'_>,
        read: Option<Access>,
    ) -> Result<Patching, Error> {
        let mut provisional = None;
        let patch = match given.resource {
            Some(mut resource) => {
                let links = given.links;
                let left =
                    links.map(|(links, full_url)| links.rewrite(Step::AfterCheck, &mut resource, full_url));
                let patch = Patch::of_entry(&resource)?;
                let waits = given.provisional || left.is_some_and(|left| left.provisional);
                provisional = waits.then(|| resource.into_owned());
                patch
            }
            None if body.is_empty() => {
                let message = "Send the patch: as the body, or as the entry's resource.";
                return Err(Error::new(ErrorCode::MissingElement, message));
            }
            None => Patch::parse(media_type, body)?,
        };
        Ok(Patching { patch, provisional, read })
    }

    /// Whether its document has links to what only the transaction knows.
    pub(super) const fn is_provisional(&self) -> bool {
        self.provisional.is_some()
    }

    /// The same with its links rewritten.
    pub(super) fn linked(&self, links: &Links) -> Result<Patching, Error> {
        let Some(mut document) = self.provisional.clone() else { return Ok(self.clone()) };
        links.rewrite(Step::BeforeCheck, &mut document, None);
        links.rewrite(Step::AfterCheck, &mut document, None);
        let patch = Patch::of_entry(&document)?;
        Ok(Patching { patch, provisional: None, read: self.read.clone() })
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

/// What a patch makes of the version `stored`.
///
/// Errors: 410 if that is a deletion; the conditions of the request; all that is wrong with the result.
pub(super) fn patched(
    write: &PreparedWrite,
    server: &Server,
    stored: &Stored,
    now: Instant,
) -> Result<Content, Error> {
    if stored.method == Method::Delete {
        return Err(Error::new(ErrorCode::Gone, "The resource was deleted. A patch does not bring it back."));
    }
    write.conditions.check_write(Some(stored.version), true)?;
    let patching =
        write.patch.as_ref().ok_or_else(|| Error::internal("a patch came without its document"))?;
    let tree = patching.patch.apply(&Json::parse(&stored.body)?, now)?;
    let given = Given { resource: Some(tree), ..Given::default() };
    let content = content::prepare(server, write.type_, &write.id, Source::of(&[], given)?, Write::Update)?;
    Ok(Content { provisional: patching.is_provisional(), ..content })
}

/// Absent: 404. Deleted: 410. Same content: no new version (200). Else a new version (200).
pub(super) fn decide(
    write: &PreparedWrite,
    server: &Server,
    current: &Current,
    now: Instant,
) -> Result<Outcome, Error> {
    let Current::Present(stored) = current else { return Err(super::not_found()) };
    let content = patched(write, server, stored, now)?;
    if content.body.same_content(&stored.body) {
        let answer =
            write.answer_with(200, &stored.body, &content.warnings, (stored.version, stored.updated));
        return Ok(Outcome { version: None, answer });
    }
    write.new_version(&content, Some(stored), now, 200)
}
