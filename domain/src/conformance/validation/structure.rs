//! The walk over a resource: known elements, cardinality, JSON types, companions of primitives, nested resources.

use super::place::Place;
use super::primitive::{self, Wrong};
use super::{MOST_ISSUES, Report, ValidationSettings};
use crate::conformance::TypeId;
use crate::conformance::definitions::{Definitions, Element, ElementType, Key, Shape, ShapeKind};
use crate::error::{ErrorCode, Issue};
use crate::resource::json::{Json, Object};
use rustc_hash::FxHashSet;

/// One validation in progress.
pub(super) struct Walk<'d> {
    pub(super) definitions: &'d Definitions,
    pub(super) settings: &'d ValidationSettings,
    pub(super) report: Report,
    /// Ids of the resources contained in the one being walked.
    pub(super) contained: FxHashSet<String>,
    /// Whether resources of entries are passed over.
    pub(super) shell: bool,
}

/// What has been seen of an object's elements: one bit for each, of values and of companions.
#[derive(Default)]
struct Seen {
    values: u128,
    companions: u128,
}

impl<'d> Walk<'d> {
    pub(super) fn new(definitions: &'d Definitions, settings: &'d ValidationSettings) -> Walk<'d> {
        Walk {
            definitions,
            settings,
            report: Report::default(),
            contained: FxHashSet::default(),
            shell: false,
        }
    }

    /// Adds a fault; the sentence is made only if it is kept.
    pub(super) fn fault(&mut self, code: ErrorCode, place: &Place<'_>, message: impl FnOnce() -> String) {
        if !self.full() {
            self.report.faults.push(Issue::error(code, message()).at(place.path()));
        }
    }

    fn full(&self) -> bool {
        self.report.faults.len() >= MOST_ISSUES
    }

    /// The whole document: one resource, of type `expected` if given.
    pub(super) fn document(&mut self, value: &Json<'_>, expected: Option<TypeId>) {
        let name = value.resource_type().filter(|name| self.definitions.type_id(name).is_some());
        let place = Place::root(name.unwrap_or("Resource"));
        if let (Some(name), Some(expected)) = (name, expected)
            && self.definitions.type_id(name) != Some(expected)
        {
            let expected = self.definitions.type_name(expected);
            self.fault(ErrorCode::InvalidStructure, &place.member("resourceType"), || {
                format!("The resource is of type {name}, where {expected} is expected.")
            });
        }
        self.resource(value, &place, false);
    }

    /// A resource: the document, an entry of a Bundle, a parameter, or a contained one.
    fn resource(&mut self, value: &Json<'_>, place: &Place<'_>, contained: bool) {
        let Some(object) = value.as_object() else {
            return self
                .fault(ErrorCode::InvalidStructure, place, || "A resource is a JSON object.".to_owned());
        };
        let type_ = match object.get("resourceType") {
            Some(Json::String(name)) => self.definitions.type_id(name),
            Some(_) => None,
            None => {
                return self.fault(ErrorCode::MissingElement, &place.member("resourceType"), || {
                    "A resource names its type in resourceType.".to_owned()
                });
            }
        };
        let Some(type_) = type_ else {
            return self.fault(ErrorCode::InvalidStructure, &place.member("resourceType"), || {
                "This is not the name of an R4 resource type.".to_owned()
            });
        };
        let shape = self.definitions.shape_of(type_);
        if contained {
            // References from inside a contained resource resolve in the resource that contains it.
            return self.members(object, shape, place);
        }
        let ids = object.get("contained").map(Json::each).unwrap_or_default();
        let ids = ids.iter().filter_map(|inner| inner.get("id")?.as_str()).map(str::to_owned).collect();
        let outer = std::mem::replace(&mut self.contained, ids);
        self.members(object, shape, place);
        self.contained_rules(object, place);
        self.contained = outer;
    }

    /// The members of an object of structure `shape`, then what is missing, then its rules.
    fn members(&mut self, object: &Object<'_>, shape: &'d Shape, place: &Place<'_>) {
        let mut seen = Seen::default();
        let mut resource_types = 0;
        for (name, value) in object.iter() {
            if self.full() {
                return;
            }
            if name == "resourceType" && shape.kind == ShapeKind::Resource {
                resource_types += 1;
                continue;
            }
            let Some((element, type_, key)) = shape.member(name) else {
                self.fault(ErrorCode::InvalidStructure, &place.member(name), || {
                    format!("{} has no element '{name}'.", shape.name)
                });
                continue;
            };
            self.note(&mut seen, (object, shape, place), (name, element, key));
            if key.companion {
                self.companion((object, value), (element, type_), (name, place));
            } else {
                self.element((object, value), (element, type_), (name, place));
            }
        }
        if resource_types > 1 {
            self.duplicate("resourceType", place);
        }
        self.missing(&seen, shape, place);
        let childless = shape.kind != ShapeKind::Resource && object.iter().all(|(name, _)| name == "id");
        if childless {
            self.fault(ErrorCode::InvalidStructure, place, || {
                "ele-1: an element has a value or children; leave it out instead.".to_owned()
            });
        } else {
            self.rules(shape.name, object, place);
        }
    }

    /// Notes that a member was seen, and reports it when it was there already, or as another type of a choice.
    fn note(
        &mut self,
        seen: &mut Seen,
        (object, shape, place): (&Object<'_>, &Shape, &Place<'_>),
        (name, element, key): (&str, &Element, Key),
    ) {
        let bit = 1_u128.checked_shl(u32::from(key.element)).unwrap_or_default();
        let known = seen.values | seen.companions;
        let same_kind = if key.companion { &mut seen.companions } else { &mut seen.values };
        let again = *same_kind & bit != 0;
        *same_kind |= bit;
        if known & bit == 0 {
            return;
        }
        let is_other = |other: &str| {
            shape.key(other).is_some_and(|other| other.element == key.element && other.type_ != key.type_)
        };
        if element.choice
            && object.iter().take_while(|(other, _)| *other != name).any(|(other, _)| is_other(other))
        {
            self.fault(ErrorCode::InvalidStructure, &place.member(name), || {
                format!("{}[x] has one type at a time; send one of its members.", element.name)
            });
        } else if again {
            self.duplicate(name, place);
        }
    }

    fn duplicate(&mut self, name: &str, place: &Place<'_>) {
        self.fault(ErrorCode::InvalidStructure, &place.member(name), || {
            format!("'{name}' stands more than once in one object.")
        });
    }

    fn missing(&mut self, seen: &Seen, shape: &Shape, place: &Place<'_>) {
        for (element, at) in shape.elements.iter().zip(0_u32..) {
            let bit = 1_u128.checked_shl(at).unwrap_or_default();
            if element.min > 0 && (seen.values | seen.companions) & bit == 0 {
                self.fault(ErrorCode::MissingElement, &place.member(element.name), || {
                    let choice = if element.choice { "[x]" } else { "" };
                    format!("{} needs at least {} '{}{choice}'.", shape.name, element.min, element.name)
                });
            }
        }
    }

    /// The value of an element: one, or an array where it repeats.
    fn element(
        &mut self,
        (object, value): (&Object<'_>, &Json<'_>),
        (element, type_): (&'d Element, &'d ElementType),
        (name, place): (&str, &Place<'_>),
    ) {
        let place = place.member(name);
        let Json::Array(items) = value else {
            if element.list {
                self.fault(ErrorCode::InvalidStructure, &place, || {
                    format!("'{name}' repeats: send an array.")
                });
            }
            return self.value(value, element, type_, &place);
        };
        if !element.list {
            return self.fault(ErrorCode::InvalidStructure, &place, || {
                format!("'{name}' does not repeat: send one value, not an array.")
            });
        }
        if items.is_empty() {
            self.fault(ErrorCode::InvalidStructure, &place, || {
                format!("'{name}' is an empty array; leave it out instead.")
            });
        }
        for (item, at) in items.iter().zip(0..) {
            let place = place.item(at);
            // A null keeps the place of a primitive that has only extensions (json.html#primitive).
            if *item == Json::Null
                && companion_of(object, name).and_then(|all| all.get(at)).is_some_and(is_object)
            {
                continue;
            }
            self.value(item, element, type_, &place);
        }
    }

    /// One value of an element.
    fn value(&mut self, value: &Json<'_>, element: &'d Element, type_: &'d ElementType, place: &Place<'_>) {
        if *value == Json::Null {
            return self.fault(ErrorCode::InvalidStructure, place, || {
                "null is no value; leave the element out instead.".to_owned()
            });
        }
        let shape = self.definitions.shape(type_.shape);
        match (shape.kind, value) {
            (ShapeKind::Primitive, _) => self.primitive(value, type_, place),
            (ShapeKind::Resource, _) if self.shell && element.name == "resource" => {}
            (ShapeKind::Resource, _) => self.resource(value, place, element.name == "contained"),
            (_, Json::Object(object)) => {
                self.members(object, shape, place);
                if type_.code == "Reference" {
                    self.reference(value, type_, place);
                }
            }
            _ => {
                return self.fault(ErrorCode::InvalidStructure, place, || {
                    format!("A {} is a JSON object.", type_.code)
                });
            }
        }
        if let Some(binding) = &element.binding {
            self.binding(binding, type_.code, value, place);
        }
    }

    fn primitive(&mut self, value: &Json<'_>, type_: &ElementType, place: &Place<'_>) {
        if let ("xhtml", Json::String(div)) = (type_.code, value) {
            return self.narrative(div, place);
        }
        match primitive::check(type_.code, value) {
            Ok(()) => {}
            Err(Wrong::Kind(expected)) => self.fault(ErrorCode::InvalidStructure, place, || {
                format!("A value of type {} is {expected}.", type_.code)
            }),
            Err(Wrong::Value(expected)) => self.fault(ErrorCode::InvalidValue, place, || {
                format!("A value of type {} is {expected}.", type_.code)
            }),
        }
    }

    /// `_name`: the id and extensions of a primitive, an array beside an array (`json.html#primitive`).
    fn companion(
        &mut self,
        (object, value): (&Object<'_>, &Json<'_>),
        (element, type_): (&'d Element, &'d ElementType),
        (name, place): (&str, &Place<'_>),
    ) {
        let sibling = name.strip_prefix('_').and_then(|name| object.get(name));
        let shape = self.definitions.shape(type_.shape);
        let place = place.member(name);
        let Json::Array(items) = value else {
            if element.list {
                self.fault(ErrorCode::InvalidStructure, &place, || {
                    format!("'{name}' repeats: send an array.")
                });
            } else {
                self.companion_value(value, sibling, shape, &place);
            }
            return;
        };
        if !element.list {
            return self.fault(ErrorCode::InvalidStructure, &place, || {
                format!("'{name}' does not repeat: send one object, not an array.")
            });
        }
        let values = sibling.and_then(Json::as_array);
        if items.is_empty() || values.is_some_and(|values| values.len() != items.len()) {
            self.fault(ErrorCode::InvalidStructure, &place, || {
                format!("'{name}' needs as many items as its array of values, null where there is none.")
            });
        }
        for (item, at) in items.iter().zip(0..) {
            let value = values.and_then(|values| values.get(at)).filter(|value| **value != Json::Null);
            // Without a value at the same place, null would say nothing at all.
            if *item != Json::Null || value.is_none() {
                self.companion_value(item, value, shape, &place.item(at));
            }
        }
    }

    fn companion_value(
        &mut self,
        companion: &Json<'_>,
        value: Option<&Json<'_>>,
        shape: &'d Shape,
        place: &Place<'_>,
    ) {
        let Json::Object(object) = companion else {
            return self.fault(ErrorCode::InvalidStructure, place, || {
                "The companion of a primitive is an object with id or extension.".to_owned()
            });
        };
        if value.is_some() && !object.is_empty() && object.iter().all(|(name, _)| name == "id") {
            if let Some(id) = object.get("id")
                && id.as_str().is_none_or(str::is_empty)
            {
                self.fault(ErrorCode::InvalidStructure, &place.member("id"), || {
                    "An id is a string.".to_owned()
                });
            }
            return;
        }
        self.members(object, shape, place);
    }
}

/// The array of companions of the repeating primitive `name`.
fn companion_of<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o [Json<'a>]> {
    let companion =
        |(key, value): (&'o str, &'o Json<'a>)| (key.strip_prefix('_') == Some(name)).then_some(value);
    object.iter().find_map(companion)?.as_array()
}

fn is_object(value: &Json<'_>) -> bool {
    matches!(value, Json::Object(_))
}
