//! What expressions work on: collections of elements of a resource and of FHIRPath's own values.

use super::node::Node;
use super::quantity::Quantity;
use super::reflection::{TypeName, is_a, type_name};
use super::temporal::{Kind, Temporal};
use rust_decimal::Decimal;
use std::borrow::Cow;

/// An ordered collection: what every expression gives.
pub type Collection<'a> = Vec<Item<'a>>;

/// One member of a collection.
#[derive(Debug, Clone)]
pub enum Item<'a> {
    /// An element of a resource, or a resource.
    Node(Node<'a>),
    /// A value of FHIRPath's own.
    Value(Value<'a>),
    /// What `type()` tells: a namespace, the type's name and that of its base.
    Type(&'static str, &'static str, &'static str),
}

/// A value of one of FHIRPath's own types, those of the namespace `System`.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// `System.Boolean`
    Boolean(bool),
    /// `System.Integer`
    Integer(i32),
    /// `System.Decimal`, with the digits that were written.
    Decimal(Decimal),
    /// `System.String`
    String(Cow<'a, str>),
    /// `System.Date`
    Date(Temporal),
    /// `System.DateTime`
    DateTime(Temporal),
    /// `System.Time`
    Time(Temporal),
    /// `System.Quantity`
    Quantity(Quantity<'a>),
}

impl<'a> Value<'a> {
    /// A date, date with time or time.
    pub(super) fn of_temporal(temporal: Temporal) -> Value<'a> {
        match temporal.kind {
            Kind::Date => Value::Date(temporal),
            Kind::DateTime => Value::DateTime(temporal),
            Kind::Time => Value::Time(temporal),
        }
    }

    /// The date, date with time or time.
    pub(super) fn temporal(&self) -> Option<Temporal> {
        match self {
            Value::Date(t) | Value::DateTime(t) | Value::Time(t) => Some(*t),
            _ => None,
        }
    }

    /// An integer or decimal as a decimal.
    pub(super) fn decimal(&self) -> Option<Decimal> {
        match self {
            Value::Integer(number) => Some(Decimal::from(*number)),
            Value::Decimal(number) => Some(*number),
            _ => None,
        }
    }

    /// A quantity, or a number as a quantity without a unit.
    pub(super) fn quantity(&self) -> Option<Quantity<'a>> {
        match self {
            Value::Quantity(quantity) => Some(quantity.clone()),
            other => other.decimal().map(Quantity::number),
        }
    }

    /// The name of its type in the namespace `System`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Boolean(_) => "Boolean",
            Value::Integer(_) => "Integer",
            Value::Decimal(_) => "Decimal",
            Value::String(_) => "String",
            Value::Date(_) => "Date",
            Value::DateTime(_) => "DateTime",
            Value::Time(_) => "Time",
            Value::Quantity(_) => "Quantity",
        }
    }
}

/// As `toString()` gives it.
impl std::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Boolean(value) => write!(f, "{value}"),
            Value::Integer(value) => write!(f, "{value}"),
            Value::Decimal(value) => write!(f, "{value}"),
            Value::String(text) => f.write_str(text),
            Value::Date(t) | Value::DateTime(t) | Value::Time(t) => write!(f, "{t}"),
            Value::Quantity(quantity) => write!(f, "{quantity}"),
        }
    }
}

impl<'a> Item<'a> {
    /// The value it has: its own, or that of a primitive element or a Quantity. `None` for other elements, and for
    /// values that break the format of their type.
    pub fn value(&self) -> Option<Value<'a>> {
        match self {
            Item::Node(node) => node.value(),
            Item::Value(value) => Some(value.clone()),
            Item::Type(..) => None,
        }
    }

    /// Whether it is of this type or of one that specialises it.
    pub(super) fn is(&self, type_: &TypeName) -> bool {
        match self {
            Item::Node(node) => type_.fhir.is_some_and(|name| is_a(node.shape, name)),
            Item::Value(value) => type_.system == Some(value.type_name()),
            Item::Type(..) => false,
        }
    }

    /// Whether `as` and `ofType` let it through: as [`Item::is`], but a primitive must be of just this type.
    pub(super) fn casts_to(&self, type_: &TypeName) -> bool {
        match self {
            Item::Node(node) if node.is_primitive() => type_.fhir == Some(node.shape.name),
            _ => self.is(type_),
        }
    }

    /// The name of its type, for reflection and messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Item::Node(node) => type_name(node.shape),
            Item::Value(value) => value.type_name(),
            Item::Type(..) => "TypeInfo",
        }
    }
}

/// A collection of one truth value.
pub(super) fn truth<'a>(value: bool) -> Collection<'a> {
    one(Value::Boolean(value))
}

/// A collection of one integer; a count beyond its range is its greatest.
pub(super) fn count<'a>(number: usize) -> Collection<'a> {
    one(Value::Integer(i32::try_from(number).unwrap_or(i32::MAX)))
}

/// A collection of one string.
pub(super) fn text<'a>(text: impl Into<Cow<'a, str>>) -> Collection<'a> {
    one(Value::String(text.into()))
}

/// A collection of one value.
pub(super) fn one(value: Value<'_>) -> Collection<'_> {
    vec![Item::Value(value)]
}

/// A collection of one value, or of none.
pub(super) fn maybe(value: Option<Value<'_>>) -> Collection<'_> {
    value.map(Item::Value).into_iter().collect()
}
