//! Search parameter expressions: the subset of FHIRPath that R4's base parameters use, compiled into walkers.
//!
//! Paths, unions, `as` and `ofType` in all spellings, `where(f='x')`, `where(resolve() is T)`, `[n]`, `%resource`, and
//! the one Boolean form `x.exists() and x != false`. A walker knows its JSON members (choices are resolved through the
//! element tables), so that walking looks up names and allocates nothing.

use super::parser::{Part, Path, parse};
use crate::conformance::Definitions;
use crate::conformance::definitions::{Element, ElementType, Shape};
use crate::resource::json::Json;
use crate::search::kind::{reference, token};

/// The way from a node to the elements that one branch of an expression selects.
#[derive(Debug)]
pub(crate) struct Walker {
    /// Whether it starts at the resource (`%resource`) and not at the element of a composite.
    pub(crate) from_resource: bool,
    /// Whether it stands for `x.exists() and x != false`: the value is a Boolean.
    pub(crate) truth: bool,
    /// The steps.
    pub(crate) steps: Vec<Step>,
    /// The type of what it finds.
    pub(crate) type_: &'static str,
    /// The structure of what it finds.
    pub(crate) shape: Option<&'static Shape>,
    /// The code system that a required binding implies for a `code`.
    pub(crate) system: Option<&'static str>,
    /// The resource types that a Reference it finds may point to; empty for any.
    pub(crate) targets: &'static [&'static str],
}

impl Walker {
    /// The type of what it finds, and the code system that is implied there.
    pub(crate) const fn found(&self) -> (&'static str, Option<&'static str>) {
        (self.type_, self.system)
    }
}

/// One step of a [`Walker`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into this JSON member, each of its elements.
    Member(String),
    /// Only if the string member is this.
    Equals(String, String),
    /// Only if the Reference points to this type.
    Resolves(&'static str),
    /// Only the element with this place.
    Nth(usize),
}

/// Compiles an expression of a parameter whose base is `shape` (or, for a component, whose composite's element has it).
///
/// Errors: what part of the expression is not understood.
pub(crate) fn compile(
    definitions: &'static Definitions,
    shape: &'static Shape,
    expression: &str,
) -> Result<Vec<Walker>, String> {
    let mut walkers = Vec::new();
    for path in parse(expression)? {
        compile_path(definitions, shape, &path, &mut walkers)
            .map_err(|fault| format!("{fault} in '{expression}'"))?;
    }
    Ok(walkers)
}

struct Draft {
    steps: Vec<Step>,
    type_: &'static str,
    shape: &'static Shape,
    system: Option<&'static str>,
    targets: &'static [&'static str],
}

fn compile_path(
    definitions: &'static Definitions,
    base: &'static Shape,
    path: &Path<'_>,
    out: &mut Vec<Walker>,
) -> Result<(), String> {
    let mut parts = path.parts.as_slice();
    let mut from_resource = false;
    let mut start = base;
    if let Some((Part::Member(name), rest)) = parts.split_first() {
        if *name == "%resource" {
            from_resource = true;
            start = root_of(definitions, base);
            parts = rest;
        } else if *name == base.name || matches!(*name, "Resource" | "DomainResource") {
            parts = rest;
        }
    }
    let mut drafts =
        vec![Draft { steps: Vec::new(), type_: start.name, shape: start, system: None, targets: &[] }];
    for part in parts {
        let mut next = Vec::with_capacity(drafts.len());
        for draft in drafts {
            advance(definitions, draft, part, &mut next)?;
        }
        drafts = next;
    }
    if drafts.is_empty() {
        return Err("a type that the element cannot have".to_owned());
    }
    out.extend(drafts.into_iter().map(|draft| Walker {
        from_resource,
        truth: path.truth,
        steps: draft.steps,
        type_: draft.type_,
        shape: Some(draft.shape),
        system: draft.system,
        targets: draft.targets,
    }));
    Ok(())
}

/// The resource that a backbone element belongs to.
fn root_of(definitions: &'static Definitions, shape: &'static Shape) -> &'static Shape {
    let name = shape.name.split('.').next().unwrap_or(shape.name);
    definitions.shape_named(name).unwrap_or(shape)
}

fn advance(
    definitions: &'static Definitions,
    mut draft: Draft,
    part: &Part<'_>,
    out: &mut Vec<Draft>,
) -> Result<(), String> {
    match *part {
        Part::Member(name) => {
            let element = draft
                .shape
                .element(name)
                .ok_or_else(|| format!("no element '{name}' in {}", draft.shape.name))?;
            out.extend(element.types.iter().map(|type_| enter(definitions, &draft, element, type_)));
            return Ok(());
        }
        Part::Type(name) if !name.eq_ignore_ascii_case(draft.type_) => return Ok(()),
        Part::Type(_) => {}
        Part::Equals(member, value) => {
            draft.steps.push(Step::Equals(member.to_owned(), value.to_owned()));
        }
        Part::Resolves(name) => {
            let type_ = definitions.type_id(name).ok_or_else(|| format!("no resource type '{name}'"))?;
            draft.steps.push(Step::Resolves(definitions.type_name(type_)));
        }
        Part::Nth(place) => draft.steps.push(Step::Nth(place)),
    }
    out.push(draft);
    Ok(())
}

fn enter(
    definitions: &'static Definitions,
    draft: &Draft,
    element: &'static Element,
    type_: &'static ElementType,
) -> Draft {
    let mut steps = draft.steps.clone();
    steps.push(Step::Member(element.member_name(type_)));
    let system = implied_system(definitions, element, type_.code);
    Draft { steps, type_: type_.code, shape: definitions.shape(type_.shape), system, targets: &type_.targets }
}

/// The code system that a required binding of `element` implies for a `code`.
pub(super) fn implied_system(
    definitions: &Definitions,
    element: &Element,
    type_: &str,
) -> Option<&'static str> {
    element.binding.as_ref().filter(|_| type_ == "code").and_then(|binding| match binding.value_set {
        // R4 names no system for them.
        "http://hl7.org/fhir/ValueSet/mimetypes" => Some(token::MIME),
        _ => definitions.system_of(binding),
    })
}

/// Calls `visit` with every element that `steps` lead to from `node`.
pub(crate) fn walk<'j>(
    steps: &[Step],
    node: &'j Json<'j>,
    resource: &'j Json<'j>,
    visit: &mut dyn FnMut(&'j Json<'j>),
) {
    let Some((step, rest)) = steps.split_first() else {
        if !matches!(node, Json::Null) {
            visit(node);
        }
        return;
    };
    match step {
        Step::Member(name) => {
            let Some(value) = node.get(name) else { return };
            // `[n]` counts the elements of the member before it.
            if let Some((Step::Nth(place), rest)) = rest.split_first() {
                if let Some(item) = value.each().get(*place) {
                    walk(rest, item, resource, visit);
                }
                return;
            }
            for item in value.each() {
                walk(rest, item, resource, visit);
            }
        }
        Step::Equals(member, value) => {
            if node.get(member).and_then(Json::as_str) == Some(value.as_str()) {
                walk(rest, node, resource, visit);
            }
        }
        Step::Resolves(type_) => {
            if reference::points_to(node, type_, resource) {
                walk(rest, node, resource, visit);
            }
        }
        Step::Nth(_) => walk(rest, node, resource, visit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expression_of_r4_compiles() {
        let definitions = Definitions::r4();
        let mut failed = Vec::new();
        let mut compiled = 0;
        for parameter in definitions.parameters().iter().filter(|parameter| !parameter.expression.is_empty())
        {
            let Some(shape) = definitions.shape_named(parameter.base) else {
                failed.push(format!("{}: no such base", parameter.base));
                continue;
            };
            match compile(definitions, shape, &parameter.expression) {
                Ok(walkers) => {
                    compiled += 1;
                    for component in &parameter.components {
                        let one_works = walkers
                            .iter()
                            .filter_map(|walker| walker.shape)
                            .all(|shape| compile(definitions, shape, &component.expression).is_ok());
                        if !one_works {
                            failed.push(format!(
                                "{} {}: component {}",
                                parameter.base, parameter.code, component.expression
                            ));
                        }
                    }
                }
                Err(fault) => failed.push(format!("{} {}: {fault}", parameter.base, parameter.code)),
            }
        }
        assert_eq!(failed, Vec::<String>::new());
        assert!(compiled > 1690, "{compiled}");
    }

    #[test]
    fn every_composite_has_its_components() {
        for parameter in Definitions::r4().parameters() {
            if parameter.kind == crate::conformance::SearchKind::Composite {
                assert!(parameter.components.len() >= 2, "{} {}", parameter.base, parameter.code);
            }
        }
    }
}
