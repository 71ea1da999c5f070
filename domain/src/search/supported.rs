//! Which search parameters this server searches by: the one place that decides what the Registry may list.

use crate::conformance::SearchKind;
use crate::conformance::definitions::SearchParameter;

/// Whether parameters of this kind can be searched by.
pub const fn searchable(kind: SearchKind) -> bool {
    match kind {
        SearchKind::String
        | SearchKind::Token
        | SearchKind::Reference
        | SearchKind::Date
        | SearchKind::Uri => true,
        SearchKind::Number | SearchKind::Quantity | SearchKind::Composite | SearchKind::Special => false,
    }
}

/// Whether this parameter can be searched by: its kind can, and R4 says what it looks at.
pub fn offered(parameter: &SearchParameter) -> bool {
    matches!(&*parameter.code, "_id" | "_lastUpdated")
        || (searchable(parameter.kind) && !parameter.expression.is_empty())
}
