//! Who may do what. A decision is not yes or no but a set of rows, handed to the store as part of every query.

pub mod actor;
pub mod compartment;
pub mod decision;
pub mod scope;
pub(crate) mod subject;

use crate::conformance::TypeId;
use crate::search::query::Criterion;

/// The rows a caller may see (or change) in one interaction. Every function of the store that returns rows takes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    rules: Rules,
}

#[derive(Debug, Clone, PartialEq)]
enum Rules {
    Everything,
    /// Types that are seen alike stand together: the wildcard of a scope is a few groups and not 145 rules.
    Groups(Vec<(TypeSet, Reach)>),
}

/// The rows of one type that a caller may see.
#[derive(Debug, Clone, PartialEq)]
pub enum Reach {
    /// None.
    None,
    /// All.
    All,
    /// Those that one of the clauses covers.
    Any(Vec<Clause>),
}

/// One ground for seeing a row: all its conditions hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// The row is in the compartment of one of these Patients and of nobody else (keys of
    /// [`resource_key`](crate::index::hash::resource_key)): a record of two people is shown to neither alone.
    pub patients: Option<Vec<i64>>,
    /// The row meets these criteria (a scope's search-parameter constraints, later a consent's).
    pub criteria: Vec<Criterion>,
}

impl Access {
    /// Every row.
    pub const fn everything() -> Access {
        Access { rules: Rules::Everything }
    }

    /// No row.
    pub const fn nothing() -> Access {
        Access { rules: Rules::Groups(Vec::new()) }
    }

    /// The rows that `reaches` gives for each type; types not named: none.
    pub fn by_type(reaches: impl IntoIterator<Item = (TypeId, Reach)>) -> Access {
        let reaches = reaches.into_iter();
        Access::by_group(reaches.map(|(type_, reach)| (std::iter::once(type_).collect(), reach)))
    }

    /// The rows that `groups` gives for the types of each; of a type in two groups the first speaks.
    fn by_group(groups: impl Iterator<Item = (TypeSet, Reach)>) -> Access {
        let mut kept: Vec<(TypeSet, Reach)> = Vec::new();
        for (types, reach) in groups.filter(|(_, reach)| *reach != Reach::None) {
            match kept.iter_mut().find(|(_, known)| *known == reach) {
                Some((known, _)) => known.add(types),
                None => kept.push((types, reach)),
            }
        }
        Access { rules: Rules::Groups(kept) }
    }

    /// The rows of `type_` that may be seen.
    pub fn reach(&self, type_: TypeId) -> &Reach {
        match &self.rules {
            Rules::Everything => &Reach::All,
            Rules::Groups(groups) => groups
                .iter()
                .find(|(types, _)| types.contains(type_))
                .map_or(&Reach::None, |(_, reach)| reach),
        }
    }

    /// Whether every row of every type may be seen.
    pub const fn is_everything(&self) -> bool {
        matches!(self.rules, Rules::Everything)
    }

    /// The types of which at least some rows may be seen, those with the same reach together; `None` when it is everything.
    pub fn groups(&self) -> Option<impl Iterator<Item = (Vec<TypeId>, &Reach)>> {
        match &self.rules {
            Rules::Everything => None,
            Rules::Groups(groups) => {
                Some(groups.iter().map(|(types, reach)| (types.iter().collect(), reach)))
            }
        }
    }
}

/// A set of types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct TypeSet([u64; 4]);

impl TypeSet {
    fn place(type_: TypeId) -> (usize, u64) {
        (usize::from(type_.0) / 64, 1 << (type_.0 % 64))
    }

    fn contains(&self, type_: TypeId) -> bool {
        let (word, bit) = TypeSet::place(type_);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    fn add(&mut self, other: TypeSet) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own |= other);
    }

    fn iter(&self) -> impl Iterator<Item = TypeId> {
        (0..256).map(TypeId).filter(|type_| self.contains(*type_))
    }
}

impl FromIterator<TypeId> for TypeSet {
    fn from_iter<I: IntoIterator<Item = TypeId>>(types: I) -> TypeSet {
        let mut set = TypeSet::default();
        for (word, bit) in types.into_iter().map(TypeSet::place) {
            if let Some(bits) = set.0.get_mut(word) {
                *bits |= bit;
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Definitions;

    #[test]
    fn a_set_holds_every_type() {
        let all: Vec<TypeId> = Definitions::r4().types().collect();
        let set: TypeSet = all.iter().copied().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), all);
        let none = TypeSet::default();
        assert!(all.iter().all(|type_| set.contains(*type_) && !none.contains(*type_)));
    }
}
