//! The small integers by which resource types and search parameters are known inside the process.

/// A resource type: its place in the list of R4 resource types, ordered by name. Not stored; the store interns names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u16);

/// A search parameter of one base type: its place in the definitions. Not stored; the store interns (type, code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterId(pub u32);

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
