//! The small integers by which resource types and search parameters are known inside the process.

/// A resource type: its place in the list of R4 resource types, ordered by name. Not stored; the store interns names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u16);

/// A search parameter of one base type. One of R4's is its place in the definitions, which is not stored: the store interns
/// (type, code). One that an administrator defined has the number that the store gave it, and says its kind itself, so
/// that a store finds its rows without knowing what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterId(pub u32);

/// Marks the id of a parameter that is not R4's.
const CUSTOM: u32 = 1 << 31;

/// Where the kind stands in such an id, above the number.
const KIND: u32 = 27;

impl ParameterId {
    /// The id of a parameter that is not R4's, by its number in the store (below 2^27).
    pub const fn custom(number: u32, kind: SearchKind) -> ParameterId {
        ParameterId(CUSTOM | (kind as u32) << KIND | number & ((1 << KIND) - 1))
    }

    /// The number and kind of a parameter that is not R4's; `None` for R4's.
    pub fn as_custom(self) -> Option<(u32, SearchKind)> {
        let number = self.0 & ((1 << KIND) - 1);
        let kind = SearchKind::ALL.into_iter().find(|kind| (self.0 & !CUSTOM) >> KIND == *kind as u32);
        kind.filter(|_| self.0 & CUSTOM != 0).map(|kind| (number, kind))
    }
}

/// The types of search parameters (`FHIR R4 search.html#ptypes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SearchKind {
    /// A number with implicit precision.
    Number,
    /// A date or period.
    Date,
    /// Text, matched from its start, without case and accents.
    String,
    /// A code, identifier or flag.
    Token,
    /// A reference to a resource or canonical.
    Reference,
    /// Several parameters on one element.
    Composite,
    /// A quantity with unit.
    Quantity,
    /// A URI.
    Uri,
    /// `Location.near`, `_filter` and the like.
    Special,
}

impl SearchKind {
    /// All of them.
    pub const ALL: [SearchKind; 9] = [
        SearchKind::Number,
        SearchKind::Date,
        SearchKind::String,
        SearchKind::Token,
        SearchKind::Reference,
        SearchKind::Composite,
        SearchKind::Quantity,
        SearchKind::Uri,
        SearchKind::Special,
    ];

    /// FHIR's code for it (`valueset-search-param-type`).
    pub const fn code(self) -> &'static str {
        match self {
            SearchKind::Number => "number",
            SearchKind::Date => "date",
            SearchKind::String => "string",
            SearchKind::Token => "token",
            SearchKind::Reference => "reference",
            SearchKind::Composite => "composite",
            SearchKind::Quantity => "quantity",
            SearchKind::Uri => "uri",
            SearchKind::Special => "special",
        }
    }

    /// The kind of this code.
    pub fn of(code: &str) -> Option<SearchKind> {
        SearchKind::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_parameter_says_its_number_and_kind() {
        for kind in SearchKind::ALL {
            assert_eq!(ParameterId::custom(77, kind).as_custom(), Some((77, kind)));
            assert_eq!(SearchKind::of(kind.code()), Some(kind));
        }
        assert_eq!(ParameterId(1705).as_custom(), None);
        assert_eq!(ParameterId(u32::MAX).as_custom(), None);
    }
}
