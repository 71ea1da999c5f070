//! A search that has been parsed and checked: what the stores run. A store cannot be handed anything less.

use crate::conformance::{Definitions, ParameterId, TypeId};
use crate::id::Id;
use crate::index::Facet;

/// A search, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The types searched; empty means every type.
    pub types: Vec<TypeId>,
    /// All must hold.
    pub criteria: Vec<Criterion>,
    /// Sort keys, most significant first; `rid` decides ties and stands alone when there are none.
    pub sort: Vec<Sort>,
    /// Matches on a page; 0 asks for the total alone.
    pub count: usize,
    /// Whether to count all matches.
    pub total: Total,
    /// What else to bring along.
    pub includes: Vec<Include>,
    /// Resources that the page brings along at most.
    pub included: usize,
    /// The place that the page borders on; `None` for the first page.
    pub after: Option<Position>,
    /// Whether the page ends before that place, and does not begin after it.
    pub backward: bool,
}

impl Query {
    /// The type searched, if it is one.
    pub fn only_type(&self) -> Option<TypeId> {
        match self.types.as_slice() {
            [type_] => Some(*type_),
            _ => None,
        }
    }

    /// The types whose resources the search looks at or brings along; `None` when they may be any.
    pub fn types_seen(&self) -> Option<Vec<TypeId>> {
        if self.types.is_empty() {
            return None;
        }
        let mut seen = self.types.clone();
        self.criteria.iter().for_each(|criterion| criterion.types_seen(&mut seen));
        for include in &self.includes {
            if include.reverse && include.sources.is_empty() {
                return None;
            } else if include.reverse {
                seen.extend(&include.sources);
            } else if let Some(target) = include.target {
                seen.push(target);
            } else {
                seen.extend(&include.targets);
                if include.targets.is_empty() {
                    return None;
                }
            }
        }
        Some(seen)
    }

    /// Where the pages before and after one begin. `first` and `last` are the places of its matches, `more` whether others lie
    /// beyond it in the direction of reading. From a page that turned out empty the way back includes the place it borders
    /// on, so that nothing is left out.
    pub fn neighbours(
        &self,
        first: Option<Position>,
        last: Option<Position>,
        more: bool,
    ) -> (Option<Position>, Option<Position>) {
        let bordering = |row: i64| self.after.as_ref().map(|at| Position { row, ..at.clone() });
        let row = self.after.as_ref().map_or(0, |at| at.row);
        match (&self.after, self.backward) {
            (None, _) => (None, last.filter(|_| more)),
            (Some(_), false) => (first.or_else(|| bordering(row + 1)), last.filter(|_| more)),
            (Some(_), true) => (first.filter(|_| more), last.or_else(|| bordering(row - 1))),
        }
    }

    /// The total that a page of `matches` tells: a first page without more.
    pub fn total_of_page(&self, matches: usize, more: bool) -> Option<u64> {
        let whole = self.total == Total::Known && self.after.is_none() && !more;
        whole.then(|| u64::try_from(matches).unwrap_or(u64::MAX))
    }
}

/// One condition on a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Criterion {
    /// `_id`: one of these.
    Id(Vec<Id>),
    /// `_lastUpdated`: one of these holds.
    LastUpdated(Vec<DateTest>),
    /// At least one index row of the parameter (in `facet`) passes one of the tests; `negated` turns the whole round
    /// (`:not`: resources without the value match, `FHIR R4 search.html#modifiers`).
    Matches {
        /// The parameter.
        parameter: ParameterId,
        /// The aspect tested.
        facet: Facet,
        /// One of these passes.
        tests: Vec<Test>,
        /// Whether the resource must not have such a row.
        negated: bool,
    },
    /// `:missing`.
    Missing {
        /// The parameter.
        parameter: ParameterId,
        /// `true`: no row of the parameter.
        missing: bool,
    },
    /// A chain (`subject:Patient.name=…`): the parameter refers to a resource of one of `targets` that meets `criteria`
    /// (and that the caller may see).
    Chain {
        /// The reference parameter.
        parameter: ParameterId,
        /// Types of the target.
        targets: Vec<TypeId>,
        /// What the target must meet: per target type in the order of `targets`, or once where it is the same for all.
        criteria: Vec<Vec<Criterion>>,
        /// Where it refers by canonical URL: the parameters `url` of the target types ([`Facet::Canonical`]).
        urls: Vec<ParameterId>,
    },
    /// `_has`: a resource of type `source` refers to this one by `parameter` and meets `criteria`.
    Has {
        /// Type of the referring resource.
        source: TypeId,
        /// Its reference parameter.
        parameter: ParameterId,
        /// Which of its references: the values, or those of active members.
        facet: Facet,
        /// What it must meet.
        criteria: Vec<Criterion>,
        /// Where it refers by canonical URL: the parameters `url` of this one's types.
        urls: Vec<ParameterId>,
    },
    /// The resource is in a compartment: it is the compartment's own, or refers to that by one of the parameters.
    Compartment {
        /// [`resource_key`](crate::index::hash::resource_key) of the compartment's own resource.
        key: i64,
        /// The parameters that put a resource of the types searched into it.
        parameters: Vec<ParameterId>,
        /// Whether the compartment's own resource is of a type searched.
        itself: bool,
    },
    /// The resource is of one of these types and meets what stands beside it.
    ByType(Vec<(TypeId, Criterion)>),
    /// One of these holds.
    Any(Vec<Criterion>),
    /// All of these hold.
    All(Vec<Criterion>),
    /// This does not hold.
    Not(Box<Criterion>),
    /// Never holds.
    Never,
}

impl Criterion {
    /// Adds the types at the other ends of chains and `_has`, and that of the sets that tests name.
    fn types_seen(&self, seen: &mut Vec<TypeId>) {
        match self {
            Criterion::Matches { tests, .. } if tests.iter().any(|test| matches!(test, Test::Member(_))) => {
                seen.extend(Definitions::r4().type_id("ValueSet"));
            }
            Criterion::Chain { targets, criteria, .. } => {
                seen.extend(targets);
                criteria.iter().flatten().for_each(|criterion| criterion.types_seen(seen));
            }
            Criterion::Has { source, criteria, .. } => {
                seen.push(*source);
                criteria.iter().for_each(|criterion| criterion.types_seen(seen));
            }
            Criterion::Any(criteria) | Criterion::All(criteria) => {
                criteria.iter().for_each(|criterion| criterion.types_seen(seen));
            }
            Criterion::Not(criterion) => criterion.types_seen(seen),
            Criterion::ByType(each) => each.iter().for_each(|(_, criterion)| criterion.types_seen(seen)),
            _ => {}
        }
    }
}

/// The prefixes of ordered values (`FHIR R4 search.html#prefix`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// The stored interval lies within the searched one.
    Eq,
    /// It does not.
    Ne,
    /// The stored interval reaches above the searched one.
    Gt,
    /// The stored interval reaches below the searched one.
    Lt,
    /// `gt` or `eq`.
    Ge,
    /// `lt` or `eq`.
    Le,
    /// Starts after.
    Sa,
    /// Ends before.
    Eb,
    /// Overlaps the searched interval widened by a tenth (the parser widens it).
    Ap,
    /// The searched interval lies within the stored one (`co` of `_filter`; no prefix in a URL).
    Holds,
}

/// A date searched for: its interval `[lo, hi)` in microseconds, and how to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTest {
    /// How to compare.
    pub prefix: Prefix,
    /// Start, inclusive.
    pub lo: i64,
    /// End, exclusive.
    pub hi: i64,
}

/// How text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextMatch {
    /// The folded text starts with the folded value.
    Starts,
    /// The folded text holds the folded value.
    Contains,
    /// The text as written is the value.
    Exact,
    /// The folded text ends with the folded value.
    Ends,
    /// The folded texts are compared by code points (`Eq`, `Ne`, `Gt`, `Lt`, `Ge`, `Le`).
    Ordered(Prefix),
    /// The whole of a long folded text ([`Facet::Long`]) starts with the folded value, which is long too.
    Long,
}

/// What a token's system must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemTest {
    /// Anything (`code`).
    Any,
    /// None (`|code`).
    None,
    /// This one (`system|code`), by its key.
    Is(i64),
}

/// One test of one index row.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// On [`IndexValue::Token`](crate::index::IndexValue::Token).
    Token {
        /// The system.
        system: SystemTest,
        /// Key of the code; `None` for `system|`.
        code: Option<i64>,
    },
    /// On [`IndexValue::String`](crate::index::IndexValue::String).
    Text {
        /// How to compare.
        how: TextMatch,
        /// Folded, but as written for `Exact`.
        text: String,
    },
    /// On [`IndexValue::Date`](crate::index::IndexValue::Date).
    Date(DateTest),
    /// On [`IndexValue::Number`](crate::index::IndexValue::Number).
    Number {
        /// How to compare.
        prefix: Prefix,
        /// Lower bound of the value's implicit precision.
        lo: f64,
        /// Upper bound.
        hi: f64,
    },
    /// On [`IndexValue::Quantity`](crate::index::IndexValue::Quantity).
    Quantity {
        /// How to compare.
        prefix: Prefix,
        /// Lower bound of the value.
        lo: f64,
        /// Upper bound.
        hi: f64,
        /// Which unit.
        unit: UnitTest,
    },
    /// On [`IndexValue::Reference`](crate::index::IndexValue::Reference).
    Reference {
        /// Key of the target (see there); several for an id without type, one per possible target type.
        targets: Vec<i64>,
        /// The version asked for.
        version: VersionTest,
    },
    /// On [`IndexValue::Uri`](crate::index::IndexValue::Uri).
    Uri {
        /// How to compare.
        how: UriMatch,
        /// The URI, canonicals without version.
        value: String,
        /// The version asked for, if any.
        version: Option<String>,
    },
    /// On [`IndexValue::Composite`](crate::index::IndexValue::Composite): every component passes its test.
    Composite(Vec<Test>),
    /// On [`IndexValue::Position`](crate::index::IndexValue::Position).
    Near(NearTest),
    /// The row passes none of these.
    Not(Vec<Test>),
    /// On [`IndexValue::Words`](crate::index::IndexValue::Words): the word with this key is among them.
    Word(i64),
    /// On [`IndexValue::Token`](crate::index::IndexValue::Token): one of the codes of a ValueSet (`:in`).
    Member(Set),
}

impl Test {
    /// Whether it looks at the whole of long texts too ([`Facet::Long`]).
    pub const fn looks_at_long(&self) -> bool {
        matches!(self, Test::Text { how: TextMatch::Contains | TextMatch::Ends, .. })
    }
}

/// A circle on the earth. What is in it is told by the vectors alone; the ranges let an index leave out the rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NearTest {
    /// The centre, as a unit vector from the middle of the earth.
    pub vector: [f64; 3],
    /// The square of the longest chord between the centre and a position in the circle, on a sphere of radius 1.
    pub chord: f64,
    /// The southernmost and northernmost latitude, in degrees.
    pub latitudes: (f64, f64),
    /// The westernmost and easternmost longitude; the first is the greater where the circle holds the date line. `None`
    /// where it holds a pole.
    pub longitudes: Option<(f64, f64)>,
}

/// The version that a reference must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionTest {
    /// Any or none.
    Any,
    /// This one.
    Is(String),
    /// This one or one of it: `1` has `1.0` and `1.0.2`, not `10` (`:below`, `FHIR R4 search.html#versions`).
    Below(String),
    /// One of these: the version asked for, those that it is one of, and none (`:above`).
    Above(Vec<String>),
}

/// A ValueSet that `:in` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Set {
    /// As the caller named it. A store looks for it before it searches ([`super::set::resolve`]).
    Named(super::set::Name),
    /// As a store found it: its row and, in SQL, the `p` of the rows of its codes.
    Stored {
        /// The row of the ValueSet.
        row: i64,
        /// `p` of its codes' rows.
        p: i64,
    },
}

/// How a URI is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UriMatch {
    /// The same.
    Exact,
    /// The stored one starts with the searched one (`:below`).
    Below,
    /// The stored one is the searched one, or it up to a slash (`:above`).
    Above,
}

/// The unit a quantity must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnitTest {
    /// Any.
    Any,
    /// `n|system|code` where the unit is not UCUM: key of `system|code`.
    Code(i64),
    /// `n||unit`: key of the text.
    Text(i64),
    /// UCUM: key of the canonical unit; the bounds are in it.
    Canonical(i64),
}

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

/// Whether to count (`FHIR R4 search.html#total`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// No.
    None,
    /// Only where the first page has all matches: it costs nothing then.
    Known,
    /// Roughly.
    Estimate,
    /// Exactly.
    Accurate,
}

/// One `_include` or `_revinclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// `_revinclude`: the included resource refers to the match.
    pub reverse: bool,
    /// The types that have the reference; empty for any.
    pub sources: Vec<TypeId>,
    /// The reference parameters (all of the types for `*`).
    pub parameters: Vec<ParameterId>,
    /// Only targets of this type.
    pub target: Option<TypeId>,
    /// The types that the parameters may refer to; empty for any.
    pub targets: Vec<TypeId>,
    /// Those of the parameters that refer by canonical URL.
    pub canonicals: Vec<ParameterId>,
    /// The parameters `url` of what these may refer to ([`Facet::Canonical`]).
    pub urls: Vec<ParameterId>,
    /// `:iterate`: also from included resources.
    pub iterate: bool,
}

/// A place between matches: the sort values and row of the one before it or, to read backward, after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// One for each sort key; `None` where the resource had no value.
    pub values: Vec<Option<SortValue>>,
    /// The row.
    pub row: i64,
}

/// A value sorted by.
#[derive(Debug, Clone, PartialEq)]
pub enum SortValue {
    /// Microseconds, keys.
    Integer(i64),
    /// Numbers.
    Real(f64),
    /// Text.
    Text(String),
}
