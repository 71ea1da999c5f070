//! The conditional interactions (`FHIR R4 http.html#ccreate`, `#cond-update`, `#3.1.0.7.1`, `#trefs`): a search in place of
//! an id, and the one table of what follows from how many resources it finds.
//!
//! A condition finds what its caller may search, and nothing else: what is hidden neither matches nor is told by an answer.
//! What it finds is locked before it is written, and so is what it does not find ([`Condition::locks`]).

use super::write::{Content, Kind, Naming, PreparedWrite};
use super::{Parameters, search};
use crate::access::Access;
use crate::access::actor::Actor;
use crate::access::decision::require;
use crate::access::scope::Letter;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::hash::text_key;
use crate::index::{Facet, IndexValue, Indexed};
use crate::search::page::Seal;
use crate::search::query::{Criterion, Query, Test};
use crate::search::{Context, parse};
use crate::server::Server;
use crate::store::{Current, Lock, Stored, WriteTx};
use std::collections::{BTreeMap, BTreeSet};

/// Times that a search is run again because what it found has changed before it was locked.
const ROUNDS: usize = 5;

/// Locks that a request holds for its conditions on one type.
const MOST_LOCKS: usize = 500;

/// Parameters that shape an answer and choose nothing: a condition has none (`FHIR R4 http.html#trefs`).
const NOT_CRITERIA: [&str; 12] = [
    "_sort",
    "_count",
    "_total",
    "_summary",
    "_elements",
    "_include",
    "_revinclude",
    "_contained",
    "_containedType",
    "_cursor",
    "_score",
    "_query",
];

/// What a resource must be like to be the one that is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its type.
    pub type_: TypeId,
    pub(super) query: Query,
    /// What the caller may search.
    pub(super) access: Access,
    /// How many it may select; more for deletes alone.
    most: usize,
}

/// What a condition selects decides what is done: the table.
///
/// | | none | one | many |
/// |---|---|---|---|
/// | create | it is made | that one is the answer (200) | 412 |
/// | update | it is made; 409 if the id that it names is taken | that one is updated; 400 if it names another id | 412 |
/// | patch | 404 | that one is patched | 412 |
/// | delete | nothing (204) | that one is deleted | 412, or all, up to the limit, where that is allowed |
#[derive(Debug)]
pub(super) enum Resolution {
    /// This is written.
    Write(Box<PreparedWrite>),
    /// These are deleted.
    Deletes(Vec<PreparedWrite>),
    /// Nothing is written: it is there.
    Matched(Box<Stored>),
    /// Nothing is written: there is nothing to delete.
    Nothing,
}

impl Condition {
    /// Reads the search that stands for an id: criteria alone, at least one, and none that is ignored, whatever
    /// `Prefer: handling` says. The caller needs `s` of the type (and of those that chains look at).
    ///
    /// Errors: as a search's; [`ErrorCode::InvalidParameter`] for what is no criterion; [`ErrorCode::NotSelective`]
    /// without any; [`ErrorCode::Forbidden`].
    pub(crate) fn new(
        server: &Server,
        actor: &Actor,
        type_: TypeId,
        parameters: &[(String, String)],
    ) -> Result<Condition, Error> {
        require(actor, Letter::Search, type_)?;
        let criteria: Parameters =
            parameters.iter().filter(|(name, _)| name != "_format" && name != "_pretty").cloned().collect();
        for (name, _) in &criteria {
            let plain = name.split(':').next().unwrap_or_default();
            if NOT_CRITERIA.contains(&plain) {
                let message = format!("'{name}' chooses no resource. Leave it out of the condition.");
                return Err(Error::new(ErrorCode::InvalidParameter, message));
            }
        }
        let parameters = server.parameters();
        let context = Context {
            parameters: &parameters,
            limits: &server.settings.search,
            base: &server.settings.base,
            now: server.clock.now(),
            lenient: false,
            seal: Seal { key: &server.settings.cursor_key, caller: "" },
        };
        let mut parsed = parse(&context, Some(type_), &criteria)?;
        if parsed.query.criteria.is_empty() {
            let message = "A condition needs a search parameter: without one it would select every resource.";
            return Err(Error::new(ErrorCode::NotSelective, message));
        }
        parsed.query.count = 2;
        let access = search::decide(actor, &parsed)?;
        Ok(Condition { type_, query: parsed.query, access, most: 1 })
    }

    /// The same condition, which may select as many as `most`.
    #[must_use]
    pub(crate) fn at_most(mut self, most: usize) -> Condition {
        self.query.count = most.saturating_add(1).max(2);
        self.most = most;
        self
    }

    /// Reads `If-None-Exist`: the query of a search of `type_`, alone or behind the type's name and a question mark.
    pub(crate) fn if_none_exist(
        server: &Server,
        actor: &Actor,
        type_: TypeId,
        text: &str,
    ) -> Result<Condition, Error> {
        let name = Definitions::r4().type_name(type_);
        let query = match text.split_once('?') {
            Some((before, query)) if before.is_empty() || before.rsplit('/').next() == Some(name) => query,
            _ => text,
        };
        Condition::new(server, actor, type_, &super::address::parameters(query))
    }

    /// The locks under which nobody else can make what this condition, or another about the same resources, would find.
    ///
    /// A condition on an identifier shares the type with others of its kind and has that identifier, and those of
    /// `content`, to itself. Any other has the type to itself: what it might find cannot be told beforehand. Plain
    /// writes take none of these: they have no condition, so each stands as if it had come after.
    pub(crate) fn locks(&self, content: Option<&Content>) -> Vec<Lock> {
        let of = |what: &str| lock_key(self.type_, what);
        let mut keys = self.identifiers();
        let keyed = !keys.is_empty();
        if let Some(content) = content {
            keys.extend(identifiers(&content.indexed));
        }
        let alone = keys.into_iter().filter(|_| keyed);
        let mut locks: Vec<Lock> =
            alone.map(|key| Lock { key: of(&key.to_string()), shared: false }).collect();
        locks.push(Lock { key: of(""), shared: keyed });
        locks
    }

    /// Keys of the identifiers one of which whatever it selects must have; none if it can do without.
    fn identifiers(&self) -> Vec<i64> {
        let of_criterion = |criterion: &Criterion| match criterion {
            Criterion::Matches { parameter, facet: Facet::Value, tests, negated: false }
                if Definitions::r4().parameter_of(*parameter).code == "identifier" =>
            {
                let key = |test: &Test| match test {
                    Test::Token { code, .. } => *code,
                    _ => None,
                };
                tests.iter().map(key).collect::<Option<Vec<i64>>>()
            }
            _ => None,
        };
        self.query.criteria.iter().find_map(of_criterion).unwrap_or_default()
    }

    /// What it selects, one more than it may at most; `beyond` more where so many may not count.
    pub(super) fn find(&self, tx: &mut dyn WriteTx, beyond: usize) -> Result<Vec<Stored>, Error> {
        if beyond == 0 {
            return Ok(tx.search(&self.access, &self.query)?.matches);
        }
        let count = self.query.count.saturating_add(beyond);
        Ok(tx.search(&self.access, &Query { count, ..self.query.clone() })?.matches)
    }

    /// What it selects, locked for a write within `access`, as it is then.
    ///
    /// Errors: [`ErrorCode::Conflict`] when it keeps changing.
    fn select(&self, tx: &mut dyn WriteTx, access: &Access) -> Result<Vec<Stored>, Error> {
        for _ in 0..ROUNDS {
            let found = self.find(tx, 0)?;
            if found.is_empty() || found.len() > self.most {
                return Ok(found);
            }
            let keys: Vec<(TypeId, Id)> =
                found.iter().map(|stored| (stored.type_, stored.id.clone())).collect();
            let current = tx.current(access, &keys)?;
            let moved = found.iter().zip(&current).any(
                |(found, current)| matches!(current, Current::Present(now) if now.version != found.version),
            );
            if !moved {
                return Ok(found);
            }
        }
        let message = "What the condition selects is being changed all the time. Try again.";
        Err(Error::new(ErrorCode::Conflict, message))
    }

    /// Whether it selects more than it may.
    ///
    /// Errors: [`ErrorCode::MultipleMatches`].
    pub(super) fn check(&self, found: usize) -> Result<(), Error> {
        if found <= self.most {
            return Ok(());
        }
        let message = match self.most {
            1 => "The condition selects several resources. Make it select one.".to_owned(),
            most => format!("The condition selects more than {most} resources. Nothing was deleted."),
        };
        Err(Error::new(ErrorCode::MultipleMatches, message))
    }
}

/// What a lock of conditions on a type is about: an identifier, or with nothing the type as a whole.
fn lock_key(type_: TypeId, what: &str) -> i64 {
    text_key(&format!("condition\n{}\n{what}", Definitions::r4().type_name(type_)))
}

/// The locks of all writes of a request. A type of which it would hold many by their identifiers it has to itself: a database
/// has room for so many locks.
pub(super) fn locks<'w>(writes: impl Iterator<Item = &'w PreparedWrite>) -> Vec<Lock> {
    let mut by_type: BTreeMap<TypeId, BTreeSet<Lock>> = BTreeMap::new();
    for write in writes {
        if let Some(condition) = &write.condition {
            by_type.entry(condition.type_).or_default().extend(write.locks());
        }
    }
    let of_type = |(type_, locks): (TypeId, BTreeSet<Lock>)| match locks.len() {
        ..=MOST_LOCKS => locks,
        _ => BTreeSet::from([Lock { key: lock_key(type_, ""), shared: false }]),
    };
    by_type.into_iter().flat_map(of_type).collect()
}

/// Keys of the identifiers that a resource has.
fn identifiers(indexed: &Indexed) -> impl Iterator<Item = i64> + '_ {
    let definitions = Definitions::r4();
    indexed.entries.iter().filter_map(move |row| match &row.value {
        IndexValue::Token { code, .. }
            if row.facet == Facet::Value && definitions.parameter_of(row.parameter).code == "identifier" =>
        {
            Some(*code)
        }
        _ => None,
    })
}

impl PreparedWrite {
    /// What a conditional write does alone in `tx`. Its locks are held.
    pub(super) fn resolve(
        &self,
        server: &Server,
        tx: &mut dyn WriteTx,
        condition: &Condition,
    ) -> Result<Resolution, Error> {
        let found = match self.kind {
            Kind::Create => condition.find(tx, 0)?,
            _ => condition.select(tx, &self.access)?,
        };
        self.decide_on(server, condition, found)
    }

    /// The table of [`Resolution`].
    ///
    /// Errors: [`ErrorCode::MultipleMatches`]; for an update [`ErrorCode::InvalidValue`] if the resource names another id than
    /// the one found.
    pub(super) fn decide_on(
        &self,
        server: &Server,
        condition: &Condition,
        mut found: Vec<Stored>,
    ) -> Result<Resolution, Error> {
        condition.check(found.len())?;
        let count = found.len();
        let Some(first) = found.pop() else {
            return Ok(match self.kind {
                Kind::Create | Kind::Update => Resolution::Write(Box::new(self.without_condition())),
                Kind::Patch => return Err(super::not_found()),
                Kind::Delete => Resolution::Nothing,
            });
        };
        match self.kind {
            Kind::Create => Ok(Resolution::Matched(Box::new(first))),
            Kind::Update => {
                if self.naming == Naming::Unmatched && self.id != first.id {
                    let name = Definitions::r4().type_name(self.type_);
                    let message = "The resource has another id than the one that the condition selects. Leave the id out.";
                    return Err(Error::new(ErrorCode::InvalidValue, message).at(format!("{name}.id")));
                }
                self.about(server, first.id).map(|write| Resolution::Write(Box::new(write)))
            }
            Kind::Patch => self.about(server, first.id).map(|write| Resolution::Write(Box::new(write))),
            Kind::Delete if count == 1 => {
                self.about(server, first.id).map(|write| Resolution::Write(Box::new(write)))
            }
            Kind::Delete => {
                let all = found.into_iter().chain([first]);
                all.map(|stored| self.about(server, stored.id))
                    .collect::<Result<_, _>>()
                    .map(Resolution::Deletes)
            }
        }
    }

    /// The same write without its condition, which selects nothing.
    fn without_condition(&self) -> PreparedWrite {
        PreparedWrite { condition: None, ..self.clone() }
    }
}
