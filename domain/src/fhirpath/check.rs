//! What can be known of an expression without an input: that R4 has the elements it names.

use super::expression::{Expr, Step};
use super::fault::Fault;
use super::reflection::is_a;
use crate::conformance::Definitions;
use crate::conformance::definitions::{Shape, ShapeKind};

/// What a part of an expression may give; `None` where it is not known.
type Known = Option<Vec<&'static Shape>>;

/// Follows the paths of `tree` from a resource of type `type_`.
///
/// Errors: elements that there are not; the order of what has none.
pub(super) fn check(tree: &Expr, type_: &str) -> Result<(), Fault> {
    let root = Definitions::r4().shape_named(type_).map(|shape| vec![shape]);
    follow(tree, &root).map(drop)
}

fn follow(tree: &Expr, this: &Known) -> Result<Known, Fault> {
    match tree {
        Expr::This => Ok(this.clone()),
        Expr::Literal(_) | Expr::Empty | Expr::Index | Expr::Total | Expr::Variable(_) => Ok(None),
        Expr::Negative(operand) | Expr::Is(operand, _) => follow(operand, this).map(|_| None),
        Expr::As(operand, type_) => {
            follow(operand, this)?;
            Ok(type_.fhir.and_then(|name| Definitions::r4().shape_named(name)).map(|shape| vec![shape]))
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
                let type_of = |shapes: &Vec<&'static Shape>| shapes.iter().any(|shape| is_a(shape, name));
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
                    "ofType" | "as" => {
                        let named = call.type_.as_ref().and_then(|type_| type_.fhir);
                        named.and_then(|name| Definitions::r4().shape_named(name)).map(|shape| vec![shape])
                    }
                    "extension" => Definitions::r4().shape_named("Extension").map(|shape| vec![shape]),
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

/// The types of the element `name`. A resource of no known type may have any.
fn member(of: Known, name: &str) -> Result<Known, Fault> {
    let Some(shapes) = of else { return Ok(None) };
    let mut types = Vec::new();
    let mut found = false;
    for shape in &shapes {
        if shape.is_abstract && shape.kind == ShapeKind::Resource {
            return Ok(None);
        }
        if let Some(element) = shape.element(name) {
            found = true;
            types.extend(element.types.iter().map(|type_| Definitions::r4().shape(type_.shape)));
        }
    }
    match (found, shapes.first()) {
        (false, Some(shape)) => Err(Fault::semantic(format!("{} has no element '{name}'", shape.name))),
        _ => Ok(Some(types)),
    }
}
