//! Who is in a List, Group or CareTeam now, as index rows beside those of `List.item`, `Group.member` and
//! `CareTeam.participant`: without entries marked as deleted and members marked as inactive.

use super::{Facet, IndexEntry, Part};
use crate::conformance::{Definitions, ParameterId, TypeId};
use crate::resource::json::Json;
use crate::search::kind::{Values, reference};

/// Where a type has its members.
struct Place {
    type_: &'static str,
    /// The parameter beside whose rows they stand.
    code: &'static str,
    /// The element that repeats.
    element: &'static str,
    /// The reference in it.
    reference: &'static str,
    /// The flag that takes it out.
    out: &'static str,
}

const PLACES: [Place; 3] = [
    Place { type_: "List", code: "item", element: "entry", reference: "item", out: "deleted" },
    Place { type_: "Group", code: "member", element: "member", reference: "entity", out: "inactive" },
    // A CareTeam has no such flag.
    Place { type_: "CareTeam", code: "participant", element: "participant", reference: "member", out: "" },
];

/// The types that have members, each with the parameter beside whose rows they stand.
pub(crate) fn holders() -> impl Iterator<Item = (&'static str, TypeId, ParameterId)> {
    let definitions = Definitions::r4();
    PLACES.iter().filter_map(|place| {
        let type_ = definitions.type_id(place.type_)?;
        Some((place.type_, type_, definitions.parameter(type_, place.code)?.id))
    })
}

/// Adds the rows of a resource of the type called `name`.
pub(super) fn index(name: &str, resource: &Json<'_>, base: &str, out: &mut Vec<IndexEntry>) {
    let Some(place) = PLACES.iter().find(|place| place.type_ == name) else { return };
    let Some((_, _, parameter)) = holders().find(|(type_, ..)| *type_ == name) else { return };
    for member in resource.get(place.element).map(Json::each).unwrap_or_default() {
        let Some(element) = member.get(place.reference) else { continue };
        if member.get(place.out) == Some(&Json::Bool(true)) {
            continue;
        }
        let mut values = Values::new();
        reference::index(element, "Reference", base, &mut values);
        for (_, value) in values.into_iter().filter(|(facet, _)| *facet == Facet::Value) {
            let entry = IndexEntry { parameter, facet: Facet::Active, part: Part::Itself, value };
            if !out.contains(&entry) {
                out.push(entry);
            }
        }
    }
}
