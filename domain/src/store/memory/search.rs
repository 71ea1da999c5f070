//! A search over all resources: matches in order, a page of them, and what they bring along.

use super::evaluate::names;
use super::{Resource, State, Version};
use crate::access::Access;
use crate::conformance::{Definitions, ParameterId};
use crate::index::{Facet, IndexValue};
use crate::search::query::{Include, Position, Query, Sort, SortBy, SortValue, Total};
use crate::store::{Matches, Stored};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

impl State {
    pub(super) fn search(&self, access: &Access, query: &Query) -> Matches {
        let mut found: Vec<(Position, &Resource, &Version)> = Vec::new();
        for resource in &self.resources {
            let Some(version) = self.visible(access, resource) else { continue };
            let right_type = query.types.is_empty() || query.types.contains(&version.stored.type_);
            if right_type && query.criteria.iter().all(|criterion| self.holds(access, version, criterion)) {
                let values = query.sort.iter().map(|sort| self.sort_value(access, sort, version)).collect();
                found.push((Position { values, row: version.stored.row }, resource, version));
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
        let place = |at: Option<&(Position, &Resource, &Version)>| at.map(|(position, ..)| position.clone());
        let (previous, next) = match query.count {
            0 => (None, None),
            _ => query.neighbours(place(found.first()), place(found.last()), more),
        };
        let page: Vec<(&Resource, &Version)> =
            found.into_iter().map(|(_, resource, version)| (resource, version)).collect();
        let (included, included_cut) = self.included(access, query, &page);
        let matches = page.into_iter().map(|(_, version)| version.stored.clone()).collect();
        Matches { matches, included, included_cut, total, previous, next }
    }

    /// What the matches of a page bring along, by row.
    fn included(
        &self,
        access: &Access,
        query: &Query,
        page: &[(&Resource, &Version)],
    ) -> (Vec<Stored>, bool) {
        let mut included: BTreeMap<i64, &Version> = BTreeMap::new();
        let mut from: Vec<(&Resource, &Version)> = page.to_vec();
        let mut first = true;
        while !from.is_empty() {
            let mut added = Vec::new();
            for include in query.includes.iter().filter(|include| first || include.iterate) {
                for (resource, version) in self.brought(access, include, &from) {
                    let row = version.stored.row;
                    let known = page.iter().any(|(_, matched)| matched.stored.row == row);
                    if !known && included.insert(row, version).is_none() {
                        added.push((resource, version));
                    }
                }
            }
            from = added;
            first = false;
        }
        let cut = included.len() > query.included;
        (included.into_values().take(query.included).map(|version| version.stored.clone()).collect(), cut)
    }

    /// What one include brings for `from`.
    fn brought<'s>(
        &'s self,
        access: &Access,
        include: &Include,
        from: &[(&'s Resource, &'s Version)],
    ) -> Vec<(&'s Resource, &'s Version)> {
        let all =
            self.resources.iter().filter_map(|one| self.visible(access, one).map(|version| (one, version)));
        let refers =
            |source: &Version| include.sources.is_empty() || include.sources.contains(&source.stored.type_);
        let parameters: HashSet<ParameterId> = include.parameters.iter().copied().collect();
        let links = |source: &Version| -> HashSet<i64> {
            let entries = source.indexed.entries.iter().filter(|_| refers(source));
            let targets = entries.filter_map(|entry| match &entry.value {
                IndexValue::Reference { target, .. }
                    if entry.facet == Facet::Value && parameters.contains(&entry.parameter) =>
                {
                    Some(*target)
                }
                _ => None,
            });
            targets.collect()
        };
        let fits = |target: &Version| include.target.is_none_or(|type_| target.stored.type_ == type_);
        if include.reverse {
            let to: HashSet<i64> =
                from.iter().filter(|(_, target)| fits(target)).map(|(resource, _)| resource.key).collect();
            let named = |source: &Version| {
                let mut ends = from.iter().filter(|(_, target)| fits(target));
                refers(source)
                    && ends.any(|(_, target)| names(source, &include.canonicals, target, &include.urls))
            };
            all.filter(|(_, source)| !links(source).is_disjoint(&to) || named(source)).collect()
        } else {
            let to: HashSet<i64> = from.iter().flat_map(|(_, source)| links(source)).collect();
            let named = |target: &Version| {
                let mut sources = from.iter().filter(|(_, source)| refers(source));
                sources.any(|(_, source)| names(source, &include.canonicals, target, &include.urls))
            };
            let brought = |resource: &Resource, target: &Version| to.contains(&resource.key) || named(target);
            all.filter(|(resource, target)| fits(target) && brought(resource, target)).collect()
        }
    }
}

impl State {
    /// What a resource is sorted by ([`SortBy`]).
    fn sort_value(&self, access: &Access, sort: &Sort, version: &Version) -> Option<SortValue> {
        match &sort.by {
            SortBy::LastUpdated => Some(SortValue::Integer(version.stored.updated.0)),
            SortBy::Id => Some(SortValue::Text(version.stored.id.as_str().to_owned())),
            by => {
                let parameters = by.parameters().iter();
                let rows = parameters.flat_map(|parameter| version.values(*parameter, Facet::Value));
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
