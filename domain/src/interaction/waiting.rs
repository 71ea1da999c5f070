//! Links in a transaction's resources to what is not known yet, and the conditions that would look at them.
//!
//! A stand-in is an address that nobody else can have written: where its key stands among the index rows of a resource,
//! the resource has the link.

use super::transaction::PreparedTransaction;
use crate::conformance::{Definitions, ParameterId, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::hash::text_key;
use crate::index::{IndexValue, Indexed};
use crate::resource::link::{Links, Target};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The stand-ins of a transaction, and who waits for what they stand for.
#[derive(Default)]
pub(super) struct Waiting {
    /// What is known by now.
    links: Links,
    resolved: HashSet<usize>,
    /// Keys of the stand-ins of searches that are known.
    searched: HashSet<i64>,
    /// Stand-ins by the entries they stand for.
    stand_ins: HashMap<usize, String>,
    /// What the keys of stand-ins stand for.
    keys: HashMap<i64, Owner>,
    /// Resources with the keys of the stand-ins that they have.
    waits: BTreeMap<ParameterId, Vec<(usize, i64)>>,
    /// Parameters with links to versions that are only made at the end.
    versioned: BTreeMap<ParameterId, Owner>,
}

/// Who says what a stand-in stands for.
#[derive(Clone, Copy)]
enum Owner {
    /// The entry with this place.
    Entry(usize),
    /// A search in place of references, first in the entry with this place.
    Search(usize),
}

impl Waiting {
    /// The stand-ins of a transaction.
    pub(super) fn of(transaction: &PreparedTransaction) -> Waiting {
        let entries = transaction.stand_ins.iter().map(|(index, text)| (text, Owner::Entry(*index)));
        let searches =
            transaction.searches.iter().map(|search| (&search.stand_in, Owner::Search(search.index)));
        let keys = entries.chain(searches).map(|(text, owner)| (text_key(text), owner)).collect();
        Waiting { keys, stand_ins: transaction.stand_ins.iter().cloned().collect(), ..Waiting::default() }
    }

    /// What is known by now.
    pub(super) const fn links(&self) -> &Links {
        &self.links
    }

    /// The resource of the entry `index` is known.
    pub(super) fn resolve(&mut self, index: usize, type_: TypeId, id: &Id) {
        if let Some(stand_in) = self.stand_ins.get(&index)
            && self.resolved.insert(index)
        {
            let text = format!("{}/{id}", Definitions::r4().type_name(type_));
            let target = Target { text, versioned: None, provisional: false, provisional_version: false };
            self.links.add(stand_in, target);
        }
    }

    /// Takes note of what the resource `at` waits for.
    pub(super) fn add(&mut self, at: usize, indexed: &Indexed) {
        for row in &indexed.entries {
            let mut keys = Vec::new();
            keys_of(&row.value, &mut keys);
            for (key, versioned) in keys {
                let Some(owner) = self.keys.get(&key) else { continue };
                self.waits.entry(row.parameter).or_default().push((at, key));
                if versioned {
                    self.versioned.insert(row.parameter, *owner);
                }
            }
        }
    }

    /// It is known what a search in place of references found.
    pub(super) fn found(&mut self, stand_in: &str, text: &str) {
        let target =
            Target { text: text.to_owned(), versioned: None, provisional: false, provisional_version: false };
        self.links.add(stand_in, target);
        self.searched.insert(text_key(stand_in));
    }

    /// The resources that are to get their links before a condition looks at these parameters ([`Condition::looks_at`]).
    /// `matters` says of a resource whether it could be selected, whatever its links in a parameter lead to.
    ///
    /// Errors: [`ErrorCode::NotSupported`] if a link that matters is not known yet.
    ///
    /// [`Condition::looks_at`]: super::conditional::Condition::looks_at
    pub(super) fn ready(
        &mut self,
        looks: Option<BTreeMap<ParameterId, bool>>,
        matters: impl Fn(usize, ParameterId) -> bool,
    ) -> Result<Vec<usize>, Error> {
        if self.waits.is_empty() && self.versioned.is_empty() {
            return Ok(Vec::new());
        }
        let looks = looks.unwrap_or_else(|| self.waits.keys().map(|parameter| (*parameter, false)).collect());
        let mut ready = Vec::new();
        for (parameter, version) in looks {
            if let Some(owner) = self.versioned.get(&parameter).filter(|_| version) {
                return Err(unknown(*owner));
            }
            let waits = self.waits.remove(&parameter).unwrap_or_default();
            let (known, unknown): (Vec<_>, Vec<_>) = waits.into_iter().partition(|(_, key)| self.knows(*key));
            ready.extend(known.into_iter().map(|(at, _)| at));
            let owner = unknown.iter().find(|(at, _)| matters(*at, parameter));
            if let Some(owner) = owner.and_then(|(_, key)| self.keys.get(key)) {
                return Err(self::unknown(*owner));
            }
            if !unknown.is_empty() {
                self.waits.insert(parameter, unknown);
            }
        }
        ready.sort_unstable();
        ready.dedup();
        Ok(ready)
    }

    /// Whether it is known what the stand-in with this key stands for.
    fn knows(&self, key: i64) -> bool {
        match self.keys.get(&key) {
            Some(Owner::Entry(index)) => self.resolved.contains(index),
            Some(Owner::Search(_)) => self.searched.contains(&key),
            None => true,
        }
    }
}

/// The keys that may be those of stand-ins, and whether they stand with a version.
fn keys_of(value: &IndexValue, keys: &mut Vec<(i64, bool)>) {
    match value {
        IndexValue::Reference { target, version, .. } => keys.push((*target, !version.is_empty())),
        IndexValue::Token { system, .. } => keys.push((*system, false)),
        IndexValue::Uri { value, .. } => {
            let (before, version) = value.split_once("/_history/").unwrap_or((value, ""));
            let url = before.split('#').next().unwrap_or_default();
            keys.push((text_key(url), !version.is_empty()));
        }
        IndexValue::Composite(values) => values.iter().for_each(|value| keys_of(value, keys)),
        IndexValue::String { .. }
        | IndexValue::Date { .. }
        | IndexValue::Number { .. }
        | IndexValue::Quantity(_)
        | IndexValue::Words { .. }
        | IndexValue::Position { .. } => {}
    }
}

fn unknown(owner: Owner) -> Error {
    let message = match owner {
        Owner::Entry(index) => format!(
            "This entry's condition looks at a link to Bundle.entry[{index}], and what that leads to is only known \
             afterwards. Send that entry in a transaction before, and name its resource."
        ),
        Owner::Search(index) => format!(
            "This condition looks at a reference of Bundle.entry[{index}] that is a search, and what that finds is only \
             known afterwards. Name the resource that is meant."
        ),
    };
    Error::new(ErrorCode::NotSupported, message)
}
