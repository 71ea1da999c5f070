//! Contained resources: which there are, and the rows by which searches tell them apart (`FHIR R4 search.html#contained`).
//!
//! Each row of a contained resource is there twice: as the row of any of them, by which a search finds the container without
//! knowing how many others it holds, and as that of its number, which says that several conditions meet in the same one.

use super::hash::text_key;
use super::{Facet, IndexEntry, IndexValue, Part};
use crate::conformance::{Definitions, ParameterId, TypeId};
use crate::resource::json::Json;

/// Contained resources of one resource that are indexed: more than a body can hold.
pub const MOST: u32 = (1 << 20) - 1;

/// The parameter beside whose rows of any part the contained resources of a resource are listed.
pub fn parameter() -> Option<ParameterId> {
    Definitions::r4().common_parameter("_id").map(|found| found.id)
}

/// The key under which contained resources of a type are listed.
pub fn type_key(type_: TypeId) -> i64 {
    text_key(Definitions::r4().type_name(type_))
}

/// The contained resources of a resource, with their numbers.
pub(crate) fn each<'r, 'j>(resource: &'r Json<'j>) -> impl Iterator<Item = (u32, &'r Json<'j>)> {
    (1..=MOST).zip(resource.get("contained").map(Json::each).unwrap_or_default())
}

/// The contained resource with this number.
pub fn nth<'r, 'j>(resource: &'r Json<'j>, number: u32) -> Option<&'r Json<'j>> {
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    resource.get("contained").map(Json::each).unwrap_or_default().get(place)
}

/// Adds the rows of one contained resource: `entries` as if it were a resource of its own.
pub(super) fn index(
    (number, name): (u32, &str),
    resource: &Json<'_>,
    entries: Vec<IndexEntry>,
    out: &mut Vec<IndexEntry>,
) {
    let Some(parameter) = parameter() else { return };
    let id = resource.get("id").and_then(Json::as_str).unwrap_or_default();
    let value = IndexValue::Token {
        code: text_key(name),
        system: i64::from(number),
        text: super::cut(id, super::MAX_SORTED).to_owned(),
    };
    out.push(IndexEntry { parameter, facet: Facet::Value, part: Part::Any, value });
    for entry in entries {
        out.push(IndexEntry { part: Part::Any, ..entry.clone() });
        out.push(IndexEntry { part: Part::Nth(number), ..entry });
    }
}
