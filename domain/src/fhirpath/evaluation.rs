//! The evaluation of an expression's tree over an input, within a budget of steps.

use super::arithmetic;
use super::comparison::{equal, equal_collections, equivalent_collections, order};
use super::expression::{Call, Expr, Operator, Step};
use super::fault::{Fault, FaultKind};
use super::functions::Invocation;
use super::item::{Collection, Item, Value, count, maybe, text, truth};
use super::reflection::{TypeName, is_a};
use super::{Context, MAX_STRING};
use crate::index::canonical::UCUM;
use std::cmp::Ordering;

/// One evaluation under way.
pub(super) struct Evaluation<'e, 'a> {
    /// What it is asked about.
    pub(super) context: &'e Context<'a>,
    /// `%context`
    pub(super) focus: &'e [Item<'a>],
    left: usize,
}

/// What `$this`, `$index` and `$total` are.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'a> {
    /// `$this`, and what names are looked up in.
    pub(super) this: &'s [Item<'a>],
    /// `$index`
    pub(super) index: Option<usize>,
    /// `$total`
    pub(super) total: Option<&'s [Item<'a>]>,
}

impl<'a> Scope<'_, 'a> {
    /// The same with another `$this` and `$index`.
    pub(super) fn at<'s>(&'s self, this: &'s Item<'a>, index: usize) -> Scope<'s, 'a> {
        Scope { this: std::slice::from_ref(this), index: Some(index), total: self.total }
    }
}

impl<'e, 'a> Evaluation<'e, 'a> {
    pub(super) fn new(context: &'e Context<'a>, focus: &'e [Item<'a>]) -> Evaluation<'e, 'a> {
        Evaluation::within(context, focus, context.budget)
    }

    /// With another budget than the context's.
    pub(super) fn within(context: &'e Context<'a>, focus: &'e [Item<'a>], left: usize) -> Evaluation<'e, 'a> {
        Evaluation { context, focus, left }
    }

    /// The steps that are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Takes `steps` from the budget.
    ///
    /// Errors: [`FaultKind::Limit`] when there is none left.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Fault::limit()),
        }
    }

    /// A collection of one string, whose length is taken from the budget.
    pub(super) fn text(&mut self, string: String) -> Result<Collection<'a>, Fault> {
        if string.len() > MAX_STRING {
            return Err(Fault::limit());
        }
        self.spend(string.len() / 64 + 1)?;
        Ok(text(string))
    }

    /// What `expression` gives in `scope`.
    pub(super) fn evaluate(
        &mut self,
        expression: &Expr,
        scope: &Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Fault> {
        self.spend(1)?;
        match expression {
            Expr::Literal(value) => Ok(vec![Item::Value(value.clone())]),
            Expr::Empty => Ok(Vec::new()),
            Expr::This => Ok(scope.this.to_vec()),
            Expr::Index => Ok(scope.index.map(count).unwrap_or_default()),
            Expr::Total => Ok(scope.total.unwrap_or_default().to_vec()),
            Expr::Variable(name) => self.variable(name),
            Expr::Chain(start, steps) => self.chain(start.as_deref(), steps, scope),
            Expr::Negative(operand) => {
                let operand = self.evaluate(operand, scope)?;
                arithmetic::negative(single(&operand)?)
            }
            Expr::Binary(operator, operands) => self.binary(*operator, &operands.0, &operands.1, scope),
            Expr::Union(members) => {
                let mut all = Vec::new();
                for member in members {
                    all.extend(self.evaluate(member, scope)?);
                }
                self.distinct(all)
            }
            Expr::Is(operand, type_) => {
                let operand = self.evaluate(operand, scope)?;
                Ok(single(&operand)?.map(|item| truth(item.is(type_))).unwrap_or_default())
            }
            Expr::As(operand, type_) => {
                let operand = self.evaluate(operand, scope)?;
                self.cast(operand, type_)
            }
        }
    }

    /// `as`: the one item, if it is of this type.
    pub(super) fn cast(&mut self, items: Collection<'a>, type_: &TypeName) -> Result<Collection<'a>, Fault> {
        if !self.context.casts_lists {
            single(&items)?;
        }
        Ok(items.into_iter().filter(|item| item.casts_to(type_)).collect())
    }

    fn variable(&mut self, name: &str) -> Result<Collection<'a>, Fault> {
        let node = |node: &Option<_>| node.map(Item::Node).into_iter().collect();
        if let Some((_, value)) = self.context.variables.iter().find(|(known, _)| *known == name) {
            self.spend(value.len())?;
            return Ok(value.clone());
        }
        Ok(match name {
            "context" => self.focus.to_vec(),
            "resource" => node(&self.context.resource),
            "rootResource" => node(&self.context.root),
            "ucum" => text(UCUM),
            "sct" => text("http://snomed.info/sct"),
            "loinc" => text("http://loinc.org"),
            _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
                (Some(id), _) => text(format!("http://hl7.org/fhir/ValueSet/{id}")),
                (_, Some(id)) => text(format!("http://hl7.org/fhir/StructureDefinition/{id}")),
                _ => return Err(Fault::semantic(format!("there is no variable %{name}"))),
            },
        })
    }

    pub(super) fn chain(
        &mut self,
        start: Option<&Expr>,
        steps: &[Step],
        scope: &Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Fault> {
        let mut steps = steps.iter();
        let mut current = match (start, steps.as_slice().first()) {
            (Some(start), _) => self.evaluate(start, scope)?,
            (None, Some(Step::Member(name))) => {
                steps.next();
                self.first_member(name, scope)?
            }
            (None, _) => scope.this.to_vec(),
        };
        for step in steps {
            current = match step {
                Step::Member(name) => self.member(&current, name)?,
                Step::Call(call) => self.call(call, current, scope)?,
                Step::Nth(place) => {
                    let place = self.evaluate(place, scope)?;
                    match single(&place)?.map(Item::value) {
                        None => Vec::new(),
                        Some(Some(Value::Integer(at))) => usize::try_from(at)
                            .ok()
                            .and_then(|at| current.into_iter().nth(at))
                            .into_iter()
                            .collect(),
                        Some(_) => return Err(Fault::execution("an index is an integer")),
                    }
                }
            };
        }
        Ok(current)
    }

    /// The first name of a path: the type of the context, or an element of it.
    fn first_member(&mut self, name: &str, scope: &Scope<'_, 'a>) -> Result<Collection<'a>, Fault> {
        if name.starts_with(|c: char| c.is_ascii_uppercase()) {
            let is = |item: &&Item<'a>| matches!(item, Item::Node(node) if is_a(node.shape, name));
            let these: Collection<'a> = scope.this.iter().filter(is).cloned().collect();
            if !these.is_empty() {
                return Ok(these);
            }
        }
        self.member(scope.this, name)
    }

    fn member(&mut self, items: &[Item<'a>], name: &str) -> Result<Collection<'a>, Fault> {
        let mut out = Vec::new();
        for item in items {
            match item {
                Item::Node(node) => {
                    if !node.children_named(name, &mut out) && node.shape.key(name).is_some() {
                        return Err(Fault::semantic(format!(
                            "'{name}' is a name of JSON; FHIRPath names the element without its type"
                        )));
                    }
                }
                Item::Value(Value::Quantity(quantity)) if name == "value" => {
                    out.push(Item::Value(Value::Decimal(quantity.value)));
                }
                Item::Type(namespace, type_, base) => match name {
                    "namespace" => out.extend(text(*namespace)),
                    "name" => out.extend(text(*type_)),
                    "baseType" => out.extend(text(*base)),
                    _ => {}
                },
                Item::Value(_) => {}
            }
        }
        self.spend(out.len() + 1)?;
        Ok(out)
    }

    fn call(
        &mut self,
        call: &Call,
        input: Collection<'a>,
        scope: &Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Fault> {
        self.spend(1)?;
        let out = (call.function.run)(self, Invocation { input, call, scope })?;
        self.spend(out.len())?;
        Ok(out)
    }

    /// The items without those equal to one before them.
    pub(super) fn distinct(&mut self, items: Collection<'a>) -> Result<Collection<'a>, Fault> {
        let mut kept: Collection<'a> = Vec::with_capacity(items.len());
        for item in items {
            if !self.contains(&kept, &item)? {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    /// Whether an item is equal to one of these.
    pub(super) fn contains(&mut self, items: &[Item<'a>], item: &Item<'a>) -> Result<bool, Fault> {
        for other in items {
            if equal(self, other, item)? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: &Expr,
        right: &Expr,
        scope: &Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Fault> {
        let left = self.evaluate(left, scope)?;
        if let Operator::And | Operator::Or | Operator::Xor | Operator::Implies = operator {
            return self.logic(operator, &left, right, scope);
        }
        let right = self.evaluate(right, scope)?;
        let known = |value: Option<bool>| Ok(value.map(truth).unwrap_or_default());
        match operator {
            Operator::Equal => known(equal_collections(self, &left, &right)?),
            Operator::NotEqual => known(equal_collections(self, &left, &right)?.map(|same| !same)),
            Operator::Equivalent => Ok(truth(equivalent_collections(self, &left, &right)?)),
            Operator::NotEquivalent => Ok(truth(!equivalent_collections(self, &left, &right)?)),
            Operator::In => self.membership(&left, &right),
            Operator::Contains => self.membership(&right, &left),
            Operator::Less => compared(&left, &right, Ordering::is_lt),
            Operator::LessOrEqual => compared(&left, &right, Ordering::is_le),
            Operator::Greater => compared(&left, &right, Ordering::is_gt),
            Operator::GreaterOrEqual => compared(&left, &right, Ordering::is_ge),
            Operator::Concatenate => {
                let (one, other) = (self.string_or_empty(&left)?, self.string_or_empty(&right)?);
                self.text(one + &other)
            }
            _ => match (single(&left)?, single(&right)?) {
                (Some(one), Some(other)) => {
                    let result = arithmetic::reckon(operator, one, other)?;
                    if let Some(Value::String(string)) = result {
                        return self.text(string.into_owned());
                    }
                    Ok(maybe(result))
                }
                _ => Ok(Vec::new()),
            },
        }
    }

    /// Three-valued logic; the right side is only asked where it matters.
    fn logic(
        &mut self,
        operator: Operator,
        left: &[Item<'a>],
        right: &Expr,
        scope: &Scope<'_, 'a>,
    ) -> Result<Collection<'a>, Fault> {
        let left = boolean(left)?;
        match (operator, left) {
            (Operator::And, Some(false)) => return Ok(truth(false)),
            (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => return Ok(truth(true)),
            _ => {}
        }
        let right = boolean(&self.evaluate(right, scope)?)?;
        let known = match (operator, left, right) {
            (Operator::And, _, Some(false)) => Some(false),
            (Operator::And, Some(true), right) => right,
            (Operator::Or | Operator::Implies, _, Some(true)) => Some(true),
            (Operator::Or, Some(false), right) | (Operator::Implies, Some(true), right) => right,
            (Operator::Xor, Some(left), Some(right)) => Some(left != right),
            _ => None,
        };
        Ok(known.map(truth).unwrap_or_default())
    }

    fn membership(&mut self, item: &[Item<'a>], of: &[Item<'a>]) -> Result<Collection<'a>, Fault> {
        match single(item)? {
            Some(item) => Ok(truth(self.contains(of, item)?)),
            None => Ok(Vec::new()),
        }
    }

    fn string_or_empty(&mut self, items: &[Item<'a>]) -> Result<String, Fault> {
        Ok(string(items)?.map(|text| text.into_owned()).unwrap_or_default())
    }
}

/// The one item of a collection, `None` of an empty one.
///
/// Errors: several items.
pub(super) fn single<'c, 'a>(items: &'c [Item<'a>]) -> Result<Option<&'c Item<'a>>, Fault> {
    match items {
        [] => Ok(None),
        [item] => Ok(Some(item)),
        _ => Err(Fault::execution(format!("one item is needed, but there are {}", items.len()))),
    }
}

/// A collection as a truth value: any one item that is not a truth value is true
/// (`FHIRPath N1 §Singleton Evaluation of Collections`).
///
/// Errors: several items.
pub(super) fn boolean(items: &[Item<'_>]) -> Result<Option<bool>, Fault> {
    Ok(single(items)?.map(|item| match item.value() {
        Some(Value::Boolean(value)) => value,
        _ => true,
    }))
}

/// The one string of a collection.
///
/// Errors: several items; something else than a string.
pub(super) fn string<'a>(items: &[Item<'a>]) -> Result<Option<std::borrow::Cow<'a, str>>, Fault> {
    match single(items)? {
        None => Ok(None),
        Some(item) => match item.value() {
            Some(Value::String(text)) => Ok(Some(text)),
            _ => Err(Fault::new(
                FaultKind::Execution,
                format!("a string is needed, not a {}", item.type_name()),
            )),
        },
    }
}

fn compared<'a>(
    left: &[Item<'a>],
    right: &[Item<'a>],
    wanted: fn(Ordering) -> bool,
) -> Result<Collection<'a>, Fault> {
    match (single(left)?, single(right)?) {
        (Some(one), Some(other)) => {
            Ok(order(one, other)?.map(|found| truth(wanted(found))).unwrap_or_default())
        }
        _ => Ok(Vec::new()),
    }
}
