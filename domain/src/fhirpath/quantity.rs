//! Quantities and their units: UCUM codes and the calendar words (`FHIRPath N1 §Quantity`).

use super::fault::Fault;
use octofhir_ucum::{Number, get_canonical_units, parse_expression};
use rust_decimal::{Decimal, RoundingStrategy};
use std::borrow::Cow;
use std::cmp::Ordering;

/// Longest code that is taken for UCUM.
const MAX_CODE: usize = 100;

/// A number with a unit.
#[derive(Debug, Clone)]
pub struct Quantity<'a> {
    /// How many.
    pub value: Decimal,
    /// Of what.
    pub unit: Unit<'a>,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit<'a> {
    /// `day`, `months`: the span, and the word as written.
    Calendar(Span, &'static str),
    /// A UCUM code; `1` for no unit.
    Ucum(Cow<'a, str>),
    /// A unit of another system, or of none: only itself is comparable.
    Other(Cow<'a, str>),
}

/// A span of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the specification")]
pub enum Span {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

const WORDS: [(&str, Span); 16] = [
    ("year", Span::Year),
    ("years", Span::Year),
    ("month", Span::Month),
    ("months", Span::Month),
    ("week", Span::Week),
    ("weeks", Span::Week),
    ("day", Span::Day),
    ("days", Span::Day),
    ("hour", Span::Hour),
    ("hours", Span::Hour),
    ("minute", Span::Minute),
    ("minutes", Span::Minute),
    ("second", Span::Second),
    ("seconds", Span::Second),
    ("millisecond", Span::Millisecond),
    ("milliseconds", Span::Millisecond),
];

impl Span {
    /// The UCUM code that comes closest; of years and months it is not the same.
    pub fn ucum(self) -> &'static str {
        match self {
            Span::Year => "a",
            Span::Month => "mo",
            Span::Week => "wk",
            Span::Day => "d",
            Span::Hour => "h",
            Span::Minute => "min",
            Span::Second => "s",
            Span::Millisecond => "ms",
        }
    }
}

impl<'a> Unit<'a> {
    /// No unit.
    pub(super) fn none() -> Unit<'a> {
        Unit::Ucum("1".into())
    }

    /// A calendar word.
    pub(super) fn of_word(word: &str) -> Option<Unit<'a>> {
        WORDS.iter().find(|(known, _)| *known == word).map(|(word, span)| Unit::Calendar(*span, word))
    }

    /// What stands in quotes after a number: a UCUM code, or a calendar word all the same.
    pub(super) fn of_code(code: Cow<'a, str>) -> Unit<'a> {
        Unit::of_word(&code).unwrap_or(Unit::Ucum(code))
    }

    /// As a UCUM code.
    fn code(&self) -> Option<&str> {
        match self {
            Unit::Calendar(span, _) => Some(span.ucum()),
            Unit::Ucum(code) => Some(code),
            Unit::Other(_) => None,
        }
    }

    /// The span of the calendar that a date can be moved by. UCUM's years and months have another length than the
    /// calendar's: none.
    pub(super) fn span(&self) -> Option<Span> {
        match self {
            Unit::Calendar(span, _) => Some(*span),
            Unit::Ucum(code) => WORDS
                .iter()
                .map(|(_, span)| *span)
                .filter(|span| !matches!(span, Span::Year | Span::Month))
                .find(|span| span.ucum() == code),
            Unit::Other(_) => None,
        }
    }

    /// The canonical unit and how many of it this is; years and months of the calendar are months.
    fn canonical(&self, loosely: bool) -> Option<(String, Number)> {
        if !loosely && let Unit::Calendar(span @ (Span::Year | Span::Month), _) = self {
            return Some(("month".into(), Number::from_i64(if *span == Span::Year { 12 } else { 1 })));
        }
        let code = self.code().filter(|code| code.len() <= MAX_CODE)?;
        parse_expression(code).ok()?;
        let unit = get_canonical_units(code).ok().filter(|unit| unit.offset.is_zero())?;
        Some((unit.unit, unit.factor))
    }
}

impl<'a> Quantity<'a> {
    /// A number without a unit.
    pub(super) fn number(value: Decimal) -> Quantity<'a> {
        Quantity { value, unit: Unit::none() }
    }

    /// Which is more; `None` if they cannot be compared.
    pub(super) fn compare(&self, other: &Quantity<'_>) -> Option<Ordering> {
        if self.unit == other.unit {
            return Some(self.value.cmp(&other.value));
        }
        let (one, other) = (self.canonical()?, other.canonical()?);
        (one.0 == other.0).then(|| one.1.cmp(&other.1))
    }

    /// Whether both have the same dimension.
    pub(super) fn comparable(&self, other: &Quantity<'_>) -> bool {
        self.compare(other).is_some()
    }

    fn canonical(&self) -> Option<(String, Number)> {
        let (unit, factor) = self.unit.canonical(false)?;
        Some((unit, Number::parse(&self.value.to_string())?.checked_mul(factor)?))
    }

    /// Whether they are the same, told in the larger unit and to the digits of the less precise.
    pub(super) fn equivalent(&self, other: &Quantity<'_>) -> bool {
        let (Some(one), Some(two)) = (self.unit.canonical(true), other.unit.canonical(true)) else {
            return self.unit == other.unit && same_digits(self.value, other.value);
        };
        if one.0 != two.0 {
            return false;
        }
        let (left, right) = if one.1 >= two.1 {
            (Some(self.value), converted(other.value, two.1, one.1))
        } else {
            (converted(self.value, one.1, two.1), Some(other.value))
        };
        left.zip(right).is_some_and(|(left, right)| same_digits(left, right))
    }

    /// The sum, in this quantity's unit; `None` if they cannot be added.
    pub(super) fn plus(&self, other: &Quantity<'_>) -> Option<Quantity<'a>> {
        let unit = self.unit.clone();
        if self.unit == other.unit {
            return Some(Quantity { value: self.value.checked_add(other.value)?, unit });
        }
        let ((one, factor), (two, its)) = (self.unit.canonical(false)?, other.unit.canonical(false)?);
        let added = converted(other.value, its, factor).filter(|_| one == two)?;
        Some(Quantity { value: self.value.checked_add(added)?, unit })
    }

    /// The product.
    pub(super) fn times(&self, other: &Quantity<'_>) -> Result<Option<Quantity<'a>>, Fault> {
        let unit = match (self.code()?, other.code()?) {
            (one, "1") => one.to_owned(),
            ("1", other) => other.to_owned(),
            (one, other) => format!("{one}.{other}"),
        };
        let unit = derived(unit)?;
        Ok(self.value.checked_mul(other.value).map(|value| Quantity { value, unit }))
    }

    /// The quotient, none by zero.
    pub(super) fn over(&self, other: &Quantity<'_>) -> Result<Option<Quantity<'a>>, Fault> {
        let unit = match (self.code()?, other.code()?) {
            (one, "1") => one.to_owned(),
            (one, other) if one == other => "1".to_owned(),
            (one, other) if other.contains(['.', '/']) => format!("{one}/({other})"),
            (one, other) => format!("{one}/{other}"),
        };
        let unit = derived(unit)?;
        Ok(self.value.checked_div(other.value).map(|value| Quantity { value, unit }))
    }

    fn code(&self) -> Result<&str, Fault> {
        self.unit.code().ok_or_else(|| Fault::execution("only UCUM units can be multiplied and divided"))
    }
}

fn derived<'a>(code: String) -> Result<Unit<'a>, Fault> {
    if code.len() <= MAX_CODE { Ok(Unit::Ucum(code.into())) } else { Err(Fault::limit()) }
}

/// `value` of a unit of size `from` in units of size `to`.
fn converted(value: Decimal, from: Number, to: Number) -> Option<Decimal> {
    let (digits, exponent) =
        Number::parse(&value.to_string())?.checked_mul(from)?.checked_div(to)?.to_integer_and_exponent();
    if exponent > 0 {
        let power = 10i128.checked_pow(u32::try_from(exponent).ok()?)?;
        return Decimal::try_from_i128_with_scale(digits.checked_mul(power)?, 0).ok();
    }
    let scale = exponent.unsigned_abs();
    if scale <= Decimal::MAX_SCALE {
        return Decimal::try_from_i128_with_scale(digits, scale).ok();
    }
    let lost = 10i128.checked_pow(scale - Decimal::MAX_SCALE)?;
    Decimal::try_from_i128_with_scale(digits / lost, Decimal::MAX_SCALE).ok()
}

/// Whether two numbers are the same to the digits of the less precise (`FHIRPath N1 §Equivalence`).
pub(super) fn same_digits(one: Decimal, other: Decimal) -> bool {
    let digits = one.normalize().scale().min(other.normalize().scale());
    let rounded =
        |value: Decimal| value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    rounded(one) == rounded(other)
}

/// As a literal: `4 days`, `10 'mg'`.
impl std::fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.unit {
            Unit::Calendar(_, word) => write!(f, "{} {word}", self.value),
            Unit::Ucum(code) | Unit::Other(code) => write!(f, "{} '{code}'", self.value),
        }
    }
}
