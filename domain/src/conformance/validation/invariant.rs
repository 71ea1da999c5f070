//! R4's invariants, evaluated by the FHIRPath engine over a resource whose structure is right. Those that this module's
//! neighbours check natively, with better places and sentences, are left to them: [`NATIVE`].
//!
//! Only what is certain refuses a resource: an expression that is false. One that gives nothing, cannot be evaluated or
//! takes too long says nothing. `docs/decisions/0231-invariants.md`

use super::MOST_ISSUES;
use super::place::Place;
use crate::clock::Instant;
use crate::conformance::Definitions;
use crate::conformance::definitions::{Constraint, Shape, ShapeId, ShapeKind};
use crate::error::{ErrorCode, Issue};
use crate::fhirpath::{Context, Expression, Item, Node};
use crate::resource::json::{Json, Object};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::OnceLock;

/// Checked natively, where a resource's structure is: `bundle.rs`, `narrative.rs`, `reference.rs`, `rule.rs`,
/// `structure.rs`.
pub(super) const NATIVE: [&str; 20] = [
    "bdl-1", "bdl-10", "bdl-11", "bdl-12", "bdl-2", "bdl-3", "bdl-4", "bdl-5", "bdl-7", "bdl-8", "bdl-9",
    "dom-2", "dom-3", "ele-1", "ext-1", "obs-6", "per-1", "ref-1", "txt-1", "txt-2",
];

/// Not checked, with the reasons.
pub(super) const LEFT_OUT: [(&str, &str); 1] =
    [("ctm-1", "asks what type of resource a reference points to, which may be on another server")];

/// Rules whose R4 expression says something else than their sentence: key, what is evaluated instead, why.
pub(super) const CORRECTED: [(&str, &str, &str); 1] = [(
    "que-7",
    "operator = 'exists' implies (answer is boolean)",
    "Boolean is FHIRPath's own type, which no element has; R5 has it so",
)];

/// Steps that the invariants of one resource may take together: a tenth of a second.
const STEPS: usize = 500_000;

/// A rule, compiled.
struct Rule {
    constraint: Constraint,
    expression: Expression,
    /// The names in the expression, when nothing but elements of these names can make it false.
    names: Option<Vec<&'static str>>,
}

/// What to check of a structure.
#[derive(Default)]
struct Plan {
    /// Rules of the structure itself, inherited ones included.
    own: Vec<&'static Rule>,
    /// Rules of its elements, by their place.
    elements: Vec<(u16, &'static Rule)>,
    /// Places of the elements below which there are rules.
    below: u128,
}

/// The plans of all structures that need one.
struct Plans(FxHashMap<ShapeId, Plan>);

/// The check of one document.
pub(super) struct Invariants<'i> {
    plans: &'static Plans,
    issues: &'i mut Vec<Issue>,
    left: usize,
}

impl Plans {
    fn r4() -> &'static Plans {
        static R4: OnceLock<Plans> = OnceLock::new();
        R4.get_or_init(|| Plans::of(Definitions::r4()))
    }

    fn of(definitions: &'static Definitions) -> Plans {
        let mut rules: FxHashMap<&str, Vec<&'static Rule>> = FxHashMap::default();
        for constraint in definitions.constraints() {
            let mut constraint = *constraint;
            if let Some((_, expression, _)) = CORRECTED.iter().find(|(key, ..)| *key == constraint.key) {
                constraint.expression = expression;
            }
            let left_out =
                NATIVE.contains(&constraint.key) || LEFT_OUT.iter().any(|(key, _)| *key == constraint.key);
            if !left_out && let Ok(expression) = Expression::compile(constraint.expression) {
                let names = names(constraint.expression)
                    .filter(|_| !is_false_of_nothing(definitions, constraint.path, &expression));
                // They live as long as the process, like the definitions.
                let rule = Box::leak(Box::new(Rule { constraint, expression, names }));
                rules.entry(constraint.path).or_default().push(rule);
            }
        }
        let mut plans = FxHashMap::default();
        for shape in definitions.shapes() {
            let mut plan = Plan::default();
            let mut line = Some(shape);
            while let Some(of) = line {
                plan.own.extend(rules.get(of.name).into_iter().flatten());
                line = of.base.map(|base| definitions.shape(base));
            }
            for (element, at) in shape.elements.iter().zip(0..) {
                let choice = if element.choice { "[x]" } else { "" };
                let path = format!("{}.{}{choice}", shape.name, element.name);
                // The rules of a backbone element are those of its structure.
                if definitions.shape_named(&path).is_none() {
                    let of_element = rules.get(path.as_str()).into_iter().flatten();
                    plan.elements.extend(of_element.map(|rule| (at, *rule)));
                }
            }
            plans.insert(shape.id, plan);
        }
        let mut plans = Plans(plans);
        while plans.reach(definitions) {}
        plans
    }

    /// Marks the elements below which there are rules, one step further; whether there were any.
    fn reach(&mut self, definitions: &Definitions) -> bool {
        let needed = |id: &ShapeId| {
            definitions.shape(*id).kind == ShapeKind::Resource
                || self
                    .0
                    .get(id)
                    .is_some_and(|plan| !plan.own.is_empty() || !plan.elements.is_empty() || plan.below != 0)
        };
        let needed: FxHashSet<ShapeId> =
            definitions.shapes().iter().map(|shape| shape.id).filter(needed).collect();
        let mut changed = false;
        for shape in definitions.shapes() {
            let Some(plan) = self.0.get_mut(&shape.id) else { continue };
            for (element, at) in shape.elements.iter().zip(0_u32..) {
                let bit = 1_u128.checked_shl(at).unwrap_or_default();
                // Anything can be in an extension: those are always looked into.
                let looked = !is_extension(element.name)
                    && element.types.iter().any(|type_| needed.contains(&type_.shape));
                if looked && plan.below & bit == 0 {
                    plan.below |= bit;
                    changed = true;
                }
            }
        }
        changed
    }
}

fn is_extension(name: &str) -> bool {
    matches!(name, "extension" | "modifierExtension")
}

/// The names in an expression, unless something else than elements of the focus decides it.
fn names(expression: &'static str) -> Option<Vec<&'static str>> {
    let beyond = ["%resource", "%rootResource", "descendants(", "children(", "$this"];
    if beyond.iter().any(|word| expression.contains(word)) {
        return None;
    }
    let is_name = |c: char| c.is_ascii_alphanumeric();
    Some(expression.split(|c| !is_name(c)).filter(|word| !word.is_empty()).collect())
}

/// Whether a rule is broken by what has no elements, so that it must be evaluated always.
fn is_false_of_nothing(definitions: &'static Definitions, path: &str, expression: &Expression) -> bool {
    let nothing = Json::Object(Object::default());
    let Some(shape) = definitions.shape_named(path) else { return true };
    let node = Node { json: Some(&nothing), companion: None, shape, element: None };
    let context = context(node, node);
    expression.holds_within(&context, Item::Node(node), &mut 1000) == Ok(Some(false))
}

fn context<'a>(resource: Node<'a>, root: Node<'a>) -> Context<'a> {
    Context {
        resource: Some(resource),
        root: Some(root),
        // No rule of R4 asks what time it is.
        now: Instant(0),
        variables: Vec::new(),
        budget: STEPS,
        stubs: false,
        casts_lists: false,
    }
}

/// Checks a document whose structure is right.
pub(super) fn check(document: &Json<'_>, issues: &mut Vec<Issue>) {
    let Some(node) = Node::resource(document) else { return };
    let mut check = Invariants { plans: Plans::r4(), issues, left: STEPS };
    check.resource(node, node, &Place::root(node.shape.name));
}

impl Invariants<'_> {
    fn resource<'a>(&mut self, node: Node<'a>, root: Node<'a>, place: &Place<'_>) {
        self.node(node, &context(node, root), place);
    }

    /// A value with members, then what is below it.
    fn node<'a>(&mut self, node: Node<'a>, context: &Context<'a>, place: &Place<'_>) {
        let Some(members) = node.json.and_then(Json::as_object) else { return };
        if let Some(plan) = self.plans.0.get(&node.shape.id) {
            for rule in &plan.own {
                if rule.concerns(members) {
                    self.rule(rule, node, context, place);
                }
            }
        }
        self.members(node.shape, members, context, place);
    }

    fn members<'a>(
        &mut self,
        shape: &'static Shape,
        members: &'a Object<'a>,
        context: &Context<'a>,
        place: &Place<'_>,
    ) {
        let plan = self.plans.0.get(&shape.id);
        let (below, rules) = plan.map(|plan| (plan.below, plan.elements.as_slice())).unwrap_or_default();
        for (name, value) in members.iter() {
            let Some((element, type_, key)) = shape.member(name) else { continue };
            let place = place.member(name);
            if key.companion {
                for (companion, at) in value.each().iter().zip(0..) {
                    let place = if element.list { place.item(at) } else { place };
                    if let Json::Object(members) = companion {
                        self.members(Definitions::r4().shape(type_.shape), members, context, &place);
                    }
                }
                continue;
            }
            let here = rules.iter().any(|(at, _)| *at == key.element);
            let bit = 1_u128.checked_shl(u32::from(key.element)).unwrap_or_default();
            if !here && below & bit == 0 && !is_extension(name) {
                continue;
            }
            let of_type = Definitions::r4().shape(type_.shape);
            for (json, at) in value.each().iter().zip(0..) {
                let place = if element.list { place.item(at) } else { place };
                let node = Node { json: Some(json), companion: None, shape: of_type, element: Some(element) };
                for (_, rule) in rules.iter().filter(|(at, _)| *at == key.element) {
                    self.rule(rule, node, context, &place);
                }
                match of_type.kind {
                    ShapeKind::Primitive => {}
                    ShapeKind::Resource => {
                        let Some(node) = Node::resource(json) else { continue };
                        let root = if element.name == "contained" { context.root } else { None };
                        self.resource(node, root.unwrap_or(node), &place);
                    }
                    _ => self.node(node, context, &place),
                }
            }
        }
    }

    fn rule<'a>(&mut self, rule: &Rule, node: Node<'a>, context: &Context<'a>, place: &Place<'_>) {
        if self.issues.len() >= MOST_ISSUES {
            return;
        }
        if let Ok(Some(false)) = rule.expression.holds_within(context, Item::Node(node), &mut self.left) {
            let Constraint { key, human, .. } = rule.constraint;
            let message = format!("{key}: {}.", human.trim_end_matches('.'));
            self.issues.push(Issue::error(ErrorCode::Invariant, message).at(place.path()));
        }
    }
}

impl Rule {
    /// Whether an object with these members can break it.
    fn concerns(&self, members: &Object<'_>) -> bool {
        let Some(names) = &self.names else { return true };
        members.iter().any(|(key, _)| {
            let key = key.strip_prefix('_').unwrap_or(key);
            names.iter().any(|name| key.starts_with(name))
        })
    }
}
