//! What the conditions of a transaction select, and the links that depend on it (`FHIR R4 http.html#trules`).
//!
//! A condition is judged in the place that its entry has in the order of processing: a POST after the DELETEs, a PUT after
//! the POSTs, a search in place of a reference after all ([`Changes`]).

use super::Answer;
use super::changes::{Changes, Found, overlap};
use super::conditional::{Condition, Resolution};
use super::entry::path;
use super::keyed::Keyed;
use super::transaction::PreparedTransaction;
use super::waiting::Waiting;
use super::write::{Kind, PreparedWrite};
use crate::clock::Instant;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::resource::link::{Links, Target};
use crate::server::Server;
use crate::store::{Current, Method, Stored, WriteTx};
use std::borrow::Cow;
use std::collections::HashMap;

/// A search in place of references: what it asks and what stands for its match.
#[derive(Debug, Clone)]
pub(super) struct Search {
    pub(super) condition: Condition,
    /// The first entry that has it.
    pub(super) index: usize,
    pub(super) stand_in: String,
}

/// A write whose resource is known.
pub(super) struct Step<'t> {
    /// The place of its entry in the Bundle.
    pub(super) index: usize,
    pub(super) write: Cow<'t, PreparedWrite>,
    /// The version that its condition found, or that its patch was applied to.
    pub(super) found: Option<i64>,
}

impl<'t> Step<'t> {
    /// A write without a condition.
    pub(super) const fn plain(index: usize, write: &'t PreparedWrite) -> Step<'t> {
        Step { index, write: Cow::Borrowed(write), found: None }
    }
}

/// A transaction whose conditions are resolved.
pub(super) struct Plan<'t> {
    /// What is written, in order.
    pub(super) steps: Vec<Step<'t>>,
    /// Answers of entries that write nothing, or more than one resource.
    pub(super) answers: Vec<(usize, Answer)>,
    /// Entries that come to the resource that another makes, with that other.
    pub(super) repeats: Vec<(usize, usize)>,
    /// The resources that entries are about, and their versions where they stay as they are.
    ends: HashMap<usize, (TypeId, Id, Option<i64>)>,
    /// What stands for searches, and what these found.
    references: Vec<(String, String)>,
}

impl<'t> Plan<'t> {
    /// Resolves the conditions of a transaction. Their locks are held.
    ///
    /// Errors: those of the table of [`Resolution`], at their entries.
    pub(super) fn of(
        transaction: &'t PreparedTransaction,
        server: &Server,
        tx: &mut dyn WriteTx,
        now: Instant,
    ) -> Result<Plan<'t>, Error> {
        let (steps, ends) = (Vec::with_capacity(transaction.writes.len()), HashMap::new());
        let mut plan = Plan { steps, ends, answers: Vec::new(), repeats: Vec::new(), references: Vec::new() };
        let conditions = transaction.writes.iter().filter_map(|(_, write)| write.condition.as_deref());
        let keyed = Keyed::of(conditions.chain(transaction.searches.iter().map(|search| &search.condition)));
        let mut changes = Changes::new(server, now, Waiting::of(transaction), keyed);
        for (index, write) in &transaction.writes {
            match &write.condition {
                None => changes.resolve(*index, write.type_, &write.id),
                Some(condition) => changes
                    .foresee(tx, (*index, write), condition)
                    .map_err(|error| error.below(&path(*index)))?,
            }
        }
        for (index, write) in &transaction.writes {
            let before = plan.steps.len();
            match &write.condition {
                None => plan.step(*index, Cow::Borrowed(write), None),
                Some(condition) => {
                    changes
                        .find(tx, &mut plan.steps, condition, (*index, write.kind == Kind::Create))
                        .and_then(|found| plan.take(server, (*index, write), condition, found))
                        .map_err(|error| error.below(&path(*index)))?;
                    if let Some((type_, id, _)) = plan.ends.get(index) {
                        changes.resolve(*index, *type_, id);
                    }
                }
            }
            plan.steps.iter().enumerate().skip(before).for_each(|(place, step)| changes.note(place, step));
        }
        changes.replace(&plan.steps);
        for search in &transaction.searches {
            let found = changes.find(tx, &mut plan.steps, &search.condition, (search.index, true));
            let target = found.and_then(|found| plan.referred(&search.condition, found));
            let target = target.map_err(|error| error.below(&path(search.index)))?;
            changes.found(&search.stand_in, &target);
            plan.references.push((search.stand_in.clone(), target));
        }
        changes.end(tx)?;
        Ok(plan)
    }

    /// A transaction without conditions.
    pub(super) fn plain(writes: &'t [(usize, PreparedWrite)]) -> Plan<'t> {
        Plan {
            steps: writes.iter().map(|(index, write)| Step::plain(*index, write)).collect(),
            answers: Vec::new(),
            repeats: Vec::new(),
            ends: HashMap::new(),
            references: Vec::new(),
        }
    }

    fn step(&mut self, index: usize, write: Cow<'t, PreparedWrite>, found: Option<i64>) {
        self.ends.insert(index, (write.type_, write.id.clone(), None));
        self.steps.push(Step { index, write, found });
    }

    /// Does what the table says about an entry whose condition found this.
    fn take(
        &mut self,
        server: &Server,
        (index, write): (usize, &'t PreparedWrite),
        condition: &Condition,
        found: Vec<Found>,
    ) -> Result<(), Error> {
        condition.check(found.len())?;
        if let Some(other) = found.iter().find_map(Found::maker) {
            if write.kind != Kind::Create {
                return Err(overlap(other));
            }
            self.repeats.push((index, other));
            self.ends.extend(self.ends.get(&other).cloned().map(|end| (index, end)));
            return Ok(());
        }
        let stored: Vec<Stored> = found.into_iter().filter_map(Found::stored).collect();
        let versions: HashMap<Id, i64> =
            stored.iter().map(|stored| (stored.id.clone(), stored.version)).collect();
        match write.decide_on(server, condition, stored)? {
            Resolution::Write(write) => {
                let found = versions.get(&write.id).copied();
                self.step(index, Cow::Owned(*write), found);
            }
            Resolution::Deletes(writes) => {
                self.answers.push((index, write.several(writes.len())));
                for write in writes {
                    let found = versions.get(&write.id).copied();
                    self.step(index, Cow::Owned(write), found);
                }
            }
            Resolution::Matched(stored) => {
                self.ends.insert(index, (stored.type_, stored.id.clone(), Some(stored.version)));
                self.answers.push((index, write.matched(*stored)));
            }
            Resolution::Nothing => self.answers.push((index, write.several(0))),
        }
        Ok(())
    }

    /// The reference that takes the place of a search which found this.
    ///
    /// Errors: [`ErrorCode::NoMatch`], [`ErrorCode::MultipleMatches`].
    fn referred(&self, condition: &Condition, mut found: Vec<Found>) -> Result<String, Error> {
        condition.check(found.len())?;
        let id = match found.pop() {
            Some(Found::Stored(stored)) => Some(stored.id),
            Some(Found::Made { entry, .. }) => self.ends.get(&entry).map(|(_, id, _)| id.clone()),
            None => None,
        };
        let id = id.ok_or_else(|| {
            let message = "A reference of this entry is a search that finds nothing.";
            Error::new(ErrorCode::NoMatch, message)
        })?;
        Ok(format!("{}/{id}", Definitions::r4().type_name(condition.type_)))
    }

    /// Rewrites the links to what is known now. `current` is what the steps start from.
    ///
    /// Errors: [`ErrorCode::Busy`] if what a condition found has changed before it was locked; the executor runs the
    /// transaction again.
    pub(super) fn link(
        &mut self,
        transaction: &PreparedTransaction,
        server: &Server,
        current: &[Current],
    ) -> Result<(), Error> {
        for (step, current) in self.steps.iter().zip(current) {
            if let (Some(found), Current::Present(now)) = (step.found, current)
                && now.version != found
            {
                let message = "What a condition selects is being changed. Send the request again.";
                return Err(Error::new(ErrorCode::Busy, message));
            }
        }
        if !self.steps.iter().any(|step| step.write.is_provisional()) {
            return Ok(());
        }
        for (step, current) in self.steps.iter().zip(current) {
            if let Some((.., version)) = self.ends.get_mut(&step.index) {
                *version = Some(next_version(&step.write, current));
            }
        }
        let links = self.links(transaction);
        for step in self.steps.iter_mut().filter(|step| step.write.is_provisional()) {
            step.write = Cow::Owned(step.write.linked(server, &links)?);
        }
        Ok(())
    }

    fn links(&self, transaction: &PreparedTransaction) -> Links {
        let mut links = Links::default();
        let plain = |text: String, versioned: Option<String>| Target {
            text,
            versioned,
            provisional: false,
            provisional_version: false,
        };
        for (index, stand_in) in &transaction.stand_ins {
            if let Some((type_, id, version)) = self.ends.get(index) {
                let text = format!("{}/{id}", Definitions::r4().type_name(*type_));
                let versioned = version.map(|version| format!("{text}/_history/{version}"));
                links.add(stand_in, plain(text, versioned));
            }
        }
        for (stand_in, text) in &self.references {
            links.add(stand_in, plain(text.clone(), None));
        }
        links
    }
}

/// The version that a write leaves.
fn next_version(write: &PreparedWrite, current: &Current) -> i64 {
    let Current::Present(stored) = current else { return 1 };
    let same = write.content.as_ref().is_some_and(|content| content.body.same_content(&stored.body));
    if same && stored.method != Method::Delete { stored.version } else { stored.version + 1 }
}
