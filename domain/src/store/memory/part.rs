//! Whether a contained resource meets a criterion.

use super::evaluate::passes;
use super::{Resource, State, Version};
use crate::access::Access;
use crate::conformance::{ParameterId, TypeId};
use crate::index::contained::{parameter, type_key};
use crate::index::{Facet, IndexValue, Part};
use crate::search::query::{Criterion, Test};

/// A contained resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contained<'s> {
    /// What contains it.
    pub(super) container: &'s Version,
    /// Its number.
    pub(super) number: u32,
    /// The key of its type.
    type_: i64,
    /// Its id in the container.
    id: &'s str,
}

impl Contained<'_> {
    /// Whether it is of one of `types`, of any when empty.
    pub(super) fn is_of(&self, types: &[TypeId]) -> bool {
        types.is_empty() || types.iter().any(|type_| type_key(*type_) == self.type_)
    }

    /// Its rows of a parameter.
    fn values(&self, parameter: ParameterId, facet: Facet) -> impl Iterator<Item = &IndexValue> {
        self.container.values_of(parameter, facet, Part::Nth(self.number))
    }
}

impl Version {
    /// What it contains.
    pub(super) fn contained(&self) -> impl Iterator<Item = Contained<'_>> {
        let rows = parameter().into_iter();
        rows.flat_map(|listed| self.values_of(listed, Facet::Value, Part::Any)).filter_map(|value| {
            let IndexValue::Token { code, system, text } = value else { return None };
            let number = u32::try_from(*system).ok()?;
            Some(Contained { container: self, number, type_: *code, id: text })
        })
    }

    /// The contained resources that it refers to itself by a parameter.
    pub(super) fn contained_targets(
        &self,
        parameter: ParameterId,
        part: Part,
    ) -> impl Iterator<Item = Contained<'_>> {
        let fragments = self.fragments(parameter, Facet::Value, part);
        let named = move |inner: &Contained<'_>| fragments.iter().any(|id| id.get(1..) == Some(inner.id));
        self.contained().filter(named)
    }

    /// The fragments by which it refers to what it contains, `#` to itself.
    fn fragments(&self, parameter: ParameterId, facet: Facet, part: Part) -> Vec<&str> {
        let rows = self.values_of(parameter, facet, part);
        let local = rows.filter_map(|value| match value {
            IndexValue::Reference { target: 0, version, .. } if !version.is_empty() => Some(version.as_str()),
            _ => None,
        });
        local.collect()
    }
}

impl State {
    /// Whether a contained resource meets a criterion.
    pub(super) fn part_holds(&self, access: &Access, part: Contained<'_>, criterion: &Criterion) -> bool {
        let container = part.container;
        let all = |criteria: &[Criterion]| criteria.iter().all(|one| self.part_holds(access, part, one));
        match criterion {
            // Its id is none outside of its container.
            Criterion::Id(_) | Criterion::Contains { .. } | Criterion::Never => false,
            Criterion::LastUpdated(_) | Criterion::Compartment { .. } => {
                self.holds(access, container, criterion)
            }
            Criterion::Container(criterion) => self.holds(access, container, criterion),
            Criterion::Matches { parameter, facet, tests, negated } => {
                let whole = tests.iter().any(Test::looks_at_long).then_some(Facet::Long);
                let facets = std::iter::once(*facet).chain(whole);
                let mut values = facets.flat_map(|facet| part.values(*parameter, facet));
                values.any(|value| tests.iter().any(|test| passes(self, test, value))) != *negated
            }
            Criterion::Missing { parameter, missing } => {
                part.values(*parameter, Facet::Value).next().is_none() == *missing
            }
            Criterion::Chain { parameter, targets, criteria, urls } => {
                let own = Part::Nth(part.number);
                self.chain_holds(access, (container, own), (*parameter, urls), (targets, criteria))
            }
            Criterion::Has { source, parameter, facet, criteria, .. } => {
                let local = container.fragments(*parameter, *facet, Part::Itself);
                container.stored.type_ == *source
                    && local.iter().any(|id| id.get(1..) == Some(part.id))
                    && criteria.iter().all(|criterion| self.holds(access, container, criterion))
            }
            Criterion::ByType(each) => each
                .iter()
                .any(|(type_, criterion)| part.is_of(&[*type_]) && self.part_holds(access, part, criterion)),
            Criterion::Any(criteria) => criteria.iter().any(|one| self.part_holds(access, part, one)),
            Criterion::All(criteria) => all(criteria),
            Criterion::Not(criterion) => !self.part_holds(access, part, criterion),
        }
    }

    /// Whether a reference by a parameter leads to a resource, contained or not, of one of the types that meets its
    /// criteria. `part`: whose reference it is.
    pub(super) fn chain_holds(
        &self,
        access: &Access,
        (version, part): (&Version, Part),
        (parameter, urls): (ParameterId, &[ParameterId]),
        (targets, criteria): (&[TypeId], &[Vec<Criterion>]),
    ) -> bool {
        let holds = |target: &Version| self.target_holds(access, target, targets, criteria);
        let keys = version.keys(parameter, Facet::Value, part);
        let key_holds = |key| {
            let target = self.find(key).and_then(|resource: &Resource| self.visible(access, resource));
            target.is_some_and(holds)
        };
        let inner_holds = |inner: Contained<'_>| {
            // One list is for all.
            let same = criteria.first().filter(|_| criteria.len() == 1);
            let each = criteria.iter().chain(same.into_iter().cycle());
            targets.iter().zip(each).any(|(type_, criteria)| {
                inner.is_of(&[*type_]) && criteria.iter().all(|one| self.part_holds(access, inner, one))
            })
        };
        keys.into_iter().any(key_holds)
            || version.contained_targets(parameter, part).any(inner_holds)
            || part != Part::Itself
                && version.fragments(parameter, Facet::Value, part).contains(&"#")
                && holds(version)
            || !urls.is_empty()
                && self.all_visible(access).any(|target| {
                    super::evaluate::names(version, part, &[parameter], target, urls) && holds(target)
                })
    }
}
