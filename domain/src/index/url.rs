//! The canonical URL of a resource, as an index row in the form that references to it have: `_include`, chains and `_has`
//! follow canonicals by it (`FHIR R4 references.html#canonical`).

use super::hash::text_key;
use super::{Facet, IndexEntry, IndexValue, Part};
use crate::conformance::{Definitions, ParameterId, SearchKind, TypeId};
use crate::resource::json::Json;

/// The parameter beside whose rows the canonical URL of a resource of `type_` stands; `None` for a type that has none.
pub(crate) fn parameter(type_: TypeId) -> Option<ParameterId> {
    let found = Definitions::r4().parameter(type_, "url")?;
    (found.kind == SearchKind::Uri).then_some(found.id)
}

/// Adds the row of a resource that has a URL.
pub(super) fn index(type_: TypeId, resource: &Json<'_>, out: &mut Vec<IndexEntry>) {
    let text = |name| resource.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let (Some(parameter), Some(url)) = (parameter(type_), text("url")) else { return };
    let version = text("version").unwrap_or_default().to_owned();
    let value =
        IndexValue::Reference { target_type: None, target: text_key(url), version, text: String::new() };
    out.push(IndexEntry { parameter, facet: Facet::Canonical, part: Part::Itself, value });
}
