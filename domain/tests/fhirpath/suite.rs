//! HL7's suite, case by case.

use domain::clock::Instant;
use domain::fhirpath::{Context, Expression, Item, Node, Value};
use domain::resource::json::Json;
use std::collections::BTreeMap;

/// Cases that are not passed: name, expression, reason.
const EXCEPTIONS: &str = include_str!("exceptions.tsv");

/// 2026-11-25T12:00:00Z
const NOW: Instant = Instant(1_795_608_000_000_000);

struct Case<'a> {
    name: &'a str,
    expression: &'a str,
    input: Option<&'a str>,
    strict: bool,
    predicate: bool,
    invalid: bool,
    outputs: Vec<(Option<&'a str>, String)>,
}

fn case<'a>(json: &'a Json<'a>) -> Case<'a> {
    let str = |name| json.get(name).and_then(Json::as_str);
    let output = |output: &'a Json<'a>| {
        let value = output.get("value").and_then(Json::as_str).unwrap_or_default().to_owned();
        (output.get("type").and_then(Json::as_str), value)
    };
    Case {
        name: str("name").unwrap(),
        expression: str("expression").unwrap(),
        input: str("input").filter(|name| !name.is_empty()),
        strict: str("mode") == Some("strict"),
        predicate: json.get("predicate") == Some(&Json::Bool(true)),
        invalid: str("invalid").is_some(),
        outputs: json.get("outputs").unwrap().each().iter().map(output).collect(),
    }
}

/// Type and value of an item, as the suite writes them.
fn shown(item: &Item<'_>) -> (String, String) {
    let sign = |value: &Value<'_>| {
        if matches!(value, Value::Date(_) | Value::DateTime(_) | Value::Time(_)) { "@" } else { "" }
    };
    let time = |value: &Value<'_>| if matches!(value, Value::Time(_)) { "T" } else { "" };
    let value =
        item.value().map(|value| format!("{}{}{value}", sign(&value), time(&value))).unwrap_or_default();
    let type_ = match item {
        Item::Value(Value::Quantity(_)) => "Quantity".to_owned(),
        item => {
            let name = item.type_name();
            name.chars().take(1).flat_map(char::to_lowercase).chain(name.chars().skip(1)).collect()
        }
    };
    (type_, value)
}

/// Why a case fails, `None` if it passes.
fn failure(case: &Case<'_>, inputs: &BTreeMap<String, Vec<u8>>) -> Option<String> {
    let text = case.input.map_or(&b"{\"resourceType\":\"Basic\"}"[..], |name| inputs.get(name).unwrap());
    let tree = Json::parse(text).unwrap();
    let context = Context::of(&tree, NOW);
    let focus = Node::resource(&tree).unwrap();
    let result = Expression::compile(case.expression).and_then(|expression| {
        if case.strict {
            expression.check(focus.shape.name)?;
        }
        expression.evaluate(&context, Item::Node(focus))
    });
    let items = match (result, case.invalid) {
        (Err(_), true) => return None,
        (Err(fault), false) => return Some(format!("it is refused: {fault}")),
        (Ok(items), true) => {
            return Some(format!(
                "it is not refused, but gives {:?}",
                items.iter().map(shown).collect::<Vec<_>>()
            ));
        }
        (Ok(items), false) => items,
    };
    let found: Vec<(String, String)> = if case.predicate {
        vec![("boolean".into(), (!items.is_empty()).to_string())]
    } else {
        items.iter().map(shown).collect()
    };
    let same = found.len() == case.outputs.len()
        && found.iter().zip(&case.outputs).all(|((type_, value), (wanted, text))| {
            value == text && wanted.is_none_or(|wanted| wanted == type_)
        });
    (!same).then(|| format!("gives {found:?}, not {:?}", case.outputs))
}

#[test]
fn hl7s_r4_suite_passes_but_for_the_listed_exceptions() {
    let Some(files) = tests::published::json_files("fhirpath-tests") else { return };
    let inputs: BTreeMap<String, Vec<u8>> = files
        .into_iter()
        .map(|(path, text)| (path.rsplit('/').next().unwrap_or_default().to_owned(), text))
        .collect();
    let text = inputs.get("tests-fhir-r4.json").unwrap();
    let suite = Json::parse(text).unwrap();
    let excepted: Vec<(&str, &str)> = EXCEPTIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut cells = line.split('\t');
            let (name, expression, reason) =
                (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
            assert!(!reason.is_empty(), "{name}");
            (name, expression)
        })
        .collect();
    let (mut unlisted, mut passed, mut met) = (Vec::new(), Vec::new(), 0);
    let cases = suite.each();
    assert!(cases.len() > 900);
    for case in cases.iter().map(case) {
        let listed = excepted.contains(&(case.name, case.expression));
        met += usize::from(listed);
        match failure(&case, &inputs) {
            Some(why) if !listed => unlisted.push(format!("{}: {}\n    {why}", case.name, case.expression)),
            None if listed => passed.push(case.name),
            _ => {}
        }
    }
    assert!(unlisted.is_empty(), "{} of {} fail:\n{}", unlisted.len(), cases.len(), unlisted.join("\n"));
    assert!(passed.is_empty(), "listed as exceptions, but they pass: {passed:?}");
    assert_eq!(met, excepted.len(), "an exception names no case");
}
