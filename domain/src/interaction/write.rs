//! What create, update, patch and delete share: a prepared write, and the version it makes of the current one.

use super::condition::Conditions;
use super::conditional::{Condition, Resolution};
use super::patch::{self, Patching};
use super::{Answer, Return, Version, content, create, delete, update};
use crate::access::Access;
use crate::access::decision;
use crate::clock::Instant;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, Issue};
use crate::id::Id;
use crate::index::{Indexed, extract};
use crate::resource::body::Body;
use crate::resource::json::Json;
use crate::resource::link::Links;
use crate::search_parameter;
use crate::server::Server;
use crate::store::{Current, Lock, Method, NewVersion, Stored, WriteTx};
use std::sync::Arc;

/// Which interaction a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `FHIR R4 http.html#create`
    Create,
    /// `FHIR R4 http.html#update`
    Update,
    /// `FHIR R4 http.html#patch`
    Patch,
    /// `FHIR R4 http.html#delete`
    Delete,
}

/// Who chose the id of what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The address says it.
    Address,
    /// The server, for a resource that is new.
    Server,
    /// The resource says it, but the condition selects nothing: it must not be taken (`FHIR R4 http.html#cond-update`).
    Unmatched,
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
    /// Who chose it.
    pub naming: Naming,
    /// The search that says which resource is meant, in place of the id.
    pub condition: Option<Box<Condition>>,
    /// Its new content; none for a delete, nor for a patch before the current version is known.
    pub content: Option<Content>,
    /// What a patch does.
    pub patch: Option<Arc<Patching>>,
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
    /// Whether it has links to what only the store knows.
    pub provisional: bool,
}

/// What a write will do: the version to store, if any, and the answer.
#[derive(Debug)]
pub struct Outcome {
    /// The new version; none when the content is the same or the resource is already deleted.
    pub version: Option<NewVersion>,
    /// The answer.
    pub answer: Answer,
}

/// A version that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) type_: TypeId,
    pub(crate) id: Id,
    pub(crate) version: i64,
}

impl Written {
    /// What stands for `version` in a list of what was made.
    pub(crate) fn of(version: &NewVersion) -> Written {
        Written { type_: version.type_, id: version.id.clone(), version: version.version }
    }
}

impl PreparedWrite {
    /// Whether it may change what is searched by.
    pub(crate) fn defines_parameters(&self) -> bool {
        Definitions::r4().type_name(self.type_) == "SearchParameter"
    }

    /// The key under which the store finds and locks the current version; none for a create, whose id is new.
    pub fn key(&self) -> Option<(TypeId, Id)> {
        (self.kind != Kind::Create).then(|| (self.type_, self.id.clone()))
    }

    /// Decides, given the current version, what happens.
    pub fn decide(&self, server: &Server, current: &Current, now: Instant) -> Result<Outcome, Error> {
        match self.kind {
            Kind::Create => create::decide(self, now),
            Kind::Update => update::decide(self, current, now),
            Kind::Patch => patch::decide(self, server, current, now),
            Kind::Delete => delete::decide(self, current, now),
        }
    }

    /// The locks that its condition needs.
    pub fn locks(&self) -> Vec<Lock> {
        let condition = self.condition.as_ref();
        condition.map(|condition| condition.locks(self.content.as_ref())).unwrap_or_default()
    }

    /// Whether its content has links to what only the store knows.
    pub(super) fn is_provisional(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content.provisional)
            || self.patch.as_ref().is_some_and(|patching| patching.is_provisional())
    }

    /// The same write about the resource `id`, which its condition selects.
    pub(super) fn about(&self, server: &Server, id: Id) -> Result<PreparedWrite, Error> {
        let content = match &self.content {
            Some(content) if id != self.id => {
                let again = content::again(server, self.type_, &id, content, None)?;
                Some(Content { provisional: content.provisional, ..again })
            }
            content => content.clone(),
        };
        Ok(PreparedWrite { id, naming: Naming::Address, condition: None, content, ..self.clone() })
    }

    /// The same write with its links rewritten.
    pub(super) fn linked(&self, server: &Server, links: &Links) -> Result<PreparedWrite, Error> {
        let again = |content| content::again(server, self.type_, &self.id, content, Some(links));
        let content = self.content.as_ref().map(again).transpose()?;
        let patch = self.patch.as_ref().map(|patching| patching.linked(links)).transpose()?;
        Ok(PreparedWrite { content, patch: patch.map(Arc::new), ..self.clone() })
    }

    /// Performs the write alone in `tx`.
    pub fn perform(&self, server: &Server, tx: &mut dyn WriteTx) -> Result<Answer, Error> {
        self.perform_telling(server, tx, &mut Vec::new())
    }

    /// [`PreparedWrite::perform`], which also tells the versions it made.
    pub(crate) fn perform_telling(
        &self,
        server: &Server,
        tx: &mut dyn WriteTx,
        written: &mut Vec<Written>,
    ) -> Result<Answer, Error> {
        if let Some(condition) = &self.condition {
            tx.hold(&self.locks())?;
            return match self.resolve(server, tx, condition)? {
                Resolution::Write(write) => write.perform_telling(server, tx, written),
                Resolution::Deletes(writes) => {
                    for write in &writes {
                        write.perform_telling(server, tx, written)?;
                    }
                    Ok(self.several(writes.len()))
                }
                Resolution::Matched(stored) => Ok(self.matched(*stored)),
                Resolution::Nothing => Ok(self.several(0)),
            };
        }
        let current = match self.key() {
            Some(key) => tx.current(&self.access, &[key])?.pop().unwrap_or(Current::Absent),
            None => Current::Absent,
        };
        self.check_readable(tx)?;
        let outcome = self.decide(server, &current, server.clock.now())?;
        if let Some(version) = outcome.version {
            written.push(Written::of(&version));
            store(server, tx, vec![version])?;
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
            method: match self.kind {
                Kind::Create => Method::Create,
                Kind::Patch => Method::Patch,
                Kind::Update | Kind::Delete => Method::Update,
            },
            body,
            indexed: content.indexed.clone(),
        };
        Ok(Outcome { version: Some(version), answer })
    }

    /// The answer to a conditional create of what is there (`FHIR R4 http.html#ccreate`).
    pub(super) fn matched(&self, stored: Stored) -> Answer {
        let about = PreparedWrite { id: stored.id, content: None, condition: None, ..self.clone() };
        let answer = about.answer_with(200, &stored.body, &[], (stored.version, stored.updated));
        Answer { location: true, ..answer }
    }

    /// The answer to a conditional delete of none or several.
    pub(super) fn several(&self, count: usize) -> Answer {
        let told = || crate::error::information(&format!("{count} resources were deleted."));
        let outcome = (self.answer == Return::OperationOutcome).then(told);
        let status = if outcome.is_some() { 200 } else { 204 };
        Answer { status, body: outcome, version: None, location: false, headers: Vec::new() }
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
            headers: Vec::new(),
        }
    }
}

/// Writes versions, indexed by what the store is searched by now.
pub(super) fn store(
    server: &Server,
    tx: &mut dyn WriteTx,
    mut versions: Vec<NewVersion>,
) -> Result<(), Error> {
    if versions.is_empty() {
        return Ok(());
    }
    index_anew(server, tx, &mut versions)?;
    search_parameter::follow(server, tx, &versions)?;
    tx.write(versions)
}

/// Indexes what was indexed before the store's search parameters changed.
pub(super) fn index_anew(
    server: &Server,
    tx: &mut dyn WriteTx,
    versions: &mut [NewVersion],
) -> Result<(), Error> {
    let parameters = server.confirmed(tx)?;
    let old = |version: &&mut NewVersion| {
        version.method != Method::Delete && version.indexed.generation != parameters.generation()
    };
    for version in versions.iter_mut().filter(old) {
        let tree = Json::parse(&version.body)?;
        version.indexed = extract(&parameters, version.type_, &tree, &server.settings.base);
    }
    Ok(())
}

/// The time of the version after `previous`: now, but always later than the one before.
pub(super) fn following(previous: Option<&Stored>, now: Instant) -> Instant {
    previous.map_or(now, |stored| now.max(Instant(stored.updated.0 + 1)))
}
