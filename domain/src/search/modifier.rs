//! Modifiers of search parameters (`FHIR R4 search.html#modifiers`) and the kinds of parameters that take them.

use crate::conformance::{Definitions, SearchKind, TypeId};
use crate::error::{Error, ErrorCode};

/// What follows the colon of a parameter's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modifier {
    /// Nothing.
    None,
    /// `:missing`
    Missing,
    /// `:exact`
    Exact,
    /// `:contains`
    Contains,
    /// `:not`
    Not,
    /// `:text`
    Text,
    /// `:of-type`
    OfType,
    /// `:identifier`
    Identifier,
    /// `:above`
    Above,
    /// `:below`
    Below,
    /// `:in`
    In,
    /// `:not-in`
    NotIn,
    /// `:Patient`
    Type(TypeId),
}

/// Modifiers and the kinds that take them; `None` for all kinds.
const TABLE: [(&str, Modifier, Option<SearchKind>); 15] = [
    ("missing", Modifier::Missing, None),
    ("exact", Modifier::Exact, Some(SearchKind::String)),
    ("contains", Modifier::Contains, Some(SearchKind::String)),
    ("not", Modifier::Not, Some(SearchKind::Token)),
    ("text", Modifier::Text, Some(SearchKind::Token)),
    ("of-type", Modifier::OfType, Some(SearchKind::Token)),
    ("in", Modifier::In, Some(SearchKind::Token)),
    ("not-in", Modifier::NotIn, Some(SearchKind::Token)),
    ("above", Modifier::Above, Some(SearchKind::Token)),
    ("below", Modifier::Below, Some(SearchKind::Token)),
    ("identifier", Modifier::Identifier, Some(SearchKind::Reference)),
    ("above", Modifier::Above, Some(SearchKind::Reference)),
    ("below", Modifier::Below, Some(SearchKind::Reference)),
    ("above", Modifier::Above, Some(SearchKind::Uri)),
    ("below", Modifier::Below, Some(SearchKind::Uri)),
];

/// Reads the modifier of a parameter of `kind`; `name` is the whole name, for the error.
///
/// Errors: [`ErrorCode::NotSupported`]: a modifier that is not understood is never ignored.
pub(super) fn parse(name: &str, text: Option<&str>, kind: SearchKind) -> Result<Modifier, Error> {
    let Some(text) = text else { return Ok(Modifier::None) };
    let row = TABLE.iter().find(|(word, _, of)| *word == text && of.is_none_or(|of| of == kind));
    if let Some((_, modifier, _)) = row {
        return Ok(*modifier);
    }
    let type_ = Definitions::r4().type_id(text).filter(|_| kind == SearchKind::Reference);
    type_.map(Modifier::Type).ok_or_else(|| {
        let message = format!("The parameter '{name}': the modifier ':{text}' is not supported on it.");
        Error::new(ErrorCode::NotSupported, message)
    })
}
