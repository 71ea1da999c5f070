//! `FHIR R4 http.html#transaction`: all entries or none, in the order DELETE, POST, PUT, GET, with the links between
//! them rewritten to the ids they get.

use super::entry::{Entry, MOST_FAULTS, path, placed, responses};
use super::write::{PreparedWrite, store};
use super::{Answer, Interaction};
use crate::access::Access;
use crate::access::actor::Actor;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::interaction::write::Kind;
use crate::resource::link::{Left, Links, Step};
use crate::server::{Given, Prepared, Server, Work};
use crate::store::{Current, NewVersion, WriteTx};
use std::collections::HashMap;

/// A transaction, ready to be performed.
#[derive(Debug, Clone)]
pub struct PreparedTransaction {
    /// How many entries.
    count: usize,
    /// Writes with the places of their entries, in the order in which they are performed.
    writes: Vec<(usize, PreparedWrite)>,
    /// Reads with the places of their entries.
    reads: Vec<(usize, Prepared)>,
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
        let mut links = Links::default();
        for (entry, (type_, id)) in
            entries.iter().zip(&ids).filter_map(|(entry, id)| Some((entry, id.as_ref()?)))
        {
            if let Some(full_url) = &entry.full_url {
                let target = format!("{}/{id}", Definitions::r4().type_name(*type_));
                if !links.add(full_url, target) {
                    let message = "Two entries have this fullUrl, so that links to it are ambiguous.";
                    return Err(Error::new(ErrorCode::DuplicateTarget, message)
                        .at(format!("{}.fullUrl", path(entry.index))));
                }
            }
        }
        let mut prepared =
            PreparedTransaction { count, writes: Vec::with_capacity(count), reads: Vec::new() };
        let mut faults = Vec::new();
        for (mut entry, id) in entries.into_iter().zip(ids) {
            let (index, at) = (entry.index, entry.path());
            let full_url = entry.full_url.as_deref();
            let later = entry.resource.as_mut().is_some_and(|resource| {
                links.rewrite(Step::BeforeCheck, resource, full_url) == Left::OidsAndUuids
            });
            let given = Given {
                resource: entry.resource,
                id: id.map(|(_, id)| id),
                links: later.then_some((&links, full_url)),
            };
            let done = entry.request.map_err(|error| error.below(&at)).and_then(|request| {
                server.prepare_entry(actor, request, given).map_err(|error| placed(error, &at))
            });
            match done {
                Ok(Prepared { work: Work::Write(write) }) => prepared.writes.push((index, *write)),
                Ok(read) => prepared.reads.push((index, read)),
                Err(error) => faults.extend(error.into_issues()),
            }
            if faults.len() >= MOST_FAULTS {
                break;
            }
        }
        if let Some(error) = Error::of(faults) {
            return Err(error);
        }
        prepared.check_targets()?;
        prepared.writes.sort_by_key(|(index, write)| (order(write.kind), *index));
        Ok(prepared)
    }

    /// The entries that write.
    pub(crate) fn writes(&self) -> impl Iterator<Item = &PreparedWrite> {
        self.writes.iter().map(|(_, write)| write)
    }

    /// `FHIR R4 http.html#trules`: no resource is changed by two entries.
    fn check_targets(&self) -> Result<(), Error> {
        let mut seen = HashMap::with_capacity(self.writes.len());
        for (index, write) in &self.writes {
            if let Some(other) = seen.insert((write.type_, &write.id), index) {
                return Err(Error::new(
                    ErrorCode::DuplicateTarget,
                    format!("This entry changes the same resource as Bundle.entry[{other}]. Join them."),
                )
                .at(path(*index)));
            }
        }
        Ok(())
    }

    /// Performs all entries in `tx`; the first that fails fails them all.
    pub fn perform(&self, server: &Server, tx: &mut dyn WriteTx, actor: &Actor) -> Result<Answer, Error> {
        let mut answers: Vec<Option<Answer>> = vec![None; self.count];
        let mut current = self.current(tx)?;
        let mut versions: Vec<NewVersion> = Vec::with_capacity(self.writes.len());
        let now = server.clock.now();
        for (index, write) in &self.writes {
            let state = current.remove(index).unwrap_or(Current::Absent);
            let outcome = write.decide(&state, now).map_err(|error| error.below(&path(*index)))?;
            versions.extend(outcome.version);
            if let Some(answer) = answers.get_mut(*index) {
                *answer = Some(outcome.answer);
            }
        }
        store(server, tx, versions)?;
        for (index, read) in &self.reads {
            let found = server.perform_read(tx, actor, read).map_err(|error| error.below(&path(*index)))?;
            if let Some(answer) = answers.get_mut(*index) {
                *answer = Some(found);
            }
        }
        let answers: Vec<Result<Answer, Error>> = answers
            .into_iter()
            .map(|answer| answer.ok_or_else(|| Error::internal("an entry was not answered")))
            .collect();
        let body = responses("transaction-response", &answers);
        Ok(Answer { status: 200, body: Some(body), version: None, location: false })
    }

    /// The current versions that updates and deletes start from, by place of the entry: one call for each access.
    fn current(&self, tx: &mut dyn WriteTx) -> Result<HashMap<usize, Current>, Error> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (index, write) in &self.writes {
            let Some(key) = write.key() else { continue };
            let known = groups.iter_mut().find(|group| *group.access == write.access);
            let group = match known {
                Some(group) => group,
                None => {
                    groups.push_mut(Group { access: &write.access, places: Vec::new(), keys: Vec::new() })
                }
            };
            group.places.push(*index);
            group.keys.push(key);
        }
        let mut found = HashMap::new();
        for group in groups {
            found.extend(group.places.into_iter().zip(tx.current(group.access, &group.keys)?));
        }
        Ok(found)
    }
}

/// Writes with the same access: the places of their entries and the resources they write.
struct Group<'a> {
    access: &'a Access,
    places: Vec<usize>,
    keys: Vec<(TypeId, Id)>,
}

/// The id that each entry's resource has or gets; none for entries that write no resource.
fn assign(server: &Server, entries: &mut [Entry<'_>]) -> Result<Vec<Option<(TypeId, Id)>>, Error> {
    let id = |entry: &mut Entry<'_>| match entry.request.as_ref().map(|request| &request.interaction) {
        Ok(Interaction::Create(type_, _)) => Ok(Some((*type_, server.ids.resource_id()))),
        Ok(Interaction::Update(type_, id, _)) => Ok(Some((*type_, id.clone()))),
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
        Kind::Update => 2,
    }
}
