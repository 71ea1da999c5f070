//! What `name operator value` means for each kind of parameter (`FHIR R4 search_filter.html#ops`).

use super::NAME;
use super::parser::{Comparison, Operator};
use crate::conformance::definitions::SearchParameter;
use crate::conformance::{SearchKind, TypeId};
use crate::error::Error;
use crate::index::Facet;
use crate::search::escape;
use crate::search::kind::{date, number, quantity, string};
use crate::search::parameter::{self, criterion as plain, find, invalid, unsupported};
use crate::search::parse::Context;
use crate::search::query::{Criterion, DateTest, Prefix, Test, TextMatch, UriMatch};

/// Names that stand for code systems.
const SYSTEMS: [(&str, &str); 4] = [
    ("loinc", "http://loinc.org"),
    ("snomed", "http://snomed.info/sct"),
    ("rxnorm", "http://www.nlm.nih.gov/research/umls/rxnorm"),
    ("ucum", "http://unitsofmeasure.org"),
];

/// The criterion that a comparison on resources of `type_` is.
pub(super) fn criterion(
    context: &Context<'_>,
    type_: Option<TypeId>,
    comparison: &Comparison,
) -> Result<Criterion, Error> {
    let Comparison { name, operator, value, .. } = comparison;
    let parameter = find(context, type_, name, NAME)?;
    if value.is_empty() {
        return Err(invalid(NAME, format!("'{name}' is compared with nothing")));
    }
    match operator {
        Operator::Ss | Operator::Sb => {
            let reason = format!("'{}' needs a terminology server, which this is not", operator.text());
            return Err(unsupported(NAME, reason));
        }
        Operator::In | Operator::Ni if parameter.kind == SearchKind::Token => {
            let modifier = if *operator == Operator::In { "in" } else { "not-in" };
            let value = value.replace('\\', "\\\\").replace(',', "\\,");
            return plain(context, type_, &format!("{name}:{modifier}"), &value, 0);
        }
        Operator::Pr => return present(parameter, value),
        _ => {}
    }
    match parameter.code.as_ref() {
        "_id" => id(*operator, value),
        "_lastUpdated" => {
            let test = dated(*operator, value, context.now.0).ok_or_else(|| unfit(parameter, *operator))?;
            Ok(Criterion::LastUpdated(vec![test.map_err(|fault| invalid(NAME, fault))?]))
        }
        _ => {
            let test = tests(context, type_, parameter, (*operator, value));
            let test = test.ok_or_else(|| unfit(parameter, *operator))?;
            let tests = test.map_err(|fault| invalid(NAME, format!("'{name}': {fault}")))?;
            let facet = Facet::Value;
            Ok(Criterion::Matches { parameter: parameter.id, facet, tests, negated: false })
        }
    }
}

fn unfit(parameter: &SearchParameter, operator: Operator) -> Error {
    let (code, kind, operator) = (&parameter.code, parameter.kind.code(), operator.text());
    let instead = match parameter.kind {
        SearchKind::Token => "eq, ne, in, ni and pr do",
        SearchKind::Reference => "re and pr do",
        SearchKind::String => "eq, ne, co, sw, ew, gt, lt, ge, le and pr do",
        SearchKind::Date => "eq, ne, co, gt, lt, ge, le, sa, eb, ap, po and pr do",
        SearchKind::Uri => "eq, ne, sw and pr do",
        SearchKind::Composite | SearchKind::Special => "eq, ne and pr do",
        SearchKind::Number | SearchKind::Quantity => "eq, ne, gt, lt, ge, le, sa, eb, ap and pr do",
    };
    invalid(NAME, format!("'{operator}' does not compare '{code}', which is of type {kind}; {instead}"))
}

fn present(parameter: &SearchParameter, value: &str) -> Result<Criterion, Error> {
    let present = match value {
        "true" => true,
        "false" => false,
        _ => return Err(invalid(NAME, "'pr' takes 'true' or 'false'")),
    };
    Ok(match parameter.code.as_ref() {
        // Every resource has them.
        "_id" | "_lastUpdated" if present => Criterion::All(Vec::new()),
        "_id" | "_lastUpdated" => Criterion::Never,
        _ => Criterion::Missing { parameter: parameter.id, missing: !present },
    })
}

fn id(operator: Operator, value: &str) -> Result<Criterion, Error> {
    let is = match crate::id::Id::parse(value) {
        Ok(id) => Criterion::Id(vec![id]),
        Err(_) => Criterion::Never,
    };
    match operator {
        Operator::Eq => Ok(is),
        Operator::Ne => Ok(Criterion::Not(Box::new(is))),
        _ => Err(invalid(NAME, format!("'{}' does not compare '_id'; eq, ne and pr do", operator.text()))),
    }
}

/// Tests of which one passes; `None` where R4 has no such operator for the kind.
fn tests(
    context: &Context<'_>,
    type_: Option<TypeId>,
    parameter: &SearchParameter,
    (operator, value): (Operator, &str),
) -> Option<Result<Vec<Test>, String>> {
    let plainly = |value: &str| parameter::tests(context, type_, parameter, value);
    let one = match parameter.kind {
        SearchKind::String => text(operator, value)?,
        SearchKind::Number => number::parse(prefix(operator)?, value),
        SearchKind::Quantity => quantity::parse(prefix(operator)?, &escape::parts(&with_system(value, 1))),
        SearchKind::Date => dated(operator, value, context.now.0)?.map(Test::Date),
        SearchKind::Uri if operator == Operator::Sw => {
            Ok(Test::Uri { how: UriMatch::Below, value: value.to_owned(), version: None })
        }
        SearchKind::Reference if operator == Operator::Re => return Some(plainly(value)),
        SearchKind::Reference => return None,
        SearchKind::Token => return equal_or_not(operator, plainly(&with_system(value, 0))),
        SearchKind::Uri | SearchKind::Composite | SearchKind::Special => {
            return equal_or_not(operator, plainly(value));
        }
    };
    Some(one.map(|test| vec![test]))
}

fn equal_or_not(operator: Operator, equal: Result<Vec<Test>, String>) -> Option<Result<Vec<Test>, String>> {
    match operator {
        Operator::Eq => Some(equal),
        // "An item in the set has an unequal value": that row, not the whole set.
        Operator::Ne => Some(equal.map(|tests| vec![Test::Not(tests)])),
        _ => None,
    }
}

fn text(operator: Operator, value: &str) -> Option<Result<Test, String>> {
    let how = match operator {
        Operator::Co => TextMatch::Contains,
        Operator::Sw => TextMatch::Starts,
        Operator::Ew => TextMatch::Ends,
        _ => match prefix(operator)? {
            Prefix::Sa | Prefix::Eb | Prefix::Ap => return None,
            ordered => TextMatch::Ordered(ordered),
        },
    };
    let test = string::parse(value, how);
    Some(match &test {
        Test::Text { text, .. } if text.is_empty() => Err("it has no text to search for".to_owned()),
        // These look at the whole of long texts, the others at what the index holds.
        Test::Text { text, how }
            if text.len() > string::MAX_COMMON && !matches!(how, TextMatch::Contains | TextMatch::Ends) =>
        {
            Err(format!("it is too long to be compared: send {} bytes or fewer", string::MAX_COMMON))
        }
        _ => Ok(test),
    })
}

fn dated(operator: Operator, value: &str, now: i64) -> Option<Result<DateTest, String>> {
    let (read_as, prefix) = match operator {
        // Overlap, but of what is written and nothing around it.
        Operator::Po => (Prefix::Eq, Prefix::Ap),
        Operator::Co => (Prefix::Eq, Prefix::Holds),
        _ => prefix(operator).map(|prefix| (prefix, prefix))?,
    };
    Some(date::parse(read_as, value, now).map(|test| DateTest { prefix, ..test }))
}

const fn prefix(operator: Operator) -> Option<Prefix> {
    Some(match operator {
        Operator::Eq => Prefix::Eq,
        Operator::Ne => Prefix::Ne,
        Operator::Gt => Prefix::Gt,
        Operator::Lt => Prefix::Lt,
        Operator::Ge => Prefix::Ge,
        Operator::Le => Prefix::Le,
        Operator::Sa => Prefix::Sa,
        Operator::Eb => Prefix::Eb,
        Operator::Ap => Prefix::Ap,
        _ => return None,
    })
}

/// The value with the code system in its part `place` by its whole name.
fn with_system(value: &str, place: usize) -> String {
    let parts = escape::split(value, '|');
    if parts.len() < 2 {
        return value.to_owned();
    }
    let whole = |(at, part): (usize, &&str)| {
        let known = SYSTEMS.iter().find(|(short, _)| at == place && short == part);
        known.map_or_else(|| (*part).to_owned(), |(_, system)| (*system).to_owned())
    };
    parts.iter().enumerate().map(whole).collect::<Vec<_>>().join("|")
}
