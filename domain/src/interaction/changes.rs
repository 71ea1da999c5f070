//! What the writes of a transaction so far make of the store, for the conditions that come after them.
//!
//! What the index rows of a resource tell ([`Condition::is_of_rows`]) is told by those in memory. Any other condition is a
//! search of the store, to which the writes so far are given on trial; before they are written they are taken away again.

use super::conditional::Condition;
use super::entry::path;
use super::keyed::Keyed;
use super::resolution::Step;
use super::waiting::Waiting;
use super::write::{Content, Kind, PreparedWrite, following, index_anew};
use super::{content, patch};
use crate::access::Access;
use crate::clock::Instant;
use crate::conformance::TypeId;
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::Indexed;
use crate::server::Server;
use crate::store::{Current, Method, NewVersion, Stored, WriteTx};
use std::collections::{BTreeSet, HashMap, HashSet};

/// One thing that a condition selects.
pub(super) enum Found {
    /// It is stored.
    Stored(Stored),
    /// An entry makes it.
    Made { entry: usize, id: Id },
}

impl Found {
    pub(super) fn maker(&self) -> Option<usize> {
        match self {
            Found::Made { entry, .. } => Some(*entry),
            Found::Stored(_) => None,
        }
    }

    pub(super) fn stored(self) -> Option<Stored> {
        match self {
            Found::Stored(stored) => Some(stored),
            Found::Made { .. } => None,
        }
    }
}

/// A resource that a step makes.
struct Made {
    /// The place of the step.
    step: usize,
    /// Its content where that is not the step's: a patch applied, or links that are known by now.
    content: Option<Box<Content>>,
}

impl Made {
    fn content<'s>(&'s self, steps: &'s [Step<'_>]) -> Option<&'s Content> {
        let of_step = || steps.get(self.step).and_then(|step| step.write.content.as_ref());
        self.content.as_deref().or_else(of_step)
    }
}

/// What the writes so far make of the store.
pub(super) struct Changes<'s> {
    server: &'s Server,
    now: Instant,
    /// Resources that are no more as they are stored.
    replaced: HashMap<TypeId, HashSet<Id>>,
    made: Vec<Made>,
    /// Places in `made`.
    of_type: HashMap<TypeId, Vec<usize>>,
    /// The same, by what conditions ask for.
    keyed: Keyed,
    /// The entries that change or delete a resource.
    changed: HashMap<(TypeId, Id), usize>,
    /// Places of patches that have not been applied yet.
    unpatched: Vec<usize>,
    waiting: Waiting,
    /// What conditions that are searches selected before there were changes, by their entries.
    before: HashMap<usize, Vec<(TypeId, Id)>>,
    /// What is not on trial yet: places in `made`, and steps that delete.
    pending: BTreeSet<usize>,
    deletes: Vec<usize>,
    /// Places in `made` that are on trial.
    given: HashSet<usize>,
    on_trial: bool,
}

impl<'s> Changes<'s> {
    /// No changes yet, at the time `now`.
    pub(super) fn new(server: &'s Server, now: Instant, waiting: Waiting, keyed: Keyed) -> Changes<'s> {
        Changes {
            server,
            now,
            replaced: HashMap::new(),
            made: Vec::new(),
            of_type: HashMap::new(),
            keyed,
            changed: HashMap::new(),
            unpatched: Vec::new(),
            waiting,
            before: HashMap::new(),
            pending: BTreeSet::new(),
            deletes: Vec::new(),
            given: HashSet::new(),
            on_trial: false,
        }
    }

    /// Takes note of the step at `place`.
    pub(super) fn note(&mut self, place: usize, step: &Step<'_>) {
        let write = &step.write;
        match (&write.content, write.kind) {
            (_, Kind::Delete) => {
                self.replaced.entry(write.type_).or_default().insert(write.id.clone());
                self.changed.insert((write.type_, write.id.clone()), step.index);
                self.deletes.push(place);
            }
            (Some(content), _) => self.make(Made { step: place, content: None }, step, content),
            (None, _) => self.unpatched.push(place),
        }
    }

    /// Takes note that the resource of the entry `index` is `type_`/`id`.
    pub(super) fn resolve(&mut self, index: usize, type_: TypeId, id: &Id) {
        self.waiting.resolve(index, type_, id);
    }

    /// Takes note of what a search in place of references found.
    pub(super) fn found(&mut self, stand_in: &str, text: &str) {
        self.waiting.found(stand_in, text);
    }

    fn make(&mut self, made: Made, step: &Step<'_>, content: &Content) {
        let (write, at) = (&step.write, self.made.len());
        self.of_type.entry(write.type_).or_default().push(at);
        self.keyed.add(at, &content.indexed);
        self.changed.insert((write.type_, write.id.clone()), step.index);
        if content.provisional {
            self.waiting.add(at, &content.indexed);
        }
        self.pending.insert(at);
        self.made.push(made);
    }

    /// From here on what the steps update is as they leave it.
    pub(super) fn replace(&mut self, steps: &[Step<'_>]) {
        for step in steps.iter().filter(|step| step.write.kind != Kind::Create) {
            self.replaced.entry(step.write.type_).or_default().insert(step.write.id.clone());
        }
    }

    /// Looks what the condition of an update, patch or delete selects before there are changes. It may not come to what
    /// another entry changes.
    pub(super) fn foresee(
        &mut self,
        tx: &mut dyn WriteTx,
        (index, write): (usize, &PreparedWrite),
        condition: &Condition,
    ) -> Result<(), Error> {
        if write.kind != Kind::Create && !condition.is_of_rows() {
            let found = condition.find(tx, 0)?.into_iter().map(|stored| (stored.type_, stored.id));
            self.before.insert(index, found.collect());
        }
        Ok(())
    }

    /// What a condition of the entry `entry` selects now; if not `as_left`, also what is stored but replaced since. An update
    /// or a delete that selects such a resource overlaps with the entry that replaces it, which is for the caller to refuse.
    ///
    /// Errors: the condition looks at a link that is not known yet; a patch does not apply; what it selects overlaps.
    pub(super) fn find(
        &mut self,
        tx: &mut dyn WriteTx,
        steps: &mut [Step<'_>],
        condition: &Condition,
        (entry, as_left): (usize, bool),
    ) -> Result<Vec<Found>, Error> {
        self.patch(tx, steps)?;
        self.link(steps, condition)?;
        if !condition.is_of_rows() {
            return self.try_out(tx, steps, condition, entry);
        }
        let replaced = self.replaced.get(&condition.type_).filter(|_| as_left);
        let mut found = self.made_for(steps, condition);
        let made: HashSet<String> = found
            .iter()
            .filter_map(|found| match found {
                Found::Made { id, .. } => Some(id.to_string()),
                Found::Stored(_) => None,
            })
            .collect();
        let stored = condition.find(tx, replaced.map_or(0, HashSet::len))?;
        let stays = |stored: &Stored| {
            !replaced.is_some_and(|replaced| replaced.contains(&stored.id))
                && !made.contains(stored.id.as_str())
        };
        found.extend(stored.into_iter().filter(stays).map(Found::Stored));
        Ok(found)
    }

    /// Takes away what is on trial.
    pub(super) fn end(self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        if self.on_trial { tx.end_trial() } else { Ok(()) }
    }

    fn made_for(&self, steps: &[Step<'_>], condition: &Condition) -> Vec<Found> {
        let type_ = condition.type_;
        let all = || self.of_type.get(&type_).into_iter().flatten().copied().collect();
        let places: BTreeSet<usize> = self.keyed.places(condition).unwrap_or_else(all);
        let selected = |at: usize| {
            let made = self.made.get(at)?;
            let step = steps.get(made.step)?;
            let id = &step.write.id;
            let of_type = step.write.type_ == type_;
            let selected = of_type && condition.would_select(id, made.content(steps)?);
            selected.then(|| Found::Made { entry: step.index, id: id.clone() })
        };
        places.into_iter().filter_map(selected).collect()
    }

    /// Applies the patches so far: what they make is what a condition after them sees.
    fn patch(&mut self, tx: &mut dyn WriteTx, steps: &mut [Step<'_>]) -> Result<(), Error> {
        for place in std::mem::take(&mut self.unpatched) {
            let Some(step) = steps.get_mut(place) else { continue };
            let patched = patch_of(&step.write, self.server, tx, self.now);
            // What is not there or deleted is refused when the steps are performed.
            let Some((version, content)) = patched.map_err(|error| error.below(&path(step.index)))? else {
                continue;
            };
            step.found = Some(version);
            let step = &*step;
            self.make(Made { step: place, content: Some(Box::new(content.clone())) }, step, &content);
        }
        Ok(())
    }

    /// Rewrites the links that a condition looks at, where it is known by now what they lead to.
    ///
    /// Errors: it is not.
    fn link(&mut self, steps: &[Step<'_>], condition: &Condition) -> Result<(), Error> {
        let made = &self.made;
        let matters = |at: usize, parameter| {
            let known = made.get(at).and_then(|made| Some((made.content(steps)?, steps.get(made.step)?)));
            known.is_some_and(|(content, step)| {
                condition.could_select((step.write.type_, &step.write.id), content, parameter)
            })
        };
        for at in self.waiting.ready(condition.looks_at(), matters)? {
            let Some(made) = self.made.get_mut(at) else { continue };
            let (Some(step), Some(content)) = (steps.get(made.step), made.content(steps)) else { continue };
            let (type_, id) = (step.write.type_, &step.write.id);
            let again = content::again(self.server, type_, id, content, Some(self.waiting.links()))?;
            self.keyed.add(at, &again.indexed);
            made.content = Some(Box::new(Content { provisional: true, ..again }));
            self.pending.insert(at);
        }
        Ok(())
    }

    /// Searches the store as it would be.
    fn try_out(
        &mut self,
        tx: &mut dyn WriteTx,
        steps: &[Step<'_>],
        condition: &Condition,
        entry: usize,
    ) -> Result<Vec<Found>, Error> {
        let overlaps = |key: &(TypeId, Id)| self.changed.get(key).copied();
        if let Some(other) = self.before.get(&entry).into_iter().flatten().find_map(overlaps) {
            return Err(overlap(other));
        }
        self.give(tx, steps)?;
        let found = condition.find(tx, 0)?;
        let origin = |stored: Stored| match self.changed.get(&(stored.type_, stored.id.clone())) {
            Some(entry) => Found::Made { entry: *entry, id: stored.id },
            None => Found::Stored(stored),
        };
        Ok(found.into_iter().map(origin).collect())
    }

    /// Gives the store what it does not have on trial yet.
    fn give(&mut self, tx: &mut dyn WriteTx, steps: &[Step<'_>]) -> Result<(), Error> {
        if !self.on_trial {
            tx.begin_trial()?;
            self.on_trial = true;
        }
        let mut writes: Vec<Trial<'_>> = Vec::new();
        for at in std::mem::take(&mut self.pending) {
            let again = !self.given.insert(at);
            let Some(made) = self.made.get(at) else { continue };
            let (Some(step), content) = (steps.get(made.step), made.content(steps)) else { continue };
            writes.push(Trial { write: &step.write, content, again });
        }
        let deletes = std::mem::take(&mut self.deletes);
        let deletes = deletes.into_iter().filter_map(|place| steps.get(place));
        writes.extend(deletes.map(|step| Trial { write: &step.write, content: None, again: false }));
        let keys: Vec<(TypeId, Id)> =
            writes.iter().map(|trial| (trial.write.type_, trial.write.id.clone())).collect();
        // Nobody sees this; whether the caller may write it is decided when it is written.
        let current = tx.current(&Access::everything(), &keys)?;
        let versions = writes.iter().zip(&current);
        let mut versions: Vec<NewVersion> =
            versions.filter_map(|(trial, current)| trial.version(current, self.now)).collect();
        index_anew(self.server, tx, &mut versions)?;
        tx.write(versions)
    }
}

/// The refusal of an entry that comes to the resource of another.
pub(super) fn overlap(other: usize) -> Error {
    let message = format!(
        "This entry's condition selects the resource that Bundle.entry[{other}] writes or deletes. Join them."
    );
    Error::new(ErrorCode::DuplicateTarget, message)
}

/// What a patch makes of the current version, and which that is; nothing if there is none.
fn patch_of(
    write: &PreparedWrite,
    server: &Server,
    tx: &mut dyn WriteTx,
    now: Instant,
) -> Result<Option<(i64, Content)>, Error> {
    let stored = tx.read(&write.access, write.type_, &write.id)?;
    let Some(stored) = stored.filter(|stored| stored.method != Method::Delete) else { return Ok(None) };
    write.check_readable(tx)?;
    patch::patched(write, server, &stored, now).map(|content| Some((stored.version, content)))
}

/// A write on trial.
struct Trial<'a> {
    write: &'a PreparedWrite,
    /// None for a delete.
    content: Option<&'a Content>,
    /// Whether it is there already, with other links.
    again: bool,
}

impl Trial<'_> {
    /// The version that it would make; none where it changes nothing.
    fn version(&self, current: &Current, now: Instant) -> Option<NewVersion> {
        let stored = match current {
            Current::Present(stored) => Some(stored),
            Current::Absent | Current::Hidden => None,
        };
        let deleted = stored.is_some_and(|stored| stored.method == Method::Delete);
        let updated = match stored {
            Some(stored) if self.again => stored.updated,
            stored => following(stored, now),
        };
        let version = stored.map_or(1, |stored| stored.version + 1);
        let (method, body, indexed) = match self.content {
            Some(content) => {
                if !deleted && stored.is_some_and(|stored| content.body.same_content(&stored.body)) {
                    return None;
                }
                let method = if stored.is_some() { Method::Update } else { Method::Create };
                (method, content.body.finish(version, updated), content.indexed.clone())
            }
            None => {
                stored.filter(|_| !deleted)?;
                (Method::Delete, Vec::new(), Indexed::default())
            }
        };
        Some(NewVersion {
            type_: self.write.type_,
            id: self.write.id.clone(),
            version,
            row: stored.map(|stored| stored.row),
            revives: deleted,
            updated,
            method,
            body,
            indexed,
        })
    }
}
