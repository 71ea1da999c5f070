//! From the text of a filter to its tree (`FHIR R4 search_filter.html`, "Formal grammar"). Expressions are read from left to
//! right, `and` and `or` bind alike.

use std::fmt;

/// Parentheses and brackets that may stand within each other.
const MAX_DEPTH: usize = 10;

/// Comparisons that one filter may have.
const MAX_COMPARISONS: usize = 50;

/// A filter.
#[derive(Debug, PartialEq)]
pub(super) enum Filter {
    /// `path operator value`
    Compares(Comparison),
    /// `a and b and …`
    All(Vec<Filter>),
    /// `a or b or …`
    Any(Vec<Filter>),
    /// `not (a)`
    Not(Box<Filter>),
}

/// `link[filter].link.name operator value`
#[derive(Debug, PartialEq)]
pub(super) struct Comparison {
    /// The references followed before the name.
    pub(super) links: Vec<Link>,
    /// The parameter compared.
    pub(super) name: String,
    /// How.
    pub(super) operator: Operator,
    /// With what.
    pub(super) value: String,
}

/// One reference of a path.
#[derive(Debug, PartialEq)]
pub(super) struct Link {
    /// The reference parameter.
    pub(super) name: String,
    /// What the resource referred to must meet besides.
    pub(super) filter: Option<Filter>,
}

macro_rules! operators {
    ($($variant:ident $text:literal $about:literal,)+) => {
        /// How a parameter's values are compared (`FHIR R4 search_filter.html#ops`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Operator {
            $(#[doc = $about] $variant,)+
        }

        impl Operator {
            fn of(text: &str) -> Option<Operator> {
                match text {
                    $($text => Some(Operator::$variant),)+
                    _ => None,
                }
            }

            /// As it is written.
            pub(super) const fn text(self) -> &'static str {
                match self {
                    $(Operator::$variant => $text,)+
                }
            }
        }

        /// All operators, as they are written.
        const OPERATORS: &[&str] = &[$($text,)+];
    };
}

operators! {
    Eq "eq" "Equal.",
    Ne "ne" "A value that is not equal.",
    Co "co" "Contains.",
    Sw "sw" "Starts with.",
    Ew "ew" "Ends with.",
    Gt "gt" "Greater.",
    Lt "lt" "Less.",
    Ge "ge" "Greater or equal.",
    Le "le" "Less or equal.",
    Ap "ap" "About.",
    Sa "sa" "Starts after.",
    Eb "eb" "Ends before.",
    Pr "pr" "Present, or not.",
    Po "po" "Overlaps.",
    Ss "ss" "Subsumes.",
    Sb "sb" "Is subsumed by.",
    In "in" "In a value set.",
    Ni "ni" "In no value set.",
    Re "re" "Refers to.",
}

/// Why a text is no filter, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    at: usize,
    reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at character {}", self.reason, self.at)
    }
}

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Filter, Fault> {
    let mut parser = Parser { text, rest: text, depth: 0, comparisons: 0 };
    let filter = parser.filter()?;
    match parser.rest.chars().next() {
        None => Ok(filter),
        Some(character) => Err(parser.fault(format!(
            "'{character}' belongs to nothing; a value with ')', ']' or a space stands in double quotes"
        ))),
    }
}

struct Parser<'t> {
    text: &'t str,
    /// What is not read yet.
    rest: &'t str,
    depth: usize,
    comparisons: usize,
}

impl<'t> Parser<'t> {
    fn fault(&self, reason: impl Into<String>) -> Fault {
        let read = self.text.len() - self.rest.len();
        let at = self.text.get(..read).map_or(0, |read| read.chars().count()) + 1;
        Fault { at, reason: reason.into() }
    }

    fn space(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start();
        self.rest.len() < before
    }

    fn take(&mut self, character: char) -> bool {
        let found = self.rest.strip_prefix(character);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// The characters from here on that `belongs` lets through.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        run
    }

    /// `filter = paramExp / logExp / ("not") "(" filter ")"`, `logExp = filter ("and" / "or" filter)+`
    fn filter(&mut self) -> Result<Filter, Fault> {
        let mut left = self.term()?;
        loop {
            self.space();
            if self.rest.is_empty() || self.rest.starts_with([')', ']']) {
                return Ok(left);
            }
            let here = self.rest;
            let word = self.run(|c| c.is_ascii_alphabetic());
            left = match (word, left) {
                ("and", Filter::All(mut filters)) => {
                    filters.push(self.term()?);
                    Filter::All(filters)
                }
                ("and", left) => Filter::All(vec![left, self.term()?]),
                ("or", Filter::Any(mut filters)) => {
                    filters.push(self.term()?);
                    Filter::Any(filters)
                }
                ("or", left) => Filter::Any(vec![left, self.term()?]),
                _ => {
                    self.rest = here;
                    return Err(self.fault("'and', 'or' or the end is expected"));
                }
            };
        }
    }

    fn term(&mut self) -> Result<Filter, Fault> {
        self.space();
        if self.take('(') {
            return self.within(')');
        }
        let here = self.rest;
        if self.run(is_name) == "not" {
            self.space();
            if self.take('(') {
                return self.within(')').map(|filter| Filter::Not(Box::new(filter)));
            }
        }
        self.rest = here;
        self.comparison().map(Filter::Compares)
    }

    /// A filter up to the parenthesis or bracket that ends it.
    fn within(&mut self, end: char) -> Result<Filter, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(self.fault(format!("parentheses and brackets go {MAX_DEPTH} deep at most")));
        }
        self.depth += 1;
        let filter = self.filter()?;
        self.depth -= 1;
        if self.take(end) { Ok(filter) } else { Err(self.fault(format!("'{end}' is missing"))) }
    }

    /// `paramExp = paramPath SP compareOp SP compValue`
    fn comparison(&mut self) -> Result<Comparison, Fault> {
        if self.comparisons == MAX_COMPARISONS {
            return Err(self.fault(format!("a filter has {MAX_COMPARISONS} comparisons at most")));
        }
        self.comparisons += 1;
        let mut links = Vec::new();
        let name = loop {
            let name = self.name()?;
            let filter = if self.take('[') { Some(self.within(']')?) } else { None };
            if self.take('.') {
                links.push(Link { name, filter });
            } else if filter.is_some() {
                return Err(self.fault("after ']' a '.' and a name are expected"));
            } else {
                break name;
            }
        };
        if !self.space() {
            return Err(self.fault("a space and an operator are expected"));
        }
        let here = self.rest;
        let Some(operator) = Operator::of(self.run(|c| !c.is_whitespace())) else {
            self.rest = here;
            return Err(self.fault(format!("one of the operators {} is expected", OPERATORS.join(", "))));
        };
        if !self.space() {
            return Err(self.fault("a space and a value are expected"));
        }
        let value = self.value()?;
        Ok(Comparison { links, name, operator, value })
    }

    /// `paramName = nameCharStart (nameChar)*`
    fn name(&mut self) -> Result<String, Fault> {
        let starts = self.rest.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
        if starts {
            Ok(self.run(is_name).to_owned())
        } else {
            Err(self.fault("the name of a search parameter is expected"))
        }
    }

    /// `compValue = string / numberOrDate / token`
    fn value(&mut self) -> Result<String, Fault> {
        if !self.rest.starts_with('"') {
            let token = self.run(|c| !c.is_whitespace() && c != ')' && c != ']');
            return if token.is_empty() {
                Err(self.fault("a value is expected"))
            } else {
                Ok(token.to_owned())
            };
        }
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, character)| {
            let ends = *character == '"' && !escaped;
            escaped = *character == '\\' && !escaped;
            ends
        });
        let string = end.and_then(|(at, _)| self.rest.split_at_checked(at + 1));
        let Some((string, rest)) = string else { return Err(self.fault("this text has no '\"' at its end")) };
        let value: String = serde_json::from_str(string)
            .map_err(|_| self.fault("this text is not written as JSON has it"))?;
        if value.contains(|c: char| c.is_control() && !c.is_whitespace()) {
            return Err(self.fault("this text has a control character"));
        }
        self.rest = rest;
        Ok(value)
    }
}

const fn is_name(character: char) -> bool {
    matches!(character, '_' | '-') || character.is_ascii_alphanumeric()
}
