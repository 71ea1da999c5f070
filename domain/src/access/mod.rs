//! Who may do what. A decision is not yes or no but a set of rows, handed to the store as part of every query.

pub mod actor;
pub mod compartment;
pub mod decision;
pub mod scope;
pub(crate) mod subject;

use crate::conformance::TypeId;
use crate::search::query::Criterion;
use std::collections::BTreeMap;

/// The rows a caller may see (or change) in one interaction. Every function of the store that returns rows takes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    rules: Rules,
}

#[derive(Debug, Clone, PartialEq)]
enum Rules {
    Everything,
    ByType(BTreeMap<TypeId, Reach>),
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
        Access { rules: Rules::ByType(BTreeMap::new()) }
    }

    /// The rows that `reaches` gives for each type; types not named: none.
    pub fn by_type(reaches: impl IntoIterator<Item = (TypeId, Reach)>) -> Access {
        Access { rules: Rules::ByType(reaches.into_iter().collect()) }
    }

    /// The rows of `type_` that may be seen.
    pub fn reach(&self, type_: TypeId) -> &Reach {
        match &self.rules {
            Rules::Everything => &Reach::All,
            Rules::ByType(reaches) => reaches.get(&type_).unwrap_or(&Reach::None),
        }
    }

    /// Whether every row of every type may be seen.
    pub const fn is_everything(&self) -> bool {
        matches!(self.rules, Rules::Everything)
    }

    /// The types of which at least some rows may be seen, with their reach; `None` when it is everything.
    pub fn types(&self) -> Option<impl Iterator<Item = (TypeId, &Reach)>> {
        match &self.rules {
            Rules::Everything => None,
            Rules::ByType(reaches) => Some(
                reaches
                    .iter()
                    .filter(|(_, reach)| **reach != Reach::None)
                    .map(|(type_, reach)| (*type_, reach)),
            ),
        }
    }
}
