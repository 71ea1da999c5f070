//! The tree of a compiled expression.

use super::functions::Function;
use super::item::Value;
use super::reflection::TypeName;
use std::sync::OnceLock;

/// A node of the tree.
#[derive(Debug)]
pub(super) enum Expr {
    /// A literal.
    Literal(Value<'static>),
    /// `{}`
    Empty,
    /// `$this`
    This,
    /// `$index`
    Index,
    /// `$total`
    Total,
    /// `%name`
    Variable(String),
    /// `start.step.step`; without a start, the first step is taken from the context.
    Chain(Option<Box<Expr>>, Vec<Step>),
    /// `-operand`
    Negative(Box<Expr>),
    /// `left operator right`
    Binary(Operator, Box<(Expr, Expr)>),
    /// `one | other | …`
    Union(Vec<Expr>),
    /// `operand is Type`
    Is(Box<Expr>, TypeName),
    /// `operand as Type`
    As(Box<Expr>, TypeName),
}

/// One step of a chain.
#[derive(Debug)]
pub(super) enum Step {
    /// `.name`
    Member(String),
    /// `.name(arguments)`
    Call(Call),
    /// `[n]`
    Nth(Expr),
}

/// A function and what it is called with.
#[derive(Debug)]
pub(super) struct Call {
    /// The function.
    pub(super) function: &'static Function,
    /// Its arguments, as many as it takes.
    pub(super) arguments: Vec<Expr>,
    /// The type that `is`, `as` and `ofType` were given instead of arguments.
    pub(super) type_: Option<TypeName>,
    /// The compiled regular expression of a literal argument.
    pub(super) regex: OnceLock<regex::Regex>,
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Implies,
    Or,
    Xor,
    And,
    In,
    Contains,
    Equal,
    Equivalent,
    NotEqual,
    NotEquivalent,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    Div,
    Mod,
}
