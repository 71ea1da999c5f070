//! Special parameters: `Location.near` (`FHIR R4 location.html#search`) is indexed; it cannot be searched yet.

use super::Values;
use super::number::real;
use crate::index::{Facet, IndexValue};
use crate::resource::json::Json;

/// Indexes a position on the earth.
pub(crate) fn index(element: &Json<'_>, out: &mut Values) {
    let degrees = |member: &str| element.get(member).and_then(real);
    if let (Some(latitude), Some(longitude)) = (degrees("latitude"), degrees("longitude")) {
        out.push((Facet::Value, IndexValue::Position { latitude, longitude }));
    }
}
