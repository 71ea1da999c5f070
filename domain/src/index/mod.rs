//! From a resource to what is stored for finding it: index entries and compartments.

pub(crate) mod canonical;
pub(crate) mod computed;
pub mod extract;
pub mod hash;
pub(crate) mod members;
mod parser;
pub(crate) mod path;
pub(crate) mod url;
pub mod value_set;
pub mod words;

pub use extract::extract;

use crate::conformance::{ParameterId, TypeId};

/// The format of index rows: what extraction gives and how it is kept. Raise it by one in every change that makes rows
/// differ from those already stored: a server that opens an older store then indexes it anew by itself
/// (`docs/decisions/0151`). 2: quantities in canonical units. 3: tokens
/// without case and with what they are sorted by, words, the codes of ValueSets, active members. 4: instants
/// as points, positions with their vectors. 5: more of long texts. 6: canonical URLs as references have them. 7: all of long texts. 8: what FHIRPath gives of
/// search parameters that no walkers know.
pub const FORMAT: i64 = 8;

/// Which aspect of a parameter's value a row holds. The store interns (parameter, facet) as one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// The value itself.
    Value,
    /// A token's display and text, for `:text`; a [`IndexValue::String`].
    Text,
    /// An identifier with its type, for `:of-type`; a [`IndexValue::Token`] with the type's system in `system`
    /// and the key of `code|value` in `code`.
    OfType,
    /// The identifier in a reference, for `:identifier`; a [`IndexValue::Token`].
    Identifier,
    /// The value in a contained resource, for `_contained`; `rid` is the container's.
    Contained,
    /// A code that a ValueSet enumerates, for `:in`, as a row of the parameter `ValueSet.code`; an [`IndexValue::Token`].
    /// One row without code tells in `system` whether the set enumerates ([`value_set::Why`]).
    Member,
    /// A member that is neither deleted nor inactive, for `_in`; an [`IndexValue::Reference`].
    Active,
    /// What is broader than a code, for `:below`: a MIME type without its parameters; an [`IndexValue::Token`].
    Broader,
    /// The canonical URL of the resource itself, as references to it have it, as a row of its parameter `url`; an
    /// [`IndexValue::Reference`] with the resource's version.
    Canonical,
    /// A text too long for the index, beside its value: an [`IndexValue::String`] with the same `folded`, and all of the folded
    /// text in `exact`.
    Long,
}

/// One row of one index table.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexEntry {
    /// The search parameter.
    pub parameter: ParameterId,
    /// The aspect of its value.
    pub facet: Facet,
    /// The value.
    pub value: IndexValue,
}

/// A value in the form in which it is compared. Keys are those of [`hash`].
#[derive(Debug, Clone, PartialEq)]
pub enum IndexValue {
    /// `system` is 0 when there is none; `code` is 0 when there is none (then the row only tells presence).
    Token {
        /// Key of the code as it is compared: without case, unless the system's codes have it.
        code: i64,
        /// Key of the system, 0 for none.
        system: i64,
        /// The code itself, for sorting: of values alone, at most [`MAX_SORTED`] bytes. Rows with the same `code` have the
        /// same text.
        text: String,
    },
    /// Text.
    String {
        /// Case-folded, accents removed, white space collapsed; at most [`MAX_FOLDED`] bytes, the last of which are [`CUT`]
        /// where there is more.
        folded: String,
        /// As written, for `:exact`.
        exact: String,
    },
    /// The interval a date, time or period covers: microseconds, `lo` inclusive, `hi` exclusive.
    /// Open ends are `i64::MIN` and `i64::MAX`.
    Date {
        /// Start.
        lo: i64,
        /// End.
        hi: i64,
    },
    /// A number: equal bounds, or those of a Range.
    Number {
        /// Lower bound.
        lo: f64,
        /// Upper bound.
        hi: f64,
    },
    /// A quantity, as written and in canonical UCUM form.
    Quantity(QuantityValue),
    /// A reference to a resource, local or not.
    Reference {
        /// The target's type where it is known.
        target_type: Option<TypeId>,
        /// [`hash::resource_key`] of a local `Type/id`; [`hash::text_key`] of any other URL, canonicals without version.
        target: i64,
        /// Version of a versioned or canonical reference, empty for none.
        version: String,
        /// The URL of one that is not local, for sorting: at most [`MAX_SORTED`] bytes. Rows with the same `target` have the
        /// same text.
        text: String,
    },
    /// A URI; at most [`MAX_URI`] bytes.
    Uri {
        /// The URI, canonicals without version.
        value: String,
        /// Version of a canonical, empty for none.
        version: String,
    },
    /// One element that a composite parameter looks at: its components in order.
    Composite(Vec<IndexValue>),
    /// The words of a text, for `_text` and `_content`: the rows of a set of words are kept once for all resources that have
    /// just these.
    Words {
        /// Key of the set.
        set: i64,
        /// Keys of the words, sorted.
        words: Vec<i64>,
    },
    /// A position on the earth, for `near`.
    Position {
        /// Degrees north.
        latitude: f64,
        /// Degrees east, at least -180 and less than 180.
        longitude: f64,
        /// The same as a unit vector from the middle of the earth, by which distances are compared.
        vector: [f64; 3],
    },
}

/// A quantity as indexed.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantityValue {
    /// Bounds of the value as written (equal for an exact value; open for a comparator or a Range).
    pub lo: f64,
    /// Upper bound as written.
    pub hi: f64,
    /// Key of `system|code`, 0 for none.
    pub code: i64,
    /// Key of the unit's text or code without system, 0 for none.
    pub unit: i64,
    /// Lower bound in the canonical unit; `NaN` where the unit is not UCUM.
    pub canonical_lo: f64,
    /// Upper bound in the canonical unit.
    pub canonical_hi: f64,
    /// Key of the canonical UCUM unit, 0 for none.
    pub canonical_unit: i64,
}

/// Bytes of a token or reference that are sorted by.
pub const MAX_SORTED: usize = 64;

/// Bytes of folded text that are indexed; longer text is cut at a character boundary and ends in [`CUT`].
pub const MAX_FOLDED: usize = 1000;

/// What ends a text that was cut: no character, and greater than all but one, so that no end of a text is found there.
pub const CUT: char = '\u{10fffe}';

/// Bytes of a URI that are indexed.
pub const MAX_URI: usize = 1000;

/// Cuts a text to `most` bytes, at a character's end.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// All that the store keeps for finding one version of a resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Indexed {
    /// Index rows.
    pub entries: Vec<IndexEntry>,
    /// [`hash::resource_key`] of every Patient in whose compartment it is (`FHIR R4 compartmentdefinition.html`), sorted.
    pub patients: Vec<i64>,
    /// Which search parameters it was indexed under ([`SearchParameters::generation`]).
    ///
    /// [`SearchParameters::generation`]: crate::conformance::SearchParameters::generation
    pub generation: i64,
}

impl Indexed {
    /// Whether a store keeps the same for both.
    pub fn is_as(&self, other: &Indexed) -> bool {
        self.entries == other.entries && self.patients == other.patients
    }
}
