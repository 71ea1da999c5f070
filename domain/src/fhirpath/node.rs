//! Elements of a resource with the types that R4 gives them, and the ways down from them.

use super::item::{Collection, Item, Value};
use super::quantity::{Quantity, Unit};
use super::reflection::is_a;
use super::temporal::Temporal;
use crate::conformance::Definitions;
use crate::conformance::definitions::{Element, ElementType, Shape, ShapeKind};
use crate::index::canonical::UCUM;
use crate::resource::json::{Json, Object};
use rust_decimal::Decimal;

/// An element of a resource, or a resource: its JSON and its type.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// Its value: an object, or the value of a primitive; none for a primitive with nothing but extensions.
    pub json: Option<&'a Json<'a>>,
    /// Of a primitive, `_name`: its id and extensions.
    pub companion: Option<&'a Json<'a>>,
    /// Its type.
    pub shape: &'static Shape,
    /// As what it stands where it was found; none for a resource.
    pub element: Option<&'static Element>,
}

impl<'a> Node<'a> {
    /// A resource; `None` for what does not say that it is one.
    pub fn resource(json: &'a Json<'a>) -> Option<Node<'a>> {
        let shape = Definitions::r4().shape_named(json.resource_type()?)?;
        (shape.kind == ShapeKind::Resource).then_some(Node {
            json: Some(json),
            companion: None,
            shape,
            element: None,
        })
    }

    /// Something of which only the type is known.
    pub(super) fn stub(type_: &str) -> Option<Node<'a>> {
        let shape = Definitions::r4().shape_named(type_)?;
        Some(Node { json: None, companion: None, shape, element: None })
    }

    /// Whether its type is primitive.
    pub fn is_primitive(&self) -> bool {
        self.shape.kind == ShapeKind::Primitive
    }

    /// Its members; of a primitive, those of its companion.
    fn members(&self) -> Option<&'a Object<'a>> {
        if self.is_primitive() { self.companion } else { self.json }.and_then(Json::as_object)
    }

    /// The text of the member `name` of its JSON.
    pub(super) fn str(&self, name: &str) -> Option<&'a str> {
        self.json?.get(name)?.as_str()
    }

    /// Appends the elements called `name`; of a choice, `name` is its stem. `false` if R4 has no such element here.
    pub(super) fn children_named(&self, name: &str, out: &mut Collection<'a>) -> bool {
        let shape: &'static Shape = self.shape;
        let Some(element) = shape.element(name) else { return false };
        let Some(members) = self.members() else { return true };
        if !element.choice {
            let Some(type_) = element.types.first() else { return true };
            let (mut value, mut companion) = (None, None);
            for (key, json) in members.iter() {
                if key == name {
                    value = value.or(Some(json));
                } else if key.strip_prefix('_') == Some(name) {
                    companion = companion.or(Some(json));
                }
            }
            push((element, type_), value, companion, out);
        } else {
            self.choices(element, members, out);
        }
        true
    }

    fn choices(&self, element: &'static Element, members: &'a Object<'a>, out: &mut Collection<'a>) {
        for (key, json) in members.iter() {
            if !key.strip_prefix('_').unwrap_or(key).starts_with(element.name) {
                continue;
            }
            let shape: &'static Shape = self.shape;
            let Some((found, type_, key_)) = shape.member(key) else { continue };
            if found.name != element.name {
                continue;
            }
            if !key_.companion {
                let companion = members
                    .iter()
                    .find(|(other, _)| other.strip_prefix('_') == Some(key))
                    .map(|(_, json)| json);
                push((element, type_), Some(json), companion, out);
            } else if key.strip_prefix('_').is_some_and(|value| members.get(value).is_none()) {
                push((element, type_), None, Some(json), out);
            }
        }
    }

    /// Appends all its elements, in document order.
    pub(super) fn children(&self, out: &mut Collection<'a>) {
        let Some(members) = self.members() else { return };
        for (key, json) in members.iter() {
            let shape: &'static Shape = self.shape;
            let Some((element, type_, found)) = shape.member(key) else { continue };
            if found.companion {
                if key.strip_prefix('_').is_some_and(|value| members.get(value).is_none()) {
                    push((element, type_), None, Some(json), out);
                }
                continue;
            }
            let primitive = Definitions::r4().shape(type_.shape).kind == ShapeKind::Primitive;
            let companion = primitive
                .then(|| members.iter().find(|(other, _)| other.strip_prefix('_') == Some(key)))
                .flatten()
                .map(|(_, json)| json);
            push((element, type_), Some(json), companion, out);
        }
    }

    /// Whether it is a primitive with a value.
    pub fn has_value(&self) -> bool {
        self.is_primitive() && self.json.is_some()
    }

    /// The value of a primitive, or of a Quantity (`FHIR R4 fhirpath.html#types`).
    pub fn value(&self) -> Option<Value<'a>> {
        let json = self.json?;
        if !self.is_primitive() {
            return if is_a(self.shape, "Quantity") { quantity(json) } else { None };
        }
        match (self.shape.name, json) {
            ("boolean", Json::Bool(value)) => Some(Value::Boolean(*value)),
            ("integer" | "positiveInt" | "unsignedInt", Json::Number(text)) => {
                text.parse().ok().map(Value::Integer)
            }
            ("decimal", Json::Number(text)) => decimal(text).map(Value::Decimal),
            ("date", Json::String(text)) => Temporal::date(text).map(Value::Date),
            ("dateTime" | "instant", Json::String(text)) => Temporal::date_time(text).map(Value::DateTime),
            ("time", Json::String(text)) => Temporal::time(text).map(Value::Time),
            (_, Json::String(text)) => Some(Value::String(text.as_ref().into())),
            _ => None,
        }
    }
}

/// A decimal as written, `None` if it has more digits than are reckoned with.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// A Quantity as a value; the codes of other systems than UCUM are only comparable with themselves.
fn quantity<'a>(json: &'a Json<'a>) -> Option<Value<'a>> {
    let Some(Json::Number(value)) = json.get("value") else { return None };
    let value = decimal(value)?;
    let text = |name| json.get(name).and_then(Json::as_str);
    let unit = match (text("system"), text("code"), text("unit")) {
        (Some(UCUM), Some(code), _) => Unit::Ucum(code.into()),
        (None, None, None) => Unit::none(),
        (None, None, Some(unit)) => Unit::Other(unit.into()),
        (_, code, unit) => Unit::Other(code.or(unit)?.into()),
    };
    Some(Value::Quantity(Quantity { value, unit }))
}

/// Appends the values of one member and their companions, which stand at the same places.
fn push<'a>(
    (element, type_): (&'static Element, &'static ElementType),
    value: Option<&'a Json<'a>>,
    companion: Option<&'a Json<'a>>,
    out: &mut Collection<'a>,
) {
    let shape = Definitions::r4().shape(type_.shape);
    let values = value.map(Json::each).unwrap_or_default();
    let companions = companion.map(Json::each).unwrap_or_default();
    for at in 0..values.len().max(companions.len()) {
        let there = |json: &&Json<'_>| !matches!(json, Json::Null);
        let (json, companion) = (values.get(at).filter(there), companions.get(at).filter(there));
        if json.is_none() && companion.is_none() {
            continue;
        }
        // A contained resource, or that of an entry, says itself what it is.
        let resource = json.filter(|_| shape.kind == ShapeKind::Resource).and_then(Node::resource);
        out.push(Item::Node(resource.unwrap_or(Node { json, companion, shape, element: Some(element) })));
    }
}
