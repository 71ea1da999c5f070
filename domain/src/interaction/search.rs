//! `FHIR R4 http.html#search`: a parsed query, run within the caller's access, answered as a searchset.

use super::Answer;
use crate::access::Access;
use crate::access::actor::Actor;
use crate::access::decision::{self, access, require};
use crate::access::scope::Letter;
use crate::conformance::{Definitions, TypeId};
use crate::error::Error;
use crate::interaction::{Parameters, Prefer};
use crate::search::bundle::{Head, searchset};
use crate::search::page::{PARAMETER, Seal, search_subject};
use crate::search::{Context, Parsed, parse, reach};
use crate::server::Server;
use crate::store::ReadTx;

/// A search that has been understood.
#[derive(Debug, Clone)]
pub struct PreparedSearch {
    type_: Option<TypeId>,
    parsed: Parsed,
    cursor: Option<String>,
    access: Access,
    caller: String,
}

impl PreparedSearch {
    /// Parses a search and decides what it may see: `s` of the type searched, and of every type it brings along or
    /// looks at through a chain.
    pub(crate) fn new(
        server: &Server,
        actor: &Actor,
        type_: Option<TypeId>,
        parameters: &Parameters,
        prefer: Prefer,
    ) -> Result<PreparedSearch, Error> {
        if let Some(type_) = type_ {
            require(actor, Letter::Search, type_)?;
        }
        let caller = super::caller(actor);
        let context = Context {
            base: &server.settings.base,
            now: server.clock.now(),
            lenient: prefer.lenient == Some(true),
            seal: Seal { key: &server.settings.cursor_key, caller: &caller },
        };
        let parsed = parse(&context, type_, parameters)?;
        let cursor = parameters.iter().find(|(name, _)| name == PARAMETER).map(|(_, value)| value.clone());
        let access = decide(actor, type_, &parsed)?;
        Ok(PreparedSearch { type_, parsed, cursor, access, caller })
    }

    /// Runs the search.
    pub fn perform(&self, server: &Server, tx: &mut dyn ReadTx) -> Result<Answer, Error> {
        let matches = tx.search(&self.access, &self.parsed.query)?;
        let now = server.clock.now();
        let seal = Seal { key: &server.settings.cursor_key, caller: &self.caller };
        let subject = search_subject(self.type_, &self.parsed.processed);
        let next = matches.next.as_ref().map(|position| seal.search(position, &subject, now));
        let id = server.ids.resource_id();
        let head = Head {
            id: id.as_str(),
            now,
            base: &server.settings.base,
            path: self.type_.map_or("", |type_| Definitions::r4().type_name(type_)),
            processed: &self.parsed.processed,
            cursor: self.cursor.as_deref(),
            next: next.as_deref(),
        };
        let body = searchset(&head, &matches, &self.parsed.warnings);
        Ok(Answer { status: 200, body: Some(body), version: None, location: false })
    }
}

/// What the search may see, decided for the types it looks at.
///
/// Errors: [`ErrorCode::Forbidden`](crate::ErrorCode::Forbidden) where a type it names, or every type that a link of a
/// chain could lead to, is out of reach: an empty answer would say that there is nothing.
pub(super) fn decide(actor: &Actor, type_: Option<TypeId>, parsed: &Parsed) -> Result<Access, Error> {
    let query = &parsed.query;
    let access = access(actor, Letter::Search, &query.types_seen().unwrap_or_default());
    if type_.is_none() {
        query.types.iter().try_for_each(|named| decision::one_of(&access, &[*named]))?;
        decision::any(&access)?;
    }
    reach::links(&query.criteria).iter().try_for_each(|types| decision::one_of(&access, types))?;
    Ok(access)
}
