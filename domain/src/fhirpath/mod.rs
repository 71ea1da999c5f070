//! FHIRPath (N1, with FHIR R4's profile of it): compiled once, evaluated over a resource's tree within bounds.
//!
//! An [`Expression`] is compiled from text and evaluated with a [`Context`]. Elements carry R4's types (choices are
//! known by their stem, primitives keep their extensions), numbers are exact decimals, and what precision or units
//! leave open is empty. A hostile expression ends in a [`Fault`]: its length and depth are bounded when it is
//! compiled, its steps, strings and collections when it is evaluated.
//!
//! What is left out, with the reasons: `domain/tests/fhirpath/exceptions.tsv` and `docs/decisions/0200`.

mod arithmetic;
mod check;
mod comparison;
mod evaluation;
mod expression;
mod fault;
mod functions;
mod item;
mod lexer;
mod node;
mod parser;
mod quantity;
mod reflection;
mod settled;
mod temporal;

pub use check::Given;
pub use fault::{Fault, FaultKind};
pub use item::{Collection, Item, Value};
pub use node::Node;
pub use quantity::{Quantity, Span, Unit};
pub use temporal::{Kind, Temporal};

use crate::clock::Instant;
use crate::resource::json::Json;
use evaluation::{Evaluation, Scope, boolean};
use expression::{Expr, Step};

/// Longest string that an evaluation may make, in bytes.
const MAX_STRING: usize = 1 << 20;

/// Steps that one evaluation may take unless its context says otherwise: far beyond what a real expression over a
/// large resource needs, less than a tenth of a second.
pub const BUDGET: usize = 500_000;

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    text: String,
    tree: Expr,
}

/// What an expression is evaluated against.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// `%resource`: the resource that the input is, or stands in.
    pub resource: Option<Node<'a>>,
    /// `%rootResource`: that resource, or the one that it is contained in; of an entry, the Bundle.
    pub root: Option<Node<'a>>,
    /// `now()`
    pub now: Instant,
    /// Variables of the caller's own, without `%`.
    pub variables: Vec<(&'a str, Collection<'a>)>,
    /// Steps that the evaluation may take.
    pub budget: usize,
    /// Whether `resolve()` gives, of a resource that is elsewhere, one of which only the type is known.
    pub stubs: bool,
    /// Whether `as` chooses among several items, as R4's search parameters want it, instead of refusing them.
    pub casts_lists: bool,
}

impl<'a> Context<'a> {
    /// The context of a resource that stands alone.
    pub fn of(resource: &'a Json<'a>, now: Instant) -> Context<'a> {
        let node = Node::resource(resource);
        Context {
            resource: node,
            root: node,
            now,
            variables: Vec::new(),
            budget: BUDGET,
            stubs: false,
            casts_lists: false,
        }
    }

    /// The resource that a reference points to, among those contained in the root and the entries of a Bundle.
    fn find(&self, reference: &str) -> Option<Node<'a>> {
        let root = self.root?.json?;
        let contained = |within: &'a Json<'a>, id: &str| {
            let all = within.get("contained").map(Json::each).unwrap_or_default();
            all.iter()
                .find(|resource| resource.get("id").and_then(Json::as_str) == Some(id))
                .and_then(Node::resource)
        };
        if let Some(id) = reference.strip_prefix('#') {
            let resource = self.resource.and_then(|resource| resource.json);
            return match id {
                "" => self.root,
                id => contained(root, id).or_else(|| contained(resource?, id)),
            };
        }
        let entries = root.get("entry").map(Json::each).unwrap_or_default();
        let entry = entries.iter().find(|entry| {
            let url = entry.get("fullUrl").and_then(Json::as_str).unwrap_or_default();
            url == reference || url.strip_suffix(reference).is_some_and(|before| before.ends_with('/'))
        });
        entry.and_then(|entry| entry.get("resource")).and_then(Node::resource)
    }
}

impl Expression {
    /// Compiles `text`.
    ///
    /// Errors: what is not FHIRPath, names a function or type that there is not, or is too long or deep.
    pub fn compile(text: &str) -> Result<Expression, Fault> {
        Ok(Expression { text: text.to_owned(), tree: parser::parse(text)? })
    }

    /// What was compiled.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Refuses what can be known to be wrong without an input of type `type_`: elements that R4 does not have there.
    ///
    /// Errors: [`FaultKind::Semantic`].
    pub fn check(&self, type_: &str) -> Result<(), Fault> {
        check::check(&self.tree, type_)
    }

    /// The types that the expression may give of a `type_`, FHIRPath's own values under the names of FHIR's types; `None`
    /// where that is not known without an input.
    ///
    /// Errors: as [`Expression::check`].
    pub fn gives(&self, type_: &str) -> Result<Option<Vec<Given>>, Fault> {
        check::gives(&self.tree, type_)
    }

    /// Refuses what depends on more than the resource: clocks, terminology, profiles, other resources. `resolve() is T`
    /// looks at the reference alone.
    ///
    /// Errors: [`FaultKind::Unsupported`], and [`FaultKind::Semantic`] for variables that there are not.
    pub fn check_settled(&self) -> Result<(), Fault> {
        settled::check(&self.tree)
    }

    /// What each member of a union gives of `focus`, doubles included, taking steps from `left`.
    ///
    /// Errors: as [`Expression::evaluate`].
    pub fn gather<'a>(
        &self,
        context: &Context<'a>,
        focus: Item<'a>,
        left: &mut usize,
    ) -> Result<Collection<'a>, Fault> {
        let focus = [focus];
        let mut work = Evaluation::within(context, &focus, *left);
        let scope = Scope { this: &focus, index: None, total: None };
        let mut gathered = Ok(Vec::new());
        let members =
            if let Expr::Union(members) = &self.tree { members } else { std::slice::from_ref(&self.tree) };
        for member in members {
            gathered = gathered.and_then(|mut all: Collection<'a>| {
                all.extend(work.evaluate(member, &scope)?);
                Ok(all)
            });
        }
        *left = work.left();
        gathered
    }

    /// What the expression gives of `focus`.
    ///
    /// Errors: [`FaultKind::Execution`], [`FaultKind::Unsupported`], [`FaultKind::Limit`], and
    /// [`FaultKind::Semantic`] for variables that there are not.
    pub fn evaluate<'a>(&self, context: &Context<'a>, focus: Item<'a>) -> Result<Collection<'a>, Fault> {
        evaluate(&self.tree, context, &[focus])
    }

    /// Whether the expression is true of `focus`; empty is `None`.
    ///
    /// Errors: as [`Expression::evaluate`], and more items than one.
    pub fn holds<'a>(&self, context: &Context<'a>, focus: Item<'a>) -> Result<Option<bool>, Fault> {
        boolean(&self.evaluate(context, focus)?)
    }

    /// [`Expression::holds`] within the steps that are `left`, from which those it takes are taken.
    ///
    /// Errors: as [`Expression::holds`].
    pub fn holds_within<'a>(
        &self,
        context: &Context<'a>,
        focus: Item<'a>,
        left: &mut usize,
    ) -> Result<Option<bool>, Fault> {
        let focus = [focus];
        let mut work = Evaluation::within(context, &focus, *left);
        let scope = Scope { this: &focus, index: None, total: None };
        let found = work.evaluate(&self.tree, &scope);
        *left = work.left();
        boolean(&found?)
    }

    /// For an expression that ends with a name, the items that have the element of this name; `None` for others.
    ///
    /// Errors: as [`Expression::evaluate`].
    pub fn owners<'a>(
        &self,
        context: &Context<'a>,
        focus: Item<'a>,
    ) -> Result<Option<(Collection<'a>, &str)>, Fault> {
        let Expr::Chain(start, steps) = &self.tree else { return Ok(None) };
        let Some((Step::Member(name), before)) = steps.split_last() else { return Ok(None) };
        let focus = [focus];
        let mut work = Evaluation::new(context, &focus);
        let scope = Scope { this: &focus, index: None, total: None };
        Ok(Some((work.chain(start.as_deref(), before, &scope)?, name)))
    }
}

fn evaluate<'a>(tree: &Expr, context: &Context<'a>, focus: &[Item<'a>]) -> Result<Collection<'a>, Fault> {
    let scope = Scope { this: focus, index: None, total: None };
    Evaluation::new(context, focus).evaluate(tree, &scope)
}
