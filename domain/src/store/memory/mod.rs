//! A store of maps, for tests: what SQL must answer, said as plainly as possible. It is not fast and keeps nothing.

mod authorization;
mod evaluate;
mod import;
mod index;
mod integrity;
mod job;
mod search;
mod set;

use super::authorization::{Kind, Record};
use super::index::{Defined, IndexState};
use super::{
    Current, Executor, HistoryPage, HistoryPosition, HistoryQuery, HistoryScope, Listed, Lock, Matches,
    Method, NewVersion, ReadJob, ReadTx, Stored, WriteJob, WriteTx,
};
use crate::access::Access;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::hash::resource_key;
use crate::index::{FORMAT, Indexed};
use crate::search::query::Query;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// The store. Jobs run one after the other on the thread that brings them.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

/// All resources with all their versions.
#[derive(Debug, Clone)]
struct State {
    resources: Vec<Resource>,
    /// Places in `resources`, by [`resource_key`].
    keys: HashMap<i64, usize>,
    /// The authorization server's records.
    records: BTreeMap<(Kind, String), Record>,
    /// What imports have finished.
    imported: BTreeSet<String>,
    /// Background work.
    jobs: Vec<job::Held>,
    /// Under what it is indexed.
    index: IndexState,
    /// Custom search parameters.
    defined: Vec<Defined>,
}

impl Default for State {
    fn default() -> State {
        State {
            resources: Vec::new(),
            keys: HashMap::new(),
            records: BTreeMap::new(),
            imported: BTreeSet::new(),
            jobs: Vec::new(),
            index: IndexState { format: FORMAT, wanted: FORMAT, generation: 1 },
            defined: Vec::new(),
        }
    }
}

/// A resource; its row is its place plus one.
#[derive(Debug, Clone)]
struct Resource {
    key: i64,
    /// Oldest first; never empty.
    versions: Vec<Version>,
}

#[derive(Debug, Clone)]
struct Version {
    stored: Stored,
    indexed: Indexed,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }
}

impl Executor for MemoryStore {
    fn read(&self, job: ReadJob) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        job(Ok(&mut Transaction { state: &mut state, before_trial: None }));
        Ok(())
    }

    fn write(&self, mut job: Box<dyn WriteJob>) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.clone();
        let outcome = job.run(&mut Transaction { state: &mut state, before_trial: None });
        if outcome.is_err() {
            *state = before;
        }
        drop(state);
        job.done(outcome);
        Ok(())
    }
}

struct Transaction<'s> {
    state: &'s mut State,
    /// What a trial goes back to.
    before_trial: Option<State>,
}

fn key(type_: TypeId, id: &Id) -> i64 {
    resource_key(Definitions::r4().type_name(type_), id.as_str())
}

impl State {
    fn find(&self, key: i64) -> Option<&Resource> {
        self.keys.get(&key).and_then(|place| self.resources.get(*place))
    }

    fn write(&mut self, new: NewVersion) -> Result<(), Error> {
        let key = key(new.type_, &new.id);
        let conflict = || {
            Error::new(ErrorCode::Conflict, "Another request changed the resource. Read it and try again.")
        };
        let NewVersion { type_, id, version, row, updated, method, body, mut indexed, .. } = new;
        let place = match self.keys.get(&key) {
            Some(place) => *place,
            None => self.resources.len(),
        };
        let number = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(1);
        let stored = Stored { row: number, type_, id, version, updated, method, body };
        match (self.resources.get_mut(place), row) {
            (None, None) => {
                self.keys.insert(key, place);
                self.resources.push(Resource { key, versions: vec![Version { stored, indexed }] });
                Ok(())
            }
            (Some(resource), Some(row)) if row == number => {
                let last = resource.versions.last().filter(|last| last.stored.version + 1 == version);
                let last = last.ok_or_else(conflict)?;
                if method == Method::Delete {
                    // A tombstone stays in the compartments of the version it ends.
                    indexed = Indexed { entries: Vec::new(), ..last.indexed.clone() };
                }
                resource.versions.push(Version { stored, indexed });
                Ok(())
            }
            _ => Err(conflict()),
        }
    }
}

impl ReadTx for Transaction<'_> {
    fn read(&mut self, access: &Access, type_: TypeId, id: &Id) -> Result<Option<Stored>, Error> {
        let current = self.state.find(key(type_, id)).and_then(|resource| resource.versions.last());
        Ok(current.filter(|version| self.state.covers(access, version)).map(|version| version.stored.clone()))
    }

    fn vread(
        &mut self,
        access: &Access,
        type_: TypeId,
        id: &Id,
        version: i64,
    ) -> Result<Option<Stored>, Error> {
        let mut versions =
            self.state.find(key(type_, id)).into_iter().flat_map(|resource| &resource.versions);
        let found = versions.find(|found| found.stored.version == version);
        Ok(found.filter(|version| self.state.covers(access, version)).map(|version| version.stored.clone()))
    }

    fn history(&mut self, access: &Access, query: &HistoryQuery) -> Result<HistoryPage, Error> {
        let mut found: Vec<&Stored> = Vec::new();
        for resource in &self.state.resources {
            let next = resource.versions.iter().skip(1).map(Some).chain([None]);
            for (version, next) in resource.versions.iter().zip(next) {
                let stored = &version.stored;
                let in_scope = match &query.scope {
                    HistoryScope::Instance(type_, id) => stored.type_ == *type_ && stored.id == *id,
                    HistoryScope::Type(type_) => stored.type_ == *type_,
                    HistoryScope::System => true,
                };
                let since = query.since.is_none_or(|since| stored.updated >= since);
                let at = query.at.is_none_or(|(lo, hi)| {
                    stored.updated < hi && next.is_none_or(|next| next.stored.updated > lo)
                });
                let listed = query.listed.as_ref().is_none_or(|listed| {
                    let names = |one: &Listed| {
                        one.key == resource.key && one.version.is_none_or(|named| named == stored.version)
                    };
                    listed.iter().any(names)
                });
                if listed && in_scope && since && at && self.state.covers(access, version) {
                    found.push(stored);
                }
            }
        }
        let position = |stored: &Stored| HistoryPosition {
            updated: stored.updated,
            row: stored.row,
            version: stored.version,
        };
        let order = |position: HistoryPosition| (position.updated, position.row, position.version);
        found.sort_by_key(|stored| std::cmp::Reverse(order(position(stored))));
        let total = query.total.then(|| u64::try_from(found.len()).unwrap_or(u64::MAX));
        if let Some(after) = query.after {
            found.retain(|stored| order(position(stored)) < order(after));
        }
        let more = query.count > 0 && found.len() > query.count;
        found.truncate(query.count);
        let next = found.last().filter(|_| more).map(|last| position(last));
        Ok(HistoryPage { versions: found.into_iter().cloned().collect(), total, next })
    }

    fn search(&mut self, access: &Access, query: &Query) -> Result<Matches, Error> {
        let query = self.state.with_sets(access, query)?;
        Ok(self.state.search(access, &query))
    }
}

impl WriteTx for Transaction<'_> {
    fn hold(&mut self, _locks: &[Lock]) -> Result<(), Error> {
        Ok(())
    }

    fn current(&mut self, access: &Access, keys: &[(TypeId, Id)]) -> Result<Vec<Current>, Error> {
        let one = |(type_, id): &(TypeId, Id)| {
            let current = self.state.find(key(*type_, id)).and_then(|resource| resource.versions.last());
            match current {
                None => Current::Absent,
                Some(version) if self.state.covers(access, version) => {
                    Current::Present(version.stored.clone())
                }
                Some(_) => Current::Hidden,
            }
        };
        Ok(keys.iter().map(one).collect())
    }

    fn write(&mut self, versions: Vec<NewVersion>) -> Result<(), Error> {
        versions.into_iter().try_for_each(|version| self.state.write(version))
    }

    fn begin_trial(&mut self) -> Result<(), Error> {
        self.before_trial = Some(self.state.clone());
        Ok(())
    }

    fn end_trial(&mut self) -> Result<(), Error> {
        if let Some(before) = self.before_trial.take() {
            *self.state = before;
        }
        Ok(())
    }
}
