//! Search parameters whose expressions no walker knows: FHIRPath is evaluated over the resource, within a budget that
//! depends on nothing but the parameter and the resource, so that every process gets the same rows.

use super::extract::index;
use super::path::{compile, implied_system};
use crate::clock::Instant;
use crate::conformance::definitions::{Element, SearchParameter, Shape};
use crate::conformance::{Definitions, ParameterId, SearchKind};
use crate::fhirpath::{Context, Expression, Fault, FaultKind, Item, Node, Quantity, Unit, Value};
use crate::index::canonical::UCUM;
use crate::resource::json::{Json, Object};
use crate::search::kind::{Values, composite};
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Steps that one parameter may take on one resource, with what is contained in it: a few milliseconds, and several times
/// what it takes to look at every element of a large resource.
pub(crate) const STEPS: usize = 50_000;

/// Values that one parameter may have of one resource.
const MOST_VALUES: usize = 5_000;

/// Such parameters that a type may have: with [`STEPS`], what bounds the work of a write.
pub(crate) const MOST: usize = 50;

/// Steps that each parameter has left on one resource.
#[derive(Debug, Default)]
pub(crate) struct Budget(FxHashMap<ParameterId, usize>);

/// A search parameter that is evaluated.
#[derive(Debug)]
pub(crate) struct Computed {
    pub(crate) parameter: ParameterId,
    /// `Type.code`, for the log.
    name: String,
    kind: SearchKind,
    expression: Expression,
    components: Vec<(SearchKind, Expression)>,
    /// The types it may find, with the code system implied for each; empty where that is not known.
    finds: Vec<(&'static str, Option<&'static str>)>,
    /// Resources on which it could not be evaluated.
    faults: AtomicU64,
}

/// The types that an expression may find, each with the code system that is implied there; none where none is known.
pub(crate) type Finds = Vec<(&'static Shape, Option<&'static str>)>;

/// Whether walkers know an expression and those of its components.
pub(crate) fn is_walked<'e>(
    definitions: &'static Definitions,
    shape: &'static Shape,
    expression: &str,
    mut components: impl Iterator<Item = &'e str>,
) -> bool {
    let Ok(walkers) = compile(definitions, shape, expression) else { return false };
    let known = |component| {
        let mut shapes = walkers.iter().filter_map(|walker| walker.shape);
        shapes.any(|shape| compile(definitions, shape, component).is_ok())
    };
    components.all(known)
}

/// Compiles an expression that is evaluated of a `type_`, and tells what it may find.
///
/// Errors: what is wrong with it, or why its answer cannot be kept.
pub(crate) fn read(
    definitions: &'static Definitions,
    type_: &str,
    text: &str,
) -> Result<(Expression, Finds), Fault> {
    let expression = Expression::compile(text)?;
    expression.check_settled()?;
    let gives = expression.gives(type_)?.unwrap_or_default();
    let system = |element: Option<&Element>, shape: &Shape| implied_system(definitions, element?, shape.name);
    let finds = gives.into_iter().map(|given| (given.shape, system(given.element, given.shape)));
    let finds = finds.collect();
    Ok((expression, finds))
}

impl Computed {
    /// A parameter of the type of `shape`. `None` for what does not compile: it was refused when it was defined.
    pub(super) fn new(
        definitions: &'static Definitions,
        shape: &'static Shape,
        parameter: &SearchParameter,
    ) -> Option<Computed> {
        let (expression, finds) = read(definitions, shape.name, &parameter.expression).ok()?;
        let component = |component: &crate::conformance::definitions::Component| {
            Some((definitions.kind_of(component.parameter), Expression::compile(&component.expression).ok()?))
        };
        Some(Computed {
            parameter: parameter.id,
            name: format!("{}.{}", parameter.base, parameter.code),
            kind: parameter.kind,
            expression,
            components: parameter.components.iter().map(component).collect::<Option<_>>()?,
            finds: finds.into_iter().map(|(shape, system)| (shape.name, system)).collect(),
            faults: AtomicU64::new(0),
        })
    }

    /// The types it may find, with the code system implied for each.
    pub(super) fn elements(&self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        self.finds.iter().copied()
    }

    /// Adds what it finds of a resource. Where the expression has no answer, or takes more work than it may, the resource
    /// is not found by it; the log says how often, and nothing of the resource.
    pub(super) fn index(&self, (resource, base): (&Json<'_>, &str), budget: &mut Budget, out: &mut Values) {
        let left = budget.0.entry(self.parameter).or_insert(STEPS);
        let from = out.len();
        if let Err(fault) = self.evaluate(resource, base, left, out) {
            out.truncate(from);
            self.tell(fault.kind);
        }
    }

    fn evaluate(
        &self,
        resource: &Json<'_>,
        base: &str,
        left: &mut usize,
        out: &mut Values,
    ) -> Result<(), Fault> {
        let Some(node) = Node::resource(resource) else { return Ok(()) };
        // What is asked for the time was refused.
        let context =
            Context { stubs: true, casts_lists: true, budget: 0, ..Context::of(resource, Instant(0)) };
        let found = self.expression.gather(&context, Item::Node(node), left)?;
        for item in found {
            if self.kind == SearchKind::Composite {
                let mut components = Vec::with_capacity(self.components.len());
                for (kind, expression) in &self.components {
                    let mut values = Values::new();
                    add(*kind, &expression.gather(&context, item.clone(), left)?, base, &mut values);
                    components.push(values);
                }
                composite::index(&components, out);
            } else {
                add(self.kind, &[item], base, out);
            }
            if out.len() > MOST_VALUES {
                return Err(too_many());
            }
        }
        Ok(())
    }

    /// Logs the first fault, the second, the fourth, and so on.
    fn tell(&self, kind: FaultKind) {
        let times = self.faults.fetch_add(1, Ordering::Relaxed) + 1;
        if times.is_power_of_two() {
            tracing::warn!(
                parameter = self.name,
                ?kind,
                times,
                "the expression of a search parameter could not be evaluated: resources are not found by it"
            );
        }
    }
}

fn too_many() -> Fault {
    Fault { kind: FaultKind::Limit, message: "it has too many values".to_owned(), position: None }
}

/// Indexes what an expression gave.
fn add(kind: SearchKind, found: &[Item<'_>], base: &str, out: &mut Values) {
    for item in found {
        match item {
            Item::Node(node) => {
                let Some(json) = node.json else { continue };
                let type_ = node.shape.name;
                let system =
                    node.element.and_then(|element| implied_system(Definitions::r4(), element, type_));
                index(kind, (type_, system), json, base, out);
            }
            Item::Value(value) => {
                if let Some((type_, json)) = element(value) {
                    index(kind, (type_, None), &json, base, out);
                }
            }
            Item::Type(..) => {}
        }
    }
}

/// A value of FHIRPath's own as an element of FHIR's.
fn element(value: &Value<'_>) -> Option<(&'static str, Json<'static>)> {
    let text = |text: String| Json::String(text.into());
    Some(match value {
        Value::Boolean(value) => ("boolean", Json::Bool(*value)),
        Value::Integer(value) => ("integer", Json::Number(value.to_string().into())),
        Value::Decimal(value) => ("decimal", Json::Number(value.to_string().into())),
        Value::String(value) => ("string", text(value.to_string())),
        Value::Date(value) => ("date", text(value.to_string())),
        Value::DateTime(value) => ("dateTime", text(value.to_string())),
        // No kind of search looks at times of day.
        Value::Time(_) => return None,
        Value::Quantity(quantity) => ("Quantity", quantity_element(quantity)),
    })
}

fn quantity_element(quantity: &Quantity<'_>) -> Json<'static> {
    let mut element = Object::new();
    element.push("value", Json::Number(quantity.value.to_string().into()));
    let text = |text: &str| Json::String(text.to_owned().into());
    match &quantity.unit {
        Unit::Ucum(code) => {
            element.push("system", text(UCUM));
            element.push("code", text(code));
        }
        Unit::Calendar(span, _) => {
            element.push("system", text(UCUM));
            element.push("code", text(span.ucum()));
        }
        Unit::Other(unit) => element.push("unit", text(unit)),
    }
    Json::Object(element)
}
