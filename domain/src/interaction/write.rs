//! What create, update and delete share: a prepared write, and the version it makes of the current one.

use super::condition::Conditions;
use super::{Answer, Return, Version, create, delete, update};
use crate::access::Access;
use crate::access::decision;
use crate::clock::Instant;
use crate::conformance::TypeId;
use crate::error::{Error, Issue};
use crate::id::Id;
use crate::index::Indexed;
use crate::resource::body::Body;
use crate::server::Server;
use crate::store::{Current, Method, NewVersion, Stored, WriteTx};

/// Which interaction a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `FHIR R4 http.html#create`
    Create,
    /// `FHIR R4 http.html#update`
    Update,
    /// `FHIR R4 http.html#delete`
    Delete,
}

/// A write that needs no more than the current version.
#[derive(Debug, Clone)]
pub struct PreparedWrite {
    /// Which interaction.
    pub kind: Kind,
    /// Type of the resource.
    pub type_: TypeId,
    /// Its id; chosen by the server for a create.
    pub id: Id,
    /// Its new content; none for a delete.
    pub content: Option<Content>,
    /// What must hold of the current version.
    pub conditions: Conditions,
    /// The rows the caller may write.
    pub access: Access,
    /// What to answer with; `Representation` only if the caller may read it.
    pub answer: Return,
}

/// A validated and indexed resource.
#[derive(Debug, Clone)]
pub struct Content {
    /// Its JSON but for version and time.
    pub body: Body,
    /// Its index rows and compartments.
    pub indexed: Indexed,
    /// Whether it leaves open whom it is about (see [`crate::access::subject`]).
    pub obscure: bool,
    /// What the caller should know though it was accepted.
    pub warnings: Vec<Issue>,
}

/// What a write will do: the version to store, if any, and the answer.
#[derive(Debug)]
pub struct Outcome {
    /// The new version; none when the content is the same or the resource is already deleted.
    pub version: Option<NewVersion>,
    /// The answer.
    pub answer: Answer,
}

impl PreparedWrite {
    /// The key under which the store finds and locks the current version; none for a create, whose id is new.
    pub fn key(&self) -> Option<(TypeId, Id)> {
        (self.kind != Kind::Create).then(|| (self.type_, self.id.clone()))
    }

    /// Decides, given the current version, what happens.
    pub fn decide(&self, current: &Current, now: Instant) -> Result<Outcome, Error> {
        match self.kind {
            Kind::Create => create::decide(self, now),
            Kind::Update => update::decide(self, current, now),
            Kind::Delete => delete::decide(self, current, now),
        }
    }

    /// Performs the write alone in `tx`.
    pub fn perform(&self, server: &Server, tx: &mut dyn WriteTx) -> Result<Answer, Error> {
        let current = match self.key() {
            Some(key) => tx.current(&self.access, &[key])?.pop().unwrap_or(Current::Absent),
            None => Current::Absent,
        };
        let outcome = self.decide(&current, server.clock.now())?;
        if let Some(version) = outcome.version {
            tx.write(vec![version])?;
        }
        Ok(outcome.answer)
    }

    /// The version of `content` that follows `previous`, and the answer with `status`.
    pub(super) fn new_version(
        &self,
        content: &Content,
        previous: Option<&Stored>,
        now: Instant,
        status: u16,
    ) -> Result<Outcome, Error> {
        decision::check_write(&self.access, self.type_, content)?;
        let version = previous.map_or(1, |stored| stored.version + 1);
        let updated = following(previous, now);
        let body = content.body.finish(version, updated);
        let stored = previous.map_or(&[][..], |stored| &stored.body);
        decision::check_identity(&self.access, self.type_, stored, &body)?;
        let answer = self.answer_with(status, &body, &content.warnings, (version, updated));
        let version = NewVersion {
            type_: self.type_,
            id: self.id.clone(),
            version,
            row: previous.map(|stored| stored.row),
            revives: previous.is_some_and(|stored| stored.method == Method::Delete),
            updated,
            method: if self.kind == Kind::Create { Method::Create } else { Method::Update },
            body,
            indexed: content.indexed.clone(),
        };
        Ok(Outcome { version: Some(version), answer })
    }

    /// The answer in the form that `Prefer` asked for.
    pub(super) fn answer_with(
        &self,
        status: u16,
        resource: &[u8],
        warnings: &[Issue],
        (version, updated): (i64, Instant),
    ) -> Answer {
        let body = match self.answer {
            Return::Minimal => None,
            Return::Representation => Some(resource.to_vec()),
            Return::OperationOutcome => Some(crate::error::outcome(warnings)),
        };
        Answer {
            status,
            body,
            version: Some(Version { type_: self.type_, id: self.id.clone(), version, updated }),
            location: status == 201,
        }
    }
}

/// The time of the version after `previous`: now, but always later than the one before.
pub(super) fn following(previous: Option<&Stored>, now: Instant) -> Instant {
    previous.map_or(now, |stored| now.max(Instant(stored.updated.0 + 1)))
}
