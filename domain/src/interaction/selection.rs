//! Whether a condition selects a resource that is not stored yet, told by its index rows; and what of a condition these
//! cannot tell.

use super::conditional::Condition;
use super::write::Content;
use crate::access::{Clause, Reach};
use crate::conformance::{ParameterId, TypeId};
use crate::id::Id;
use crate::index::{Facet, IndexEntry, Indexed, Part};
use crate::search::kind::composite;
use crate::search::query::{Criterion, Test, VersionTest};
use std::collections::BTreeMap;

impl Condition {
    /// Whether the index rows of a resource tell all that it asks of it. Chains, `_has`, lists and ValueSets look at other
    /// resources, `_lastUpdated` at the time of the write.
    pub(super) fn is_of_rows(&self) -> bool {
        let clause = |clause: &Clause| clause.criteria.iter().all(is_of_rows);
        let access = match self.access.reach(self.type_) {
            Reach::None | Reach::All => true,
            Reach::Any(clauses) => clauses.iter().all(clause),
        };
        access && self.query.criteria.iter().all(is_of_rows)
    }

    /// Whether it selects a resource of its type with this content, as far as index rows tell: the caller may search it,
    /// and it meets the criteria.
    pub(super) fn would_select(&self, id: &Id, content: &Content) -> bool {
        let rows = &content.indexed;
        let theirs = &rows.patients;
        let covers = |clause: &Clause| {
            let own =
                |own: &Vec<i64>| !theirs.is_empty() && theirs.iter().all(|patient| own.contains(patient));
            clause.patients.as_ref().is_none_or(own)
                && clause.criteria.iter().all(|criterion| meets(criterion, id, rows))
        };
        let seen = match self.access.reach(self.type_) {
            Reach::None => false,
            Reach::All => true,
            Reach::Any(clauses) => clauses.iter().any(covers),
        };
        seen && self.query.criteria.iter().all(|criterion| meets(criterion, id, rows))
    }

    /// Whether it could select, or look at, a resource whose links in `parameter` are not known.
    pub(super) fn could_select(
        &self,
        (type_, id): (TypeId, &Id),
        content: &Content,
        parameter: ParameterId,
    ) -> bool {
        if !self.is_of_rows() {
            return true;
        }
        let open = |criterion: &Criterion| {
            let mut looked = BTreeMap::new();
            looks_at(criterion, &mut looked);
            looked.contains_key(&parameter)
        };
        let mut criteria = self.query.criteria.iter();
        type_ == self.type_
            && criteria.all(|criterion| open(criterion) || meets(criterion, id, &content.indexed))
    }

    /// The parameters whose values it looks at, each with whether it asks for versions of references; `None` for those of
    /// all: whose record a resource is in depends on every reference.
    pub(super) fn looks_at(&self) -> Option<BTreeMap<ParameterId, bool>> {
        let seen = self.query.types_seen()?;
        if seen.iter().any(|type_| *self.access.reach(*type_) != Reach::All) {
            return None;
        }
        let mut found = BTreeMap::new();
        self.query.criteria.iter().for_each(|criterion| looks_at(criterion, &mut found));
        Some(found)
    }
}

fn is_of_rows(criterion: &Criterion) -> bool {
    match criterion {
        Criterion::Id(_) | Criterion::Missing { .. } | Criterion::Never => true,
        Criterion::Matches { tests, .. } => tests.iter().all(is_plain),
        Criterion::Any(criteria) | Criterion::All(criteria) => criteria.iter().all(is_of_rows),
        Criterion::Not(criterion) => is_of_rows(criterion),
        Criterion::LastUpdated(_)
        | Criterion::Chain { .. }
        | Criterion::Has { .. }
        | Criterion::Compartment { .. }
        | Criterion::Contains { .. }
        | Criterion::Container(_)
        | Criterion::ByType(_) => false,
    }
}

/// Whether a test looks at one row alone.
fn is_plain(test: &Test) -> bool {
    match test {
        Test::Member(_) => false,
        Test::Composite(tests) | Test::Not(tests) => tests.iter().all(is_plain),
        Test::Token { .. }
        | Test::Text { .. }
        | Test::Date(_)
        | Test::Number { .. }
        | Test::Quantity { .. }
        | Test::Reference { .. }
        | Test::Uri { .. }
        | Test::Near(_)
        | Test::Word(_) => true,
    }
}

/// Whether a resource meets a criterion that [`is_of_rows`].
fn meets(criterion: &Criterion, id: &Id, indexed: &Indexed) -> bool {
    match criterion {
        Criterion::Id(ids) => ids.contains(id),
        Criterion::Matches { parameter, facet, tests, negated } => {
            let whole = tests.iter().any(Test::looks_at_long);
            let right = |of: Facet| of == *facet || whole && of == Facet::Long;
            let own = indexed.entries.iter().filter(|row| row.part == Part::Itself);
            let mut rows = own.filter(|row| row.parameter == *parameter && right(row.facet));
            let found = rows.any(|row| tests.iter().any(|test| composite::matches(test, &row.value)));
            found != *negated
        }
        Criterion::Missing { parameter, missing } => {
            let mut rows = indexed.entries.iter();
            let own = |row: &IndexEntry| row.part == Part::Itself && row.facet == Facet::Value;
            rows.any(|row| row.parameter == *parameter && own(row)) != *missing
        }
        Criterion::Any(criteria) => criteria.iter().any(|criterion| meets(criterion, id, indexed)),
        Criterion::All(criteria) => criteria.iter().all(|criterion| meets(criterion, id, indexed)),
        Criterion::Not(criterion) => !meets(criterion, id, indexed),
        _ => false,
    }
}

fn looks_at(criterion: &Criterion, found: &mut BTreeMap<ParameterId, bool>) {
    let mut see = |parameter: ParameterId, version| *found.entry(parameter).or_default() |= version;
    match criterion {
        Criterion::Matches { parameter, tests, .. } => see(*parameter, tests.iter().any(names_version)),
        Criterion::Missing { parameter, .. } => see(*parameter, false),
        Criterion::Chain { parameter, criteria, .. } => {
            see(*parameter, false);
            criteria.iter().flatten().for_each(|criterion| looks_at(criterion, found));
        }
        Criterion::Has { parameter, criteria, .. } => {
            see(*parameter, false);
            criteria.iter().for_each(|criterion| looks_at(criterion, found));
        }
        Criterion::Compartment { parameters, .. } => {
            parameters.iter().for_each(|parameter| see(*parameter, false));
        }
        Criterion::ByType(each) => each.iter().for_each(|(_, criterion)| looks_at(criterion, found)),
        Criterion::Any(criteria) | Criterion::All(criteria) | Criterion::Contains { criteria, .. } => {
            criteria.iter().for_each(|criterion| looks_at(criterion, found));
        }
        Criterion::Not(criterion) | Criterion::Container(criterion) => looks_at(criterion, found),
        Criterion::Id(_) | Criterion::LastUpdated(_) | Criterion::Never => {}
    }
}

/// Whether a test asks for the version of a reference.
fn names_version(test: &Test) -> bool {
    match test {
        Test::Reference { version, .. } => *version != VersionTest::Any,
        Test::Composite(tests) | Test::Not(tests) => tests.iter().any(names_version),
        _ => false,
    }
}
