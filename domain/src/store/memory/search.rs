//! A search over all resources: matches in order, a page of them, and what they bring along.

use super::evaluate::names;
use super::{Resource, State, Version};
use crate::access::Access;
use crate::conformance::{Definitions, ParameterId};
use crate::index::{Facet, IndexValue, Part};
use crate::search::query::{Include, PART_BITS, Parts, Position, Query, Sort, SortBy, SortValue, Total};
use crate::store::{Matches, Stored};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

/// A resource, or one that it contains.
#[derive(Clone, Copy)]
struct One<'s> {
    resource: &'s Resource,
    version: &'s Version,
    /// 0 for the resource itself, otherwise the number of the contained one.
    part: u32,
}

impl State {
    pub(super) fn search(&self, access: &Access, query: &Query) -> Matches {
        let mut found: Vec<(Position, One<'_>)> = Vec::new();
        for resource in &self.resources {
            let Some(version) = self.visible(access, resource) else { continue };
            for part in self.parts(access, query, version) {
                let values = query.sort.iter().map(|sort| self.sort_value(access, sort, version, part));
                let row = match query.parts {
                    Parts::No => version.stored.row,
                    _ => (version.stored.row << PART_BITS) + i64::from(part),
                };
                found.push((Position { values: values.collect(), row }, One { resource, version, part }));
            }
        }
        found.sort_by(|(a, ..), (b, ..)| order(&query.sort, a, b));
        let counts = matches!(query.total, Total::Estimate | Total::Accurate);
        let total = counts.then(|| u64::try_from(found.len()).unwrap_or(u64::MAX));
        if let Some(at) = &query.after {
            let side = if query.backward { Ordering::Less } else { Ordering::Greater };
            found.retain(|(position, ..)| order(&query.sort, position, at) == side);
        }
        let more = query.count > 0 && found.len() > query.count;
        if query.backward {
            found.drain(..found.len().saturating_sub(query.count));
        }
        found.truncate(query.count);
        let total = total.or_else(|| query.total_of_page(found.len(), more));
        let place = |at: Option<&(Position, One<'_>)>| at.map(|(position, ..)| position.clone());
        let (previous, next) = match query.count {
            0 => (None, None),
            _ => query.neighbours(place(found.first()), place(found.last()), more),
        };
        let page: Vec<One<'_>> = found.into_iter().map(|(_, one)| one).collect();
        let (included, included_cut) = self.included(access, query, &page);
        let parts = page.iter().map(|one| one.part).collect();
        let matches = page.into_iter().map(|one| one.version.stored.clone()).collect();
        Matches { matches, parts, included, included_cut, total, previous, next }
    }

    /// What of a resource matches: 0 itself, otherwise the numbers of contained resources.
    fn parts(&self, access: &Access, query: &Query, version: &Version) -> Vec<u32> {
        let mut parts = Vec::new();
        let right_type = query.types.is_empty() || query.types.contains(&version.stored.type_);
        let holds = |criterion| self.holds(access, version, criterion);
        if query.parts != Parts::Only && right_type && query.criteria.iter().all(holds) {
            parts.push(0);
        }
        if query.parts != Parts::No {
            let inner = version.contained().filter(|part| part.is_of(&query.types));
            let inner =
                inner.filter(|part| query.criteria.iter().all(|one| self.part_holds(access, *part, one)));
            parts.extend(inner.map(|part| part.number));
        }
        parts
    }

    /// What the matches of a page bring along, by row.
    fn included(&self, access: &Access, query: &Query, page: &[One<'_>]) -> (Vec<Stored>, bool) {
        let mut included: BTreeMap<i64, &Version> = BTreeMap::new();
        let mut from: Vec<One<'_>> = page.to_vec();
        let mut first = true;
        while !from.is_empty() {
            let mut added = Vec::new();
            for include in query.includes.iter().filter(|include| first || include.iterate) {
                for one in self.brought(access, include, &from) {
                    let row = one.version.stored.row;
                    let same = |own: &One<'_>| own.part == 0 && own.version.stored.row == row;
                    if !page.iter().any(same) && included.insert(row, one.version).is_none() {
                        added.push(one);
                    }
                }
            }
            from = added;
            first = false;
        }
        let cut = included.len() > query.included;
        (included.into_values().take(query.included).map(|version| version.stored.clone()).collect(), cut)
    }

    /// What one include brings for `from`. Nothing outside refers to a contained resource.
    fn brought<'s>(&'s self, access: &Access, include: &Include, from: &[One<'s>]) -> Vec<One<'s>> {
        let all = self.resources.iter().filter_map(|resource| {
            self.visible(access, resource).map(|version| One { resource, version, part: 0 })
        });
        // A contained resource has rows of the parameters of its own type alone.
        let refers = |one: &One<'_>| {
            one.part > 0 || include.sources.is_empty() || include.sources.contains(&one.version.stored.type_)
        };
        let parameters: HashSet<ParameterId> = include.parameters.iter().copied().collect();
        let links = |source: &One<'_>| -> HashSet<i64> {
            let part = if source.part == 0 { Part::Itself } else { Part::Nth(source.part) };
            let entries = source.version.indexed.entries.iter().filter(|_| refers(source));
            let targets = entries.filter_map(|entry| match &entry.value {
                IndexValue::Reference { target, .. }
                    if entry.facet == Facet::Value
                        && entry.part == part
                        && parameters.contains(&entry.parameter) =>
                {
                    Some(*target)
                }
                _ => None,
            });
            targets.collect()
        };
        let fits = |target: &One<'_>| {
            target.part == 0 && include.target.is_none_or(|type_| target.version.stored.type_ == type_)
        };
        let names = |source: &One<'_>, target: &One<'_>| {
            let part = if source.part == 0 { Part::Itself } else { Part::Nth(source.part) };
            refers(source) && names(source.version, part, &include.canonicals, target.version, &include.urls)
        };
        if include.reverse {
            let to: HashSet<i64> =
                from.iter().filter(|target| fits(target)).map(|target| target.resource.key).collect();
            let named = |source: &One<'_>| from.iter().any(|target| fits(target) && names(source, target));
            all.filter(|source| !links(source).is_disjoint(&to) || named(source)).collect()
        } else {
            let to: HashSet<i64> = from.iter().flat_map(links).collect();
            let named = |target: &One<'_>| from.iter().any(|source| names(source, target));
            let brought = |target: &One<'_>| to.contains(&target.resource.key) || named(target);
            all.filter(|target| fits(target) && brought(target)).collect()
        }
    }
}

impl State {
    /// What a resource is sorted by ([`SortBy`]).
    fn sort_value(&self, access: &Access, sort: &Sort, version: &Version, part: u32) -> Option<SortValue> {
        let part = if part == 0 { Part::Itself } else { Part::Nth(part) };
        match &sort.by {
            SortBy::LastUpdated => Some(SortValue::Integer(version.stored.updated.0)),
            SortBy::Id => Some(SortValue::Text(version.stored.id.as_str().to_owned())),
            by => {
                let parameters = by.parameters().iter();
                let rows = parameters.flat_map(|parameter| version.values_of(*parameter, Facet::Value, part));
                let values = rows.filter_map(|value| self.sorted_by(access, value));
                if sort.descending { values.max_by(compare) } else { values.min_by(compare) }
            }
        }
    }

    fn sorted_by(&self, access: &Access, value: &IndexValue) -> Option<SortValue> {
        match value {
            IndexValue::Date { lo, .. } => Some(SortValue::Integer(*lo)),
            IndexValue::Number { lo, .. } => Some(SortValue::Real(*lo)),
            IndexValue::Quantity(quantity) => Some(SortValue::Real(quantity.lo)),
            IndexValue::String { folded, .. } => Some(SortValue::Text(folded.clone())),
            IndexValue::Uri { value, .. } => Some(SortValue::Text(value.clone())),
            IndexValue::Token { text, .. } => {
                Some(text).filter(|text| !text.is_empty()).cloned().map(SortValue::Text)
            }
            IndexValue::Reference { text, .. } if !text.is_empty() => Some(SortValue::Text(text.clone())),
            IndexValue::Reference { target, .. } => {
                let stored = &self.visible(access, self.find(*target)?)?.stored;
                Some(SortValue::Text(format!("{}/{}", Definitions::r4().type_name(stored.type_), stored.id)))
            }
            IndexValue::Composite(_) | IndexValue::Words { .. } | IndexValue::Position { .. } => None,
        }
    }
}

fn compare(a: &SortValue, b: &SortValue) -> Ordering {
    match (a, b) {
        (SortValue::Integer(a), SortValue::Integer(b)) => a.cmp(b),
        (SortValue::Real(a), SortValue::Real(b)) => a.total_cmp(b),
        (SortValue::Text(a), SortValue::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        // The values of one key are of one kind.
        _ => Ordering::Equal,
    }
}

/// The order of a search: key by key, without value last either way, then by row.
fn order(sort: &[Sort], a: &Position, b: &Position) -> Ordering {
    for (sort, (a, b)) in sort.iter().zip(a.values.iter().zip(&b.values)) {
        let by_key = match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) if sort.descending => compare(b, a),
            (Some(a), Some(b)) => compare(a, b),
        };
        if by_key != Ordering::Equal {
            return by_key;
        }
    }
    a.row.cmp(&b.row)
}
