//! Whether an expression's answer depends on nothing but the resource, so that it can be kept.

use super::expression::{Call, Expr, Step};
use super::fault::Fault;

/// Functions whose answer is another tomorrow, or somewhere else.
const UNSETTLED: &[(&str, &str)] = &[
    ("now", "'now()' is another at every moment"),
    ("today", "'today()' is another on every day"),
    ("timeOfDay", "'timeOfDay()' is another at every moment"),
    ("memberOf", "'memberOf' asks a terminology server"),
    ("subsumes", "'subsumes' asks a terminology server"),
    ("subsumedBy", "'subsumedBy' asks a terminology server"),
    ("conformsTo", "'conformsTo' asks about a profile"),
    ("elementDefinition", "'elementDefinition' asks about a profile"),
    ("slice", "'slice' asks about a profile"),
    ("checkModifiers", "'checkModifiers' asks about a profile"),
];

const RESOLVES: &str = "'resolve()' can only be asked for a type, as in 'resolve() is Patient': what is indexed of a resource \
    depends on no other";

/// Variables that every evaluation has.
const VARIABLES: [&str; 6] = ["context", "resource", "rootResource", "ucum", "sct", "loinc"];

/// Refuses `tree` if it is not so.
pub(super) fn check(tree: &Expr) -> Result<(), Fault> {
    match tree {
        Expr::Literal(_) | Expr::Empty | Expr::This | Expr::Index | Expr::Total => Ok(()),
        Expr::Variable(name) => variable(name),
        Expr::Chain(start, steps) => chain(start.as_deref(), steps, false),
        Expr::Negative(operand) | Expr::As(operand, _) => check(operand),
        Expr::Is(operand, _) => match &**operand {
            Expr::Chain(start, steps) => chain(start.as_deref(), steps, true),
            other => check(other),
        },
        Expr::Binary(_, operands) => check(&operands.0).and_then(|()| check(&operands.1)),
        Expr::Union(members) => members.iter().try_for_each(check),
    }
}

/// `typed`: what the chain gives is asked for its type alone.
fn chain(start: Option<&Expr>, steps: &[Step], typed: bool) -> Result<(), Fault> {
    start.map_or(Ok(()), check)?;
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Member(_) => {}
            Step::Nth(place) => check(place)?,
            Step::Call(called) => {
                let next = steps.get(at + 1);
                let asked = match next {
                    None => typed,
                    Some(Step::Call(next)) => next.function.name == "is",
                    Some(_) => false,
                };
                call(called, asked)?;
            }
        }
    }
    Ok(())
}

fn call(call: &Call, asked: bool) -> Result<(), Fault> {
    let name = call.function.name;
    if let Some((_, reason)) = UNSETTLED.iter().find(|(unsettled, _)| *unsettled == name) {
        return Err(Fault::unsupported(format!("{reason}: it cannot be searched by")));
    }
    if name == "resolve" && !asked {
        return Err(Fault::unsupported(RESOLVES));
    }
    call.arguments.iter().try_for_each(check)
}

fn variable(name: &str) -> Result<(), Fault> {
    if VARIABLES.contains(&name) || name.starts_with("vs-") || name.starts_with("ext-") {
        return Ok(());
    }
    Err(Fault::semantic(format!("there is no variable %{name}")))
}
