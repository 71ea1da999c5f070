//! What is a filter, what is none, and that no text does harm.

use super::super::{Context, Limits};
use super::parser::{Comparison, Filter, Link, Operator, parse};
use crate::clock::Instant;
use crate::conformance::{Definitions, SearchParameters};
use crate::error::{Error, ErrorCode};
use crate::search::page::Seal;
use crate::search::query::Criterion;
use proptest::prelude::*;

fn compares(name: &str, operator: Operator, value: &str) -> Filter {
    Filter::Compares(Comparison { links: vec![], name: name.to_owned(), operator, value: value.to_owned() })
}

fn a(name: &str) -> Filter {
    compares(name, Operator::Eq, "1")
}

#[test]
fn expressions_are_read_from_left_to_right() {
    for (text, filter) in [
        ("a eq 1", a("a")),
        (" a  eq\t1 ", a("a")),
        ("a eq 1 and b eq 1", Filter::All(vec![a("a"), a("b")])),
        ("a eq 1 or b eq 1 and c eq 1", Filter::All(vec![Filter::Any(vec![a("a"), a("b")]), a("c")])),
        ("a eq 1 or (b eq 1 and c eq 1)", Filter::Any(vec![a("a"), Filter::All(vec![a("b"), a("c")])])),
        ("(a eq 1)", a("a")),
        ("not(a eq 1) and b eq 1", Filter::All(vec![Filter::Not(Box::new(a("a"))), a("b")])),
        ("not (a eq 1 or b eq 1)", Filter::Not(Box::new(Filter::Any(vec![a("a"), a("b")])))),
        (r#"a co "x) and \"y\"\u00e9""#, compares("a", Operator::Co, "x) and \"y\"é")),
        ("a eq http://loinc.org|1234-5", compares("a", Operator::Eq, "http://loinc.org|1234-5")),
        ("not-x eq 1", a("not-x")),
        ("_id eq 1", a("_id")),
    ] {
        assert_eq!(parse(text), Ok(filter), "{text}");
    }
    let Ok(Filter::Compares(comparison)) = parse("related[type eq has].target.name pr false") else {
        panic!()
    };
    let filter = Some(compares("type", Operator::Eq, "has"));
    let plain = Link { name: "target".to_owned(), filter: None };
    assert_eq!(comparison.links, [Link { name: "related".to_owned(), filter }, plain]);
    assert_eq!((comparison.name.as_str(), comparison.operator), ("name", Operator::Pr));
}

#[test]
fn faults_say_where_they_are() {
    for (text, says) in [
        ("", "name of a search parameter is expected, at character 1"),
        ("a", "operator are expected, at character 2"),
        ("a eq", "a value are expected, at character 5"),
        ("a eq ", "a value is expected"),
        ("a is 1", "eq, ne, co"),
        ("a EQ 1", "eq, ne, co"),
        ("a eq 1 b eq 2", "'and', 'or' or the end is expected, at character 8"),
        ("a eq 1 and", "name of a search parameter"),
        ("(a eq 1", "')' is missing"),
        ("a eq 1)", "')' belongs to nothing"),
        ("a[b eq 1] eq 2", "after ']'"),
        ("a[b eq 1", "']' is missing"),
        ("a. eq 1", "name of a search parameter"),
        ("not a eq 1", "eq, ne, co"),
        ("a:b eq 1", "operator are expected"),
        (r#"a eq "x"#, "no '\"' at its end"),
        (r#"a eq "\x""#, "as JSON has it"),
        (r#"a eq "\u0000""#, "control character"),
        ("é eq 1", "name of a search parameter"),
        (&"(".repeat(100_000), "10 deep"),
        (&"a[".repeat(100_000), "10 deep"),
        (&"not(".repeat(100_000), "10 deep"),
        (&vec!["a eq 1"; 51].join(" or "), "50 comparisons"),
    ] {
        let fault = parse(text).unwrap_err().to_string();
        assert!(fault.contains(says), "{text:.40}: {fault}");
    }
}

fn criteria(type_: &str, text: &str) -> Result<Vec<Criterion>, Error> {
    let context = Context {
        parameters: SearchParameters::r4(),
        base: "https://x.example",
        now: Instant(0),
        lenient: false,
        seal: Seal { key: &[0; 32], caller: "" },
        limits: &Limits::DEFAULT,
    };
    super::parse(&context, &Definitions::r4().type_id(type_).into_iter().collect::<Vec<_>>(), text)
}

#[test]
fn filters_become_criteria() {
    for (type_, text, number) in [
        ("Patient", r#"given eq "peter" and birthdate ge 2014-10-10"#, 2),
        ("Patient", "name co pet or name sw pet or name ew pet or name lt pet", 1),
        ("Observation", "code eq http://loinc.org|1234-5 and subject.name co \"peter\"", 2),
        ("Observation", "code eq loinc|1234-5 or code ne snomed|1", 1),
        ("Observation", "value-quantity gt 5.4|ucum|mg and value-quantity eq \"100|ucum|mm[Hg]\"", 2),
        (
            "Observation",
            "date po 2020-01 and date co 2020-01-01 and date ap 2020 and _lastUpdated gt 2020",
            4,
        ),
        ("Observation", "subject re Patient/1 and subject[gender eq male].name pr true", 2),
        ("Observation", "has-member[status eq final].subject[active eq true].organization.name eq x", 1),
        ("Observation", "code-value-quantity eq \"x$gt5\" and not (code pr false)", 2),
        ("RiskAssessment", "probability gt 0.5 and probability ne 0.8", 2),
        ("ValueSet", "url sw http://x or url ne http://y", 1),
        ("Location", "near eq 53.8|-1.5|5|km", 1),
        ("", "_id eq x and _lastUpdated lt 2030 and _tag eq x and _id pr true", 4),
        ("Patient", &vec!["name eq a"; 50].join(" or "), 1),
    ] {
        let found = criteria(type_, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found.len(), number, "{text}");
    }
}

#[test]
fn what_has_no_meaning_is_refused() {
    use ErrorCode::{InvalidParameter, NotSupported, UnknownParameter};
    for (type_, text, code, says) in [
        ("Patient", "nmae eq x", UnknownParameter, "nmae"),
        ("Patient", "general-practitioner.nmae eq x", UnknownParameter, "nmae"),
        ("Condition", "code ss snomed|1", NotSupported, "terminology"),
        ("Condition", "code sb snomed|1", NotSupported, "terminology"),
        ("Condition", "code gt 1", InvalidParameter, "type token; eq, ne"),
        ("Condition", "subject eq Patient/1", InvalidParameter, "re and pr do"),
        ("Patient", "name ap x", InvalidParameter, "type string"),
        ("Patient", "name eq \"  \"", InvalidParameter, "no text"),
        ("Patient", "name eq \"\"", InvalidParameter, "nothing"),
        ("Patient", "birthdate ge gt2010", InvalidParameter, "not a date"),
        ("Patient", "birthdate pr maybe", InvalidParameter, "true"),
        ("Patient", "_id gt 1", InvalidParameter, "_id"),
        ("Patient", "gender.name eq x", InvalidParameter, "not a reference"),
        ("Observation", "value-quantity co 5", InvalidParameter, "type quantity"),
        ("Observation", "value-quantity eq 5|mg", InvalidParameter, "number||unit"),
        ("RiskAssessment", "probability eq high", InvalidParameter, "not a number"),
        ("Patient", "a\u{1} eq 1", InvalidParameter, "control"),
        (
            "Encounter",
            "part-of.part-of.part-of.part-of.part-of.part-of.status eq x",
            InvalidParameter,
            "longest chain",
        ),
    ] {
        let error = criteria(type_, text).expect_err(text);
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
}

proptest! {
    /// Any text is a filter or refused.
    #[test]
    fn no_text_does_harm(text in "\\PC{0,60}") {
        let _ = criteria("Observation", &text);
    }

    /// Texts made of what filters are made of.
    #[test]
    fn no_filter_does_harm(parts in prop::collection::vec(prop::sample::select(vec![
        "code", "subject", "name", "date", "value-quantity", "patient", "_id", ".", "[", "]", "(", ")", " ", " eq ", " re ",
        " co ", " pr ", " ge ", "\"", "\\", "and", " or ", "not", "true", "2020", "5|ucum|mg", "é", "\u{0}", ",", "$", "|",
    ]), 0..40)) {
        for type_ in ["Observation", "Patient", ""] {
            let _ = criteria(type_, &parts.concat());
        }
    }
}
