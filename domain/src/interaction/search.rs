//! `FHIR R4 http.html#search`: a parsed query, run within the caller's access, answered as a searchset.

use super::Answer;
use crate::access::Access;
use crate::access::actor::Actor;
use crate::access::decision::{self, access, require};
use crate::access::scope::Letter;
use crate::error::Error;
use crate::interaction::{Parameters, Prefer};
use crate::search::bundle::{Head, searchset};
use crate::search::page::{PARAMETER, Seal, search_subject};
use crate::search::{Context, Parsed, SearchScope, parse, reach};
use crate::server::Server;
use crate::store::ReadTx;

/// A search that has been understood.
#[derive(Debug, Clone)]
pub struct PreparedSearch {
    scope: SearchScope,
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
        scope: SearchScope,
        parameters: &Parameters,
        prefer: Prefer,
    ) -> Result<PreparedSearch, Error> {
        if let Some(type_) = scope.type_() {
            require(actor, Letter::Search, type_)?;
        }
        let caller = super::caller(actor);
        let parameters_known = server.parameters();
        let context = Context {
            parameters: &parameters_known,
            base: &server.settings.base,
            now: server.clock.now(),
            lenient: prefer.lenient.unwrap_or(server.settings.ignore_unknown),
            limits: &server.settings.search,
            seal: Seal { key: &server.settings.cursor_key, caller: &caller },
        };
        let parsed = parse(&context, scope.clone(), parameters)?;
        let cursor = parameters.iter().find(|(name, _)| name == PARAMETER).map(|(_, value)| value.clone());
        let access = decide(actor, &parsed)?;
        Ok(PreparedSearch { scope, parsed, cursor, access, caller })
    }

    /// Runs the search.
    pub fn perform(&self, server: &Server, tx: &mut dyn ReadTx) -> Result<Answer, Error> {
        let matches = tx.search(&self.access, &self.parsed.query)?;
        let now = server.clock.now();
        let seal = Seal { key: &server.settings.cursor_key, caller: &self.caller };
        let subject = search_subject(&self.scope, &self.parsed.processed);
        let next = matches.next.as_ref().map(|position| seal.search((position, false), &subject, now));
        let previous = matches.previous.as_ref().map(|position| seal.search((position, true), &subject, now));
        let id = server.ids.resource_id();
        let path = self.scope.path();
        let head = Head {
            id: id.as_str(),
            now,
            base: &server.settings.base,
            path: &path,
            processed: &self.parsed.processed,
            cursor: self.cursor.as_deref(),
            previous: previous.as_deref(),
            next: next.as_deref(),
            subset: &self.parsed.subset,
        };
        let body = searchset(&head, &matches, &self.parsed.warnings);
        Ok(Answer::of(200, body))
    }
}

/// What the search may see, decided for the types it looks at.
///
/// Errors: [`ErrorCode::Forbidden`](crate::ErrorCode::Forbidden) where a type it names, or every type that a link of a
/// chain could lead to, is out of reach: an empty answer would say that there is nothing.
pub(super) fn decide(actor: &Actor, parsed: &Parsed) -> Result<Access, Error> {
    let query = &parsed.query;
    let access = access(actor, Letter::Search, &query.types_seen().unwrap_or_default());
    if parsed.named {
        query.types.iter().try_for_each(|named| decision::one_of(&access, &[*named]))?;
    }
    if query.types.is_empty() {
        decision::any(&access)?;
    } else {
        decision::one_of(&access, &query.types)?;
    }
    reach::links(&query.criteria).iter().try_for_each(|types| decision::one_of(&access, types))?;
    Ok(access)
}
