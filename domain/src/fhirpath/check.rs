//! What can be known of an expression without an input: that R4 has the elements it names, and what it may give.

use super::expression::{Expr, Operator, Step};
use super::fault::Fault;
use super::item::Value;
use super::reflection::is_a;
use crate::conformance::Definitions;
use crate::conformance::definitions::{Element, Shape, ShapeKind};

/// A type that an expression may give.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// The type.
    pub shape: &'static Shape,
    /// As what it stands where it is found, if that is known.
    pub element: Option<&'static Element>,
}

/// What a part of an expression may give; `None` where it is not known.
type Known = Option<Vec<Given>>;

/// The type of this name, wherever it stands.
fn named(name: &str) -> Known {
    let shape = Definitions::r4().shape_named(name)?;
    Some(vec![Given { shape, element: None }])
}

/// Follows the paths of `tree` from a resource of type `type_`.
///
/// Errors: elements that there are not; the order of what has none.
pub(super) fn check(tree: &Expr, type_: &str) -> Result<(), Fault> {
    follow(tree, &named(type_)).map(drop)
}

/// What `tree` may give of a `type_`, FHIRPath's own values under the names of FHIR's types; `None` where it is not known.
///
/// Errors: as [`check`].
pub(super) fn gives(tree: &Expr, type_: &str) -> Result<Known, Fault> {
    let this = named(type_);
    if let Expr::Union(members) = tree {
        let mut all = Some(Vec::new());
        for member in members {
            let its = follow(member, &this)?.or_else(|| made(member));
            all = all.zip(its).map(|(all, its)| [all, its].concat());
        }
        return Ok(all);
    }
    Ok(follow(tree, &this)?.or_else(|| made(tree)))
}

/// The type of the values that an expression makes itself.
fn made(tree: &Expr) -> Known {
    match tree {
        Expr::Is(..) => named("boolean"),
        Expr::Binary(operator, _) => named(match operator {
            Operator::Concatenate => "string",
            Operator::Div => "integer",
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Mod => {
                return None;
            }
            _ => "boolean",
        }),
        Expr::Literal(value) => named(match value {
            Value::Boolean(_) => "boolean",
            Value::Integer(_) => "integer",
            Value::Decimal(_) => "decimal",
            Value::String(_) => "string",
            Value::Date(_) => "date",
            Value::DateTime(_) => "dateTime",
            Value::Time(_) => "time",
            Value::Quantity(_) => "Quantity",
        }),
        Expr::Chain(_, steps) => match steps.last() {
            Some(Step::Call(call)) => named(match call.function.name {
                "empty" | "exists" | "all" | "allTrue" | "anyTrue" | "allFalse" | "anyFalse" | "subsetOf"
                | "supersetOf" | "isDistinct" | "not" | "is" | "toBoolean" | "startsWith" | "endsWith"
                | "contains" | "matches" | "matchesFull" | "hasValue" | "htmlChecks" | "comparable" => {
                    "boolean"
                }
                name if name.starts_with("convertsTo") => "boolean",
                "count" | "toInteger" | "indexOf" | "lastIndexOf" | "length" | "precision" => "integer",
                "toDecimal" => "decimal",
                "toString" | "substring" | "upper" | "lower" | "trim" | "replace" | "replaceMatches"
                | "toChars" | "split" | "join" | "encode" | "decode" | "escape" | "unescape" => "string",
                "toDate" => "date",
                "toDateTime" => "dateTime",
                "toTime" => "time",
                "toQuantity" => "Quantity",
                _ => return None,
            }),
            _ => None,
        },
        _ => None,
    }
}

fn follow(tree: &Expr, this: &Known) -> Result<Known, Fault> {
    match tree {
        Expr::This => Ok(this.clone()),
        Expr::Literal(_) | Expr::Empty | Expr::Index | Expr::Total | Expr::Variable(_) => Ok(None),
        Expr::Negative(operand) | Expr::Is(operand, _) => follow(operand, this).map(|_| None),
        Expr::As(operand, type_) => {
            let found = follow(operand, this)?;
            Ok(cast(found, type_.fhir))
        }
        Expr::Binary(_, operands) => {
            follow(&operands.0, this)?;
            follow(&operands.1, this).map(|_| None)
        }
        Expr::Union(members) => {
            let mut all = Some(Vec::new());
            for member in members {
                let its = follow(member, this)?;
                all = all.zip(its).map(|(mut all, its)| {
                    all.extend(its);
                    all
                });
            }
            Ok(all)
        }
        Expr::Chain(start, steps) => chain(start.as_deref(), steps, this),
    }
}

fn chain(start: Option<&Expr>, steps: &[Step], this: &Known) -> Result<Known, Fault> {
    let mut current = match start {
        Some(start) => follow(start, this)?,
        None => this.clone(),
    };
    let mut unordered = false;
    for (at, step) in steps.iter().enumerate() {
        current = match step {
            Step::Member(name) => {
                let type_of = |all: &Vec<Given>| all.iter().any(|given| is_a(given.shape, name));
                if at == 0 && start.is_none() && current.as_ref().is_some_and(type_of) {
                    continue;
                }
                member(current, name)?
            }
            Step::Nth(place) => {
                ordered(unordered, "[]")?;
                follow(place, this)?;
                current
            }
            Step::Call(call) => {
                let name = call.function.name;
                if matches!(name, "first" | "last" | "tail" | "skip" | "take") {
                    ordered(unordered, name)?;
                }
                unordered = matches!(name, "children" | "descendants");
                let within = matches!(name, "where" | "select" | "all" | "exists" | "repeat" | "iif");
                let scope = if within { &current } else { this };
                let mut projected = None;
                for argument in &call.arguments {
                    // What is repeated is also taken from what it gives itself.
                    projected = if name == "repeat" { None } else { follow(argument, scope)? };
                }
                match name {
                    "where" | "first" | "last" | "tail" | "skip" | "take" | "single" | "distinct"
                    | "trace" => current,
                    "select" => projected,
                    "ofType" | "as" => cast(current, call.type_.as_ref().and_then(|type_| type_.fhir)),
                    "extension" => named("Extension"),
                    _ => None,
                }
            }
        };
    }
    Ok(current)
}

fn ordered(unordered: bool, by: &str) -> Result<(), Fault> {
    if unordered {
        return Err(Fault::semantic(format!("'{by}' needs an order, which the elements below have not")));
    }
    Ok(())
}

/// What is left of `of` by `as` and `ofType`.
fn cast(of: Known, to: Option<&'static str>) -> Known {
    let to = to?;
    let fits = |given: &Given| is_a(given.shape, to);
    let fitting: Vec<Given> = of.into_iter().flatten().filter(fits).collect();
    if fitting.is_empty() { named(to) } else { Some(fitting) }
}

/// The types of the element `name`. A resource of no known type may have any.
fn member(of: Known, name: &str) -> Result<Known, Fault> {
    let Some(all) = of else { return Ok(None) };
    let mut types = Vec::new();
    let mut found = false;
    for shape in all.iter().map(|given| given.shape) {
        if shape.is_abstract && shape.kind == ShapeKind::Resource {
            return Ok(None);
        }
        if let Some(element) = shape.element(name) {
            found = true;
            let given = |shape| Given { shape: Definitions::r4().shape(shape), element: Some(element) };
            types.extend(element.types.iter().map(|type_| given(type_.shape)));
        }
    }
    match (found, all.first()) {
        (false, Some(given)) => Err(Fault::semantic(format!("{} has no element '{name}'", given.shape.name))),
        _ => Ok(Some(types)),
    }
}
