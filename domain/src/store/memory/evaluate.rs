//! Whether a resource meets a criterion and whether an [`Access`] covers it, by looking at its index rows one by one.

use super::{Resource, State, Version};
use crate::access::{Access, Clause, Reach};
use crate::conformance::{ParameterId, TypeId};
use crate::index::{Facet, IndexValue, value_set};
use crate::search::kind::composite;
use crate::search::kind::date;
use crate::search::query::{Criterion, Set, Test};
use crate::store::Method;

impl Version {
    /// Its rows of a parameter in a facet.
    pub(super) fn values(&self, parameter: ParameterId, facet: Facet) -> impl Iterator<Item = &IndexValue> {
        let rows = self.indexed.entries.iter();
        rows.filter(move |entry| entry.parameter == parameter && entry.facet == facet)
            .map(|entry| &entry.value)
    }

    /// Keys of what it refers to by a parameter.
    pub(super) fn targets(&self, parameter: ParameterId) -> impl Iterator<Item = i64> {
        self.targets_in(parameter, Facet::Value)
    }

    fn targets_in(&self, parameter: ParameterId, facet: Facet) -> impl Iterator<Item = i64> {
        self.values(parameter, facet).filter_map(|value| match value {
            IndexValue::Reference { target, .. } => Some(*target),
            _ => None,
        })
    }
}

/// Whether `source` refers by one of `parameters` to the canonical URL of `target`, which has it as a row of one of `urls`:
/// to its version, where it names one.
pub(super) fn names(
    source: &Version,
    parameters: &[ParameterId],
    target: &Version,
    urls: &[ParameterId],
) -> bool {
    let row = |value: &IndexValue| match value {
        IndexValue::Reference { target, version, .. } => Some((*target, version.clone())),
        _ => None,
    };
    let rows = |version: &Version, parameters: &[ParameterId], facet| -> Vec<(i64, String)> {
        let values = parameters.iter().flat_map(|parameter| version.values(*parameter, facet));
        values.filter_map(row).collect()
    };
    let own = rows(target, urls, Facet::Canonical);
    !own.is_empty()
        && rows(source, parameters, Facet::Value).iter().any(|(key, version)| {
            own.iter().any(|(url, own)| url == key && (version.is_empty() || version == own))
        })
}

impl State {
    /// Whether `access` covers a version.
    pub(super) fn covers(&self, access: &Access, version: &Version) -> bool {
        match access.reach(version.stored.type_) {
            Reach::None => false,
            Reach::All => true,
            Reach::Any(clauses) => clauses.iter().any(|clause| self.clause_covers(clause, version)),
        }
    }

    fn clause_covers(&self, clause: &Clause, version: &Version) -> bool {
        let theirs = &version.indexed.patients;
        let in_compartment = clause
            .patients
            .as_ref()
            .is_none_or(|own| !theirs.is_empty() && theirs.iter().all(|patient| own.contains(patient)));
        // A rule may look at what its bearer may not; of an earlier version it cannot be said whether it met the rule.
        let meets = |criterion| self.holds(&Access::everything(), version, criterion);
        in_compartment
            && (clause.criteria.is_empty() || self.is_current(version) && clause.criteria.iter().all(meets))
    }

    /// Whether a version is the newest of its resource, and no deletion.
    fn is_current(&self, version: &Version) -> bool {
        let stored = &version.stored;
        let newest = self.find(super::key(stored.type_, &stored.id)).and_then(|own| own.versions.last());
        stored.method != Method::Delete
            && newest.is_some_and(|newest| newest.stored.version == stored.version)
    }

    /// The current version of a resource that is not deleted and that `access` covers.
    pub(super) fn visible<'s>(&'s self, access: &Access, resource: &'s Resource) -> Option<&'s Version> {
        let current = resource.versions.last()?;
        (current.stored.method != Method::Delete && self.covers(access, current)).then_some(current)
    }

    /// Every resource that `access` covers.
    fn all_visible<'s>(&'s self, access: &'s Access) -> impl Iterator<Item = &'s Version> {
        self.resources.iter().filter_map(|resource| self.visible(access, resource))
    }

    /// Whether a current version meets a criterion; what it refers to or is referred to by must be covered too.
    pub(super) fn holds(&self, access: &Access, version: &Version, criterion: &Criterion) -> bool {
        match criterion {
            Criterion::Id(ids) => ids.contains(&version.stored.id),
            Criterion::LastUpdated(tests) => {
                let updated = version.stored.updated.0;
                tests.iter().any(|test| date::matches(test, updated, updated + 1))
            }
            Criterion::Matches { parameter, facet, tests, negated } => {
                let whole = tests.iter().any(Test::looks_at_long).then_some(Facet::Long);
                let facets = std::iter::once(*facet).chain(whole);
                let mut values = facets.flat_map(|facet| version.values(*parameter, facet));
                let passes = |test: &Test, value: &IndexValue| match test {
                    Test::Member(set) => self.is_member(set, value),
                    _ => composite::matches(test, value),
                };
                let found = values.any(|value| tests.iter().any(|test| passes(test, value)));
                found != *negated
            }
            Criterion::Missing { parameter, missing } => {
                version.values(*parameter, Facet::Value).next().is_none() == *missing
            }
            Criterion::Chain { parameter, targets, criteria, urls } => {
                let holds = |target: &Version| self.target_holds(access, target, targets, criteria);
                version.targets(*parameter).any(|key| {
                    let target = self.find(key).and_then(|resource| self.visible(access, resource));
                    target.is_some_and(holds)
                }) || !urls.is_empty()
                    && self
                        .all_visible(access)
                        .any(|target| names(version, &[*parameter], target, urls) && holds(target))
            }
            Criterion::Has { source, parameter, facet, criteria, urls } => {
                let own = super::key(version.stored.type_, &version.stored.id);
                self.all_visible(access).any(|referring| {
                    referring.stored.type_ == *source
                        && (referring.targets_in(*parameter, *facet).any(|key| key == own)
                            || names(referring, &[*parameter], version, urls))
                        && criteria.iter().all(|criterion| self.holds(access, referring, criterion))
                })
            }
            Criterion::Compartment { key, parameters, itself } => {
                let own = super::key(version.stored.type_, &version.stored.id);
                (*itself && own == *key)
                    || parameters.iter().any(|parameter| version.targets(*parameter).any(|to| to == *key))
            }
            Criterion::ByType(each) => each.iter().any(|(type_, criterion)| {
                version.stored.type_ == *type_ && self.holds(access, version, criterion)
            }),
            Criterion::Any(criteria) => {
                criteria.iter().any(|criterion| self.holds(access, version, criterion))
            }
            Criterion::All(criteria) => {
                criteria.iter().all(|criterion| self.holds(access, version, criterion))
            }
            Criterion::Not(criterion) => !self.holds(access, version, criterion),
            Criterion::Never => false,
        }
    }

    /// Whether a ValueSet lists a token.
    fn is_member(&self, set: &Set, token: &IndexValue) -> bool {
        let (Set::Stored { row, .. }, IndexValue::Token { code, system, .. }) = (set, token) else {
            return false;
        };
        let listed = |member: &IndexValue| matches!(member, IndexValue::Token { code: listed, system: of, .. } if (listed, of) == (code, system));
        *code != 0 && self.members(*row).any(listed)
    }

    /// The rows of a ValueSet's codes.
    pub(super) fn members(&self, row: i64) -> impl Iterator<Item = &IndexValue> {
        let place = usize::try_from(row - 1).ok();
        let version = place.and_then(|at| self.resources.get(at)).and_then(|set| set.versions.last());
        let parameter = value_set::parameter();
        version.zip(parameter).into_iter().flat_map(|(version, of)| version.values(of, Facet::Member))
    }

    fn target_holds(
        &self,
        access: &Access,
        target: &Version,
        targets: &[TypeId],
        criteria: &[Vec<Criterion>],
    ) -> bool {
        // One list is for all.
        let same = criteria.first().filter(|_| criteria.len() == 1);
        targets.iter().zip(criteria.iter().chain(same.into_iter().cycle())).any(|(type_, criteria)| {
            *type_ == target.stored.type_
                && criteria.iter().all(|criterion| self.holds(access, target, criterion))
        })
    }
}
