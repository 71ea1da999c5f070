//! `FHIR R4 http.html#transaction`: all entries or none, in the order DELETE, POST, PUT, GET, with the links between
//! them rewritten to the ids they get.

use super::address::parameters;
use super::conditional::{Condition, locks};
use super::entry::{Entry, MOST_FAULTS, path, placed, responses};
use super::resolution::{Plan, Search};
use super::write::{PreparedWrite, Written, store};
use super::{Answer, Interaction, provenance, resolution};
use crate::access::Access;
use crate::access::actor::Actor;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::interaction::write::Kind;
use crate::resource::link::{Links, Searched, Step, Target};
use crate::server::{Given, Prepared, Server, Work};
use crate::store::{Current, Lock, NewVersion, WriteTx};
use std::collections::HashMap;

/// A transaction, ready to be performed.
#[derive(Debug, Clone)]
pub struct PreparedTransaction {
    /// How many entries.
    count: usize,
    /// Writes with the places of their entries, in the order in which they are performed.
    pub(super) writes: Vec<(usize, PreparedWrite)>,
    /// Reads with the places of their entries.
    reads: Vec<(usize, Prepared)>,
    /// Searches in place of references.
    pub(super) searches: Vec<Search>,
    /// What stands for the resources of entries that only the store knows, or for their versions.
    pub(super) stand_ins: Vec<(usize, String)>,
    /// Locks that its conditions need.
    locks: Vec<Lock>,
}

impl PreparedTransaction {
    /// Gives every new resource its id, rewrites the links, prepares every entry.
    ///
    /// Errors: every entry that is wrong, named by its FHIRPath; nothing is performed then.
    pub(super) fn new(
        server: &Server,
        actor: &Actor,
        mut entries: Vec<Entry<'_>>,
    ) -> Result<PreparedTransaction, Error> {
        let count = entries.len();
        let ids = assign(server, &mut entries)?;
        let mut links = Links::provisional(server.ids.resource_id());
        let stand_ins = link(&mut links, &entries, &ids)?;
        let mut prepared = PreparedTransaction {
            count,
            writes: Vec::with_capacity(count),
            reads: Vec::new(),
            searches: Vec::new(),
            stand_ins,
            locks: Vec::new(),
        };
        let mut faults = Vec::new();
        for (mut entry, id) in entries.into_iter().zip(ids) {
            let (index, at, head) = (entry.index, entry.path(), entry.head);
            let full_url = entry.full_url.as_deref();
            links.begin(index);
            let resource = entry.resource.as_mut();
            let left = resource.map(|resource| links.rewrite(Step::BeforeCheck, resource, full_url));
            let left = left.unwrap_or_default();
            let given = Given {
                resource: entry.resource,
                id: id.map(|(_, id)| id),
                links: left.oids_and_uuids.then_some((&links, full_url)),
                provisional: left.provisional,
            };
            let done = entry.request.map_err(|error| error.below(&at)).and_then(|request| {
                server.prepare_entry(actor, request, given).map_err(|error| placed(error, &at))
            });
            match done {
                Ok(Prepared { work: Work::Write(write), .. }) => prepared.writes.push((index, *write)),
                Ok(read) => prepared.reads.push((index, Prepared { head, ..read })),
                Err(error) => faults.extend(error.into_issues()),
            }
            if faults.len() >= MOST_FAULTS {
                break;
            }
        }
        for (uri, Searched { stand_in, entry }) in links.into_searches() {
            match search(server, actor, &uri) {
                Ok(condition) => prepared.searches.push(Search { condition, index: entry, stand_in }),
                Err(error) => faults.extend(error.below(&format!("{}.resource", path(entry))).into_issues()),
            }
        }
        if let Some(error) = Error::of(faults) {
            return Err(error);
        }
        // One search may look at what another, in an entry before it, has found.
        prepared.searches.sort_by_key(|search| search.index);
        prepared.writes.sort_by_key(|(index, write)| (order(write.kind), *index));
        let named = prepared.writes.iter().filter(|(_, write)| write.condition.is_none());
        check_targets(named.map(|(index, write)| (*index, write)))?;
        prepared.locks = locks(prepared.writes());
        Ok(prepared)
    }

    /// The entries that write.
    pub(crate) fn writes(&self) -> impl Iterator<Item = &PreparedWrite> {
        self.writes.iter().map(|(_, write)| write)
    }

    /// Whether it has conditions, or links that only the store can tell.
    fn is_provisional(&self) -> bool {
        let provisional =
            |(_, write): &(usize, PreparedWrite)| write.condition.is_some() || write.is_provisional();
        !self.searches.is_empty() || self.writes.iter().any(provisional)
    }

    /// Performs all entries in `tx`; the first that fails fails them all.
    /// `provenance` is stored with them.
    pub fn perform(
        &self,
        server: &Server,
        tx: &mut dyn WriteTx,
        actor: &Actor,
        provenance: Option<&PreparedWrite>,
    ) -> Result<Answer, Error> {
        let mut answers: Vec<Option<Answer>> = vec![None; self.count];
        let provisional = self.is_provisional();
        let now = server.clock.now();
        tx.hold(&self.locks)?;
        let mut plan = if provisional {
            let plan = Plan::of(self, server, tx, now)?;
            check_targets(plan.steps.iter().map(|step| (step.index, &*step.write)))?;
            plan
        } else {
            Plan::plain(&self.writes)
        };
        let current = current(tx, &plan.steps)?;
        if provisional {
            plan.link(self, server, &current)?;
        }
        let mut versions: Vec<NewVersion> = Vec::with_capacity(plan.steps.len());
        for (step, state) in plan.steps.iter().zip(&current) {
            let outcome = step
                .write
                .check_readable(tx)
                .and_then(|()| step.write.decide(server, state, now))
                .map_err(|error| error.below(&path(step.index)))?;
            versions.extend(outcome.version);
            set(&mut answers, step.index, outcome.answer);
        }
        let written: Vec<Written> = match provenance {
            Some(_) => versions.iter().map(Written::of).collect(),
            None => Vec::new(),
        };
        store(server, tx, versions)?;
        if let Some(provenance) = provenance {
            provenance::store(provenance, server, tx, &written)?;
        }
        for (index, answer) in plan.answers {
            set(&mut answers, index, answer);
        }
        for (index, of) in plan.repeats {
            if let Some(answer) = answers.get(of).cloned().flatten() {
                set(&mut answers, index, Answer { status: 200, ..answer });
            }
        }
        for (index, read) in &self.reads {
            let found = server.perform_read(tx, actor, read).map_err(|error| error.below(&path(*index)))?;
            set(&mut answers, *index, found);
        }
        let answers: Vec<Result<Answer, Error>> = answers
            .into_iter()
            .map(|answer| answer.ok_or_else(|| Error::internal("an entry was not answered")))
            .collect();
        let body = responses("transaction-response", &answers);
        Ok(Answer::of(200, body))
    }
}

fn set(answers: &mut [Option<Answer>], index: usize, answer: Answer) {
    if let Some(place) = answers.get_mut(index) {
        *place = Some(answer);
    }
}

/// `FHIR R4 http.html#trules`: no resource is changed by two entries.
fn check_targets<'w>(writes: impl Iterator<Item = (usize, &'w PreparedWrite)>) -> Result<(), Error> {
    let mut seen = HashMap::new();
    for (index, write) in writes {
        if let Some(other) = seen.insert((write.type_, &write.id), index) {
            return Err(Error::new(
                ErrorCode::DuplicateTarget,
                format!("This entry changes the same resource as Bundle.entry[{other}]. Join them."),
            )
            .at(path(index)));
        }
    }
    Ok(())
}

/// The current versions that updates and deletes start from, one for each step: one call for each access.
fn current(tx: &mut dyn WriteTx, steps: &[resolution::Step<'_>]) -> Result<Vec<Current>, Error> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let write = &step.write;
        let Some(key) = write.key() else { continue };
        let known = groups.iter_mut().find(|group| *group.access == write.access);
        let group = match known {
            Some(group) => group,
            None => groups.push_mut(Group { access: &write.access, places: Vec::new(), keys: Vec::new() }),
        };
        group.places.push(place);
        group.keys.push(key);
    }
    let mut found = vec![Current::Absent; steps.len()];
    for group in groups {
        for (place, current) in group.places.into_iter().zip(tx.current(group.access, &group.keys)?) {
            if let Some(found) = found.get_mut(place) {
                *found = current;
            }
        }
    }
    Ok(found)
}

/// Writes with the same access: the places of their entries and the resources they write.
struct Group<'a> {
    access: &'a Access,
    places: Vec<usize>,
    keys: Vec<(TypeId, Id)>,
}

/// Adds the links to the entries, and answers what stands for those that only the store knows.
///
/// Errors: two entries with the same `fullUrl`.
fn link(
    links: &mut Links,
    entries: &[Entry<'_>],
    ids: &[Option<(TypeId, Id)>],
) -> Result<Vec<(usize, String)>, Error> {
    let mut stand_ins = Vec::new();
    for (entry, id) in entries.iter().zip(ids) {
        let (Some((type_, id)), Some(full_url)) = (id, &entry.full_url) else { continue };
        let name = Definitions::r4().type_name(*type_);
        let request = entry.request.as_ref().ok();
        let (known, first) = match request.map(|request| (&request.interaction, &request.if_none_exist)) {
            Some((Interaction::Create(..), None)) => (true, true),
            Some((Interaction::Update(..), _)) => (true, false),
            _ => (false, false),
        };
        let stand_in = if first { String::new() } else { links.stand_in(name, &entry.path()) };
        let text = if known { format!("{name}/{id}") } else { stand_in.clone() };
        let of = if first { &text } else { &stand_in };
        let target = Target {
            versioned: Some(format!("{of}/_history/1")),
            text,
            provisional: !known,
            provisional_version: !first,
        };
        if !first {
            stand_ins.push((entry.index, stand_in));
        }
        if !links.add(full_url, target) {
            let message = "Two entries have this fullUrl, so that links to it are ambiguous.";
            return Err(
                Error::new(ErrorCode::DuplicateTarget, message).at(format!("{}.fullUrl", path(entry.index)))
            );
        }
    }
    Ok(stand_ins)
}

/// Reads a search in place of a reference (`FHIR R4 http.html#trules`).
fn search(server: &Server, actor: &Actor, uri: &str) -> Result<Condition, Error> {
    let (name, query) = uri.split_once('?').unwrap_or((uri, ""));
    let type_ = Definitions::r4()
        .endpoint(name)
        .ok_or_else(|| Error::internal("a search in place of a reference has no type"))?;
    Condition::new(server, actor, type_, &parameters(query))
}

/// The id that each entry's resource has or gets; none for entries that write no resource.
fn assign(server: &Server, entries: &mut [Entry<'_>]) -> Result<Vec<Option<(TypeId, Id)>>, Error> {
    let id = |entry: &mut Entry<'_>| match entry.request.as_ref().map(|request| &request.interaction) {
        Ok(Interaction::Create(type_, _)) => Ok(Some((*type_, server.ids.resource_id()))),
        Ok(Interaction::Update(type_, id, _)) => Ok(Some((*type_, id.clone()))),
        Ok(Interaction::ConditionalUpdate(type_, ..)) => Ok(Some((*type_, server.ids.resource_id()))),
        Ok(Interaction::Bundle(_)) => {
            Err(Error::new(ErrorCode::NotSupported, "An entry may not hold a batch.").at(entry.path()))
        }
        _ => Ok(None),
    };
    entries.iter_mut().map(id).collect()
}

const fn order(kind: Kind) -> u8 {
    match kind {
        Kind::Delete => 0,
        Kind::Create => 1,
        Kind::Update | Kind::Patch => 2,
    }
}
