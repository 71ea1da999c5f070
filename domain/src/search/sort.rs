//! What a search is sorted by (`FHIR R4 search.html#sort`).

use crate::conformance::ParameterId;

/// One sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// What to sort by.
    pub by: SortBy,
    /// `-`: largest first. Resources without a value come last either way.
    pub descending: bool,
}

/// What to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortBy {
    /// `_lastUpdated`.
    LastUpdated,
    /// `_id`.
    Id,
    /// A parameter, tokens by their code as it is compared, references by `Type/id` of what the caller may see here and by
    /// the URL of what is elsewhere: its lowest value ascending, its highest descending; of an interval its lower bound either way, so
    /// that both directions are each other's reverse and one index serves them.
    Parameter(ParameterId),
    /// In a search of several types a parameter of each that they call alike: parameters of one kind.
    Shared(Vec<ParameterId>),
}

impl SortBy {
    /// The parameters whose rows have what is sorted by; a resource has rows of one of them.
    pub fn parameters(&self) -> &[ParameterId] {
        match self {
            SortBy::LastUpdated | SortBy::Id => &[],
            SortBy::Parameter(parameter) => std::slice::from_ref(parameter),
            SortBy::Shared(parameters) => parameters,
        }
    }
}
