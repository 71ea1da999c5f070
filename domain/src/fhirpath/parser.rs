//! From tokens to the tree of an expression (`FHIRPath N1 §Grammar`), by precedence climbing within bounds.

use super::expression::{Call, Expr, Operator, Step};
use super::fault::{Fault, FaultKind};
use super::functions;
use super::item::Value;
use super::lexer::{Token, syntax, tokens};
use super::quantity::{Quantity, Unit};
use super::reflection::TypeName;
use std::sync::OnceLock;

/// Longest text of an expression, in bytes.
const MAX_TEXT: usize = 16 * 1024;

/// Greatest height of an expression's tree. Evaluation uses the stack in proportion.
const MAX_HEIGHT: usize = 100;

/// Deepest nesting of brackets and signs while reading; lower than the height, as reading takes more stack.
const MAX_NESTING: usize = 60;

/// Binding strength of `is` and `as`.
const TYPE_STRENGTH: u8 = 8;

/// Binding strength of `|`.
const UNION_STRENGTH: u8 = 7;

/// A tree and its height.
struct Tall(Expr, usize);

/// Compiles `text`.
///
/// Errors: [`FaultKind::Syntax`]; [`FaultKind::Semantic`] for functions and types that there are not;
/// [`FaultKind::Limit`].
pub(super) fn parse(text: &str) -> Result<Expr, Fault> {
    if text.len() > MAX_TEXT {
        return Err(Fault::new(FaultKind::Limit, format!("it is longer than {MAX_TEXT} bytes")));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, nesting: 0 };
    let Tall(expression, _) = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(expression),
        _ => Err(parser.fault("expected an operator or the end")),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    nesting: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(_, token)| token)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        syntax(self.text, self.tokens.get(self.at).map_or(self.text.len(), |(at, _)| *at), message)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(found) if *found == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.accept(symbol) { Ok(()) } else { Err(self.fault(format!("expected '{symbol}'"))) }
    }

    fn tall(&self, expression: Expr, height: usize) -> Result<Tall, Fault> {
        if height > MAX_HEIGHT {
            let message = format!("it is nested more than {MAX_HEIGHT} levels deep");
            return Err(Fault { kind: FaultKind::Limit, ..self.fault(message) });
        }
        Ok(Tall(expression, height))
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.nesting >= MAX_NESTING {
            let message = format!("it is nested more than {MAX_NESTING} levels deep");
            return Err(Fault { kind: FaultKind::Limit, ..self.fault(message) });
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    /// Reads operators that bind more strongly than `least`, with their operands.
    fn expression(&mut self, least: u8) -> Result<Tall, Fault> {
        let Tall(mut left, mut height) = self.unary()?;
        loop {
            if let Token::Identifier(word) = self.peek()
                && matches!(word.as_str(), "is" | "as")
            {
                if TYPE_STRENGTH <= least {
                    break;
                }
                let is = word == "is";
                self.at += 1;
                let type_ = self.type_name()?;
                left = if is { Expr::Is(Box::new(left), type_) } else { Expr::As(Box::new(left), type_) };
                height += 1;
            } else if self.is_symbol("|") {
                if UNION_STRENGTH <= least {
                    break;
                }
                self.at += 1;
                let Tall(right, its) = self.nested(|parser| parser.expression(UNION_STRENGTH))?;
                left = match left {
                    Expr::Union(mut members) => {
                        members.push(right);
                        height = height.max(its + 1);
                        Expr::Union(members)
                    }
                    other => {
                        height = height.max(its) + 1;
                        Expr::Union(vec![other, right])
                    }
                };
            } else {
                let Some((operator, strength)) = operator(self.peek()).filter(|(_, s)| *s > least) else {
                    break;
                };
                self.at += 1;
                let Tall(right, its) = self.nested(|parser| parser.expression(strength))?;
                left = Expr::Binary(operator, Box::new((left, right)));
                height = height.max(its) + 1;
            }
            Tall(left, height) = self.tall(left, height)?;
        }
        Ok(Tall(left, height))
    }

    fn unary(&mut self) -> Result<Tall, Fault> {
        if self.accept("-") {
            let Tall(operand, height) = self.nested(Self::unary)?;
            return self.tall(Expr::Negative(Box::new(operand)), height + 1);
        }
        if self.accept("+") {
            return self.nested(Self::unary);
        }
        self.chain()
    }

    /// A term and the steps taken from it.
    fn chain(&mut self) -> Result<Tall, Fault> {
        let (start, mut height, mut steps) = match self.peek() {
            Token::Identifier(word) if !matches!(word.as_str(), "true" | "false") => (None, 0, Vec::new()),
            Token::Delimited(_) => (None, 0, Vec::new()),
            _ => {
                let Tall(start, height) = self.term()?;
                (Some(Box::new(start)), height, Vec::new())
            }
        };
        if start.is_none() {
            let (step, its) = self.invocation()?;
            steps.push(step);
            height = height.max(its);
        }
        loop {
            if self.accept(".") {
                let (step, its) = self.invocation()?;
                steps.push(step);
                height = height.max(its);
            } else if self.accept("[") {
                let Tall(place, its) = self.nested(|parser| parser.expression(0))?;
                self.expect("]")?;
                steps.push(Step::Nth(place));
                height = height.max(its);
            } else {
                break;
            }
        }
        match start {
            Some(start) if steps.is_empty() => Ok(Tall(*start, height)),
            start => self.tall(Expr::Chain(start, steps), height + 1),
        }
    }

    fn term(&mut self) -> Result<Tall, Fault> {
        let literal = |value| Ok(Tall(Expr::Literal(value), 1));
        let at = self.at;
        match self.next() {
            Token::Identifier(word) => literal(Value::Boolean(word == "true")),
            Token::String(text) => literal(Value::String(text.into())),
            Token::Temporal(temporal) => literal(Value::of_temporal(temporal)),
            Token::Integer(text) => {
                let value = text.parse().map(Value::Integer);
                self.number(&text, value.ok())
            }
            Token::Decimal(text) => {
                let value = text.parse().map(Value::Decimal);
                self.number(&text, value.ok())
            }
            Token::Variable(name) => Ok(Tall(Expr::Variable(name), 1)),
            Token::Special("this") => Ok(Tall(Expr::This, 1)),
            Token::Special("index") => Ok(Tall(Expr::Index, 1)),
            Token::Special(_) => Ok(Tall(Expr::Total, 1)),
            Token::Symbol("(") => {
                let inner = self.nested(|parser| parser.expression(0))?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Symbol("{") => {
                self.expect("}")?;
                Ok(Tall(Expr::Empty, 1))
            }
            _ => {
                self.at = at;
                Err(self.fault("expected a value, a name or an opening bracket"))
            }
        }
    }

    /// The number just read, or the quantity that it begins: `4 days`, `4 'mg'`.
    fn number(&mut self, text: &str, value: Option<Value<'static>>) -> Result<Tall, Fault> {
        let unit = match self.peek() {
            Token::String(code) => Some(Unit::of_code(code.clone().into())),
            Token::Identifier(word) => Unit::of_word(word),
            _ => None,
        };
        let value = match unit {
            Some(unit) => {
                self.at += 1;
                text.parse().ok().map(|value| Value::Quantity(Quantity { value, unit }))
            }
            None => value,
        };
        let value = value.ok_or_else(|| self.fault(format!("the number {text} has too many digits")))?;
        Ok(Tall(Expr::Literal(value), 1))
    }

    /// `name` or `name(arguments)`, and the height of the arguments.
    fn invocation(&mut self) -> Result<(Step, usize), Fault> {
        let at = self.at;
        let name = match self.next() {
            Token::Identifier(name) => name,
            Token::Delimited(name) => return Ok((Step::Member(name), 0)),
            _ => {
                self.at = at;
                return Err(self.fault("expected the name of an element or function"));
            }
        };
        if !self.accept("(") {
            return Ok((Step::Member(name), 0));
        }
        let here = |parser: &mut Self, fault: Fault| {
            parser.at = at;
            Fault { position: parser.fault("").position, ..fault }
        };
        let function = functions::find(&name)
            .ok_or_else(|| here(self, Fault::semantic(format!("there is no function '{name}'"))))?;
        if function.takes_type {
            let type_ = self.type_name()?;
            self.expect(")")?;
            let call = Call { function, arguments: Vec::new(), type_: Some(type_), regex: OnceLock::new() };
            return Ok((Step::Call(call), 0));
        }
        let (mut arguments, mut height) = (Vec::new(), 0);
        while !self.is_symbol(")") {
            let Tall(argument, its) = self.nested(|parser| parser.expression(0))?;
            arguments.push(argument);
            height = height.max(its);
            if !self.accept(",") {
                break;
            }
        }
        self.expect(")")?;
        if !(function.least..=function.most).contains(&arguments.len()) {
            return Err(here(self, Fault::semantic(function.arity())));
        }
        Ok((Step::Call(Call { function, arguments, type_: None, regex: OnceLock::new() }), height))
    }

    /// `Patient`, `System.String`, `` FHIR.`Patient` ``
    fn type_name(&mut self) -> Result<TypeName, Fault> {
        let first = self.name()?;
        let second = if self.is_symbol(".") && matches!(first.as_str(), "System" | "FHIR") {
            self.at += 1;
            Some(self.name()?)
        } else {
            None
        };
        TypeName::new(&first, second.as_deref()).ok_or_else(|| {
            Fault::semantic(format!("there is no type '{}'", second.as_ref().unwrap_or(&first)))
        })
    }

    fn name(&mut self) -> Result<String, Fault> {
        match self.peek().clone() {
            Token::Identifier(name) | Token::Delimited(name) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.fault("expected the name of a type")),
        }
    }
}

/// The operator that a token is, and how strongly it binds.
fn operator(token: &Token) -> Option<(Operator, u8)> {
    let sign = match token {
        Token::Symbol(sign) => sign,
        Token::Identifier(word) => word.as_str(),
        _ => return None,
    };
    Some(match sign {
        "implies" => (Operator::Implies, 1),
        "or" => (Operator::Or, 2),
        "xor" => (Operator::Xor, 2),
        "and" => (Operator::And, 3),
        "in" => (Operator::In, 4),
        "contains" => (Operator::Contains, 4),
        "=" => (Operator::Equal, 5),
        "~" => (Operator::Equivalent, 5),
        "!=" => (Operator::NotEqual, 5),
        "!~" => (Operator::NotEquivalent, 5),
        "<" => (Operator::Less, 6),
        "<=" => (Operator::LessOrEqual, 6),
        ">" => (Operator::Greater, 6),
        ">=" => (Operator::GreaterOrEqual, 6),
        "+" => (Operator::Add, 9),
        "-" => (Operator::Subtract, 9),
        "&" => (Operator::Concatenate, 9),
        "*" => (Operator::Multiply, 10),
        "/" => (Operator::Divide, 10),
        "div" => (Operator::Div, 10),
        "mod" => (Operator::Mod, 10),
        _ => return None,
    })
}
