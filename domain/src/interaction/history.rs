//! `FHIR R4 http.html#history`: versions of a resource, a type or the system, newest first, in pages.

use super::Answer;
use crate::access::Access;
use crate::access::actor::Actor;
use crate::access::decision::{self, access, require};
use crate::access::scope::Letter;
use crate::clock::Instant;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::hash::resource_key;
use crate::interaction::Parameters;
use crate::resource::json::Json;
use crate::resource::subset::Subset;
use crate::search::bundle::{self, Head};
use crate::search::control::View;
use crate::search::kind::{date, reference};
use crate::search::page::{PARAMETER, Seal, history_subject};
use crate::server::Server;
use crate::store::{HistoryQuery, HistoryScope, Listed, Method, ReadTx};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Resources, and versions, that lists may name at most.
const MOST_LISTED: usize = 10_000;

/// Different numbers of versions that they may name: each is a condition of its own.
const MOST_NUMBERS: usize = 200;

/// A history that has been understood.
#[derive(Debug, Clone)]
pub struct PreparedHistory {
    query: HistoryQuery,
    lists: Option<Lists>,
    processed: Parameters,
    cursor: Option<String>,
    subset: Subset,
    access: Access,
    caller: String,
}

impl PreparedHistory {
    /// Reads `_count`, `_since`, `_at`, `_list`, `_summary`, `_elements` and the cursor. A history of an instance needs `r`, the others `s`.
    pub(crate) fn new(
        server: &Server,
        actor: &Actor,
        scope: HistoryScope,
        parameters: &Parameters,
    ) -> Result<PreparedHistory, Error> {
        let access = match &scope {
            HistoryScope::Instance(type_, _) => require(actor, Letter::Read, *type_)?,
            HistoryScope::Type(type_) => require(actor, Letter::Search, *type_)?,
            HistoryScope::System => {
                let access = access(actor, Letter::Search, &[]);
                decision::any(&access)?;
                access
            }
        };
        let limits = &server.settings.search;
        let mut query = HistoryQuery {
            scope,
            since: None,
            at: None,
            listed: None,
            count: limits.page,
            after: None,
            total: true,
        };
        let mut lists = None;
        let (mut processed, mut cursor, mut view) = (Parameters::new(), None, View::default());
        for (name, value) in parameters {
            match &**name {
                "_count" => query.count = limits.count(name, value)?,
                "_since" => query.since = Some(interval(value).map(|(lo, _)| lo).ok_or_else(|| wrong(name))?),
                "_at" => {
                    query.at = Some(interval(value).ok_or_else(|| wrong(name))?);
                }
                "_list" => {
                    if lists.replace(Lists::new(actor, value)?).is_some() {
                        let message = "'_list' may come once. Separate the ids of several Lists by commas.";
                        return Err(Error::new(ErrorCode::InvalidParameter, message));
                    }
                }
                PARAMETER => {
                    cursor = Some(value.clone());
                    continue;
                }
                "_format" | "_pretty" => continue,
                "_summary" | "_elements" => drop(view.take(name, value)?),
                _ => {
                    let message = format!("A history does not know the parameter '{name}'. Leave it out.");
                    return Err(Error::new(ErrorCode::UnknownParameter, message));
                }
            }
            let value = if name == "_count" { query.count.to_string() } else { value.clone() };
            processed.push((name.clone(), value));
        }
        if view.is_count() {
            query.count = 0;
        }
        let types: &[TypeId] = match &query.scope {
            HistoryScope::Instance(type_, _) | HistoryScope::Type(type_) => &[*type_],
            HistoryScope::System => &[],
        };
        let subset = view.subset(types)?;
        let caller = super::caller(actor);
        if let Some(cursor) = &cursor {
            let seal = Seal { key: &server.settings.cursor_key, caller: &caller };
            let subject = history_subject(&query.scope, &processed);
            query.after = Some(seal.open_history(cursor, &subject, server.clock.now())?);
        }
        Ok(PreparedHistory { query, lists, processed, cursor, subset, access, caller })
    }

    /// Reads the page. The history of a resource that does not exist, or that the caller may not see, is 404.
    pub fn perform(&self, server: &Server, tx: &mut dyn ReadTx) -> Result<Answer, Error> {
        let query = match &self.lists {
            None => Cow::Borrowed(&self.query),
            Some(lists) => {
                tx.snapshot()?;
                let listed = Some(lists.read(server, tx)?);
                Cow::Owned(HistoryQuery { listed, ..self.query.clone() })
            }
        };
        let page = tx.history(&self.access, &query)?;
        if matches!(self.query.scope, HistoryScope::Instance(..))
            && page.total == Some(0)
            && self.query.since.is_none()
            && self.query.at.is_none()
            && self.lists.is_none()
        {
            return Err(super::not_found());
        }
        let now = server.clock.now();
        let seal = Seal { key: &server.settings.cursor_key, caller: &self.caller };
        let subject = history_subject(&self.query.scope, &self.processed);
        let next = page.next.map(|position| seal.history(position, &subject, now));
        let definitions = Definitions::r4();
        let path = match &self.query.scope {
            HistoryScope::Instance(type_, id) => format!("{}/{id}/_history", definitions.type_name(*type_)),
            HistoryScope::Type(type_) => format!("{}/_history", definitions.type_name(*type_)),
            HistoryScope::System => "_history".to_owned(),
        };
        let id = server.ids.resource_id();
        let head = Head {
            id: id.as_str(),
            now,
            base: &server.settings.base,
            path: &path,
            processed: &self.processed,
            cursor: self.cursor.as_deref(),
            previous: None,
            next: next.as_deref(),
            subset: &self.subset,
        };
        Ok(Answer::of(200, bundle::history(&head, &page)))
    }
}

/// The Lists that `_list` names, and who may look into them.
#[derive(Debug, Clone)]
struct Lists {
    type_: TypeId,
    ids: Vec<Id>,
    access: Access,
}

impl Lists {
    /// Reads `_list`: ids of Lists, or `List/id`, separated by commas. They are looked into by who may search them.
    ///
    /// Errors: [`ErrorCode::InvalidParameter`], [`ErrorCode::Forbidden`].
    fn new(actor: &Actor, value: &str) -> Result<Lists, Error> {
        let one =
            |text: &str| Id::parse(text.strip_prefix("List/").unwrap_or(text)).map_err(|_| wrong("_list"));
        let ids = value.split(',').map(one).collect::<Result<_, _>>()?;
        let type_ = Definitions::r4().endpoint("List");
        let type_ = type_.ok_or_else(|| Error::internal("there is no type List"))?;
        Ok(Lists { type_, ids, access: require(actor, Letter::Search, type_)? })
    }

    /// What the lists name, as far as it is on this server. One that is not there, or not the caller's to see, names
    /// nothing.
    ///
    /// Errors: [`ErrorCode::TooLarge`].
    fn read(&self, server: &Server, tx: &mut dyn ReadTx) -> Result<Vec<Listed>, Error> {
        let mut listed = Vec::new();
        for id in &self.ids {
            let stored = tx.read(&self.access, self.type_, id)?;
            let Some(stored) = stored.filter(|stored| stored.method != Method::Delete) else { continue };
            let list = Json::parse(&stored.body)?;
            let entries = list.get("entry").map(Json::each).unwrap_or_default();
            let links = entries.iter().filter_map(|entry| entry.get("item")?.get("reference")?.as_str());
            listed.extend(links.filter_map(|link| of_link(link, &server.settings.base)));
        }
        listed.sort_unstable();
        listed.dedup();
        let numbers: BTreeSet<Option<i64>> = listed.iter().map(|listed| listed.version).collect();
        if listed.len() > MOST_LISTED || numbers.len() > MOST_NUMBERS {
            let message = format!(
                "The lists name more than {MOST_LISTED} resources, or more than {MOST_NUMBERS} different numbers of \
                 versions. Name shorter ones."
            );
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        Ok(listed)
    }
}

/// What a reference in a list names; nothing for what is elsewhere, and for a version that nothing can have.
fn of_link(link: &str, base: &str) -> Option<Listed> {
    let target = reference::target(link, base).filter(|target| target.local)?;
    let (type_, id) = target.resource?;
    let key = resource_key(Definitions::r4().type_name(type_), id);
    let version = if target.version.is_empty() { None } else { Some(target.version.parse().ok()?) };
    Some(Listed { key, version })
}

/// The time that a date or instant spans. A plus sign in a query is a space unless it is encoded.
fn interval(text: &str) -> Option<(Instant, Instant)> {
    date::interval(&text.replace(' ', "+")).map(|(lo, hi)| (Instant(lo), Instant(hi)))
}

fn wrong(name: &str) -> Error {
    Error::new(ErrorCode::InvalidParameter, format!("The value of '{name}' cannot be read. Correct it."))
}
