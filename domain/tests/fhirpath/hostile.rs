//! Expressions that mean harm, or nothing: each ends, soon, in a result or a fault.

use domain::clock::Instant;
use domain::conformance::Definitions;
use domain::fhirpath::{Context, Expression, FaultKind, Item, Node};
use domain::resource::json::Json;
use std::time::{Duration, Instant as Watch};

const PATIENT: &str = r##"{"resourceType":"Patient","id":"a","active":true,"birthDate":"1974-12-25",
    "_birthDate":{"extension":[{"url":"u","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
    "contained":[{"resourceType":"Organization","id":"o","name":"x"}],"managingOrganization":{"reference":"#o"},
    "name":[{"use":"official","family":"Chalmers","given":["Peter","James"]},{"given":["Jim"]}],
    "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
    "deceasedBoolean":false,"multipleBirthInteger":2}"##;

/// What `text` gives of a patient, within a budget.
fn run(text: &str, budget: usize) -> Result<usize, FaultKind> {
    let tree = Json::parse(PATIENT.as_bytes()).unwrap();
    let mut context = Context::of(&tree, Instant(0));
    context.budget = budget;
    let expression = Expression::compile(text).map_err(|fault| fault.kind)?;
    let _ = expression.check("Patient");
    let focus = Item::Node(Node::resource(&tree).unwrap());
    let _ = expression.owners(&context, focus.clone());
    let _ = expression.holds(&context, focus.clone());
    expression.evaluate(&context, focus).map(|items| items.len()).map_err(|fault| fault.kind)
}

#[test]
fn what_would_take_too_much_is_refused_soon() {
    let started = Watch::now();
    let nested = |open: &str, close: &str, times| format!("{}1{}", open.repeat(times), close.repeat(times));
    for text in [
        nested("(", ")", 5000),
        nested("-", "", 16_000),
        nested("iif(true,", ")", 1000),
        nested("name.where(", ")", 1000),
        nested("1[", "]", 3000),
        format!("1{}", " + 1".repeat(3000)),
        format!("1{}", " is Integer".repeat(1000)),
        format!("1{}", " and (1".repeat(1000)),
        "a".repeat(20_000),
        "1.repeat($this + 1)".into(),
        "(1|2|3|4|5|6|7|8|9).repeat($this | $this + 10)".into(),
        "'aaaaaaaaaaaaaaaa'.toChars().aggregate($total & $total & $total & $total, 'aaaaaaaaaaaaaaaa')"
            .into(),
        "'aaaaaaaaaaaaaaaa'.toChars().aggregate($total.replace('a', 'aaaaaaaaaaaaaaaa'), 'a')".into(),
        "'aaaaaaaaaaaaaaaa'.toChars().aggregate($total.replaceMatches('(.*)', '$1$1$1$1$1$1$1$1'), 'a')"
            .into(),
        "'aaaaaaaaaaaaaaaa'.toChars().aggregate($total.combine($total).combine($total), 1|2|3)".into(),
        "'aaaaaaaaaaaaaaaa'.toChars().aggregate($total.escape('html'), '&&&&&&&&').repeat($this & 'x')"
            .into(),
    ] {
        let shown: String = text.chars().take(60).collect();
        let fault = run(&text, domain::fhirpath::BUDGET).unwrap_err();
        assert!(matches!(fault, FaultKind::Limit | FaultKind::Semantic), "{shown}: {fault:?}");
    }
    for pattern in ["(a*)*b", "((a{1,100}){1,100}){1,100}", "(?=x)", "[", "a{99999}"] {
        let _ = run(&format!("'{}'.matches('{pattern}')", "a".repeat(5000)), domain::fhirpath::BUDGET);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn the_deepest_expression_fits_a_small_stack() {
    let deep = |text: String| {
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(move || run(&text, 100_000));
        thread.unwrap().join().unwrap()
    };
    assert_eq!(deep(format!("{}true{}", "iif(true,".repeat(50), ")".repeat(50))), Ok(1));
    assert_eq!(deep(format!("{}{}", "name.exists(".repeat(45), "true".to_owned() + &")".repeat(45))), Ok(1));
    assert_eq!(deep(format!("1{}", " + 1".repeat(97))), Ok(1));
    assert_eq!(deep(format!("{}1", "-".repeat(58))), Ok(1));
}

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

#[test]
fn no_mutation_of_real_expressions_panics() {
    let mut seeds: Vec<String> =
        Definitions::r4().parameters().iter().map(|parameter| parameter.expression.to_string()).collect();
    if let Some(files) = tests::published::json_files("fhirpath-tests") {
        let (_, text) = files.iter().find(|(path, _)| path.ends_with("tests-fhir-r4.json")).unwrap();
        let suite = Json::parse(text).unwrap();
        seeds.extend(
            suite.each().iter().map(|case| case.get("expression").unwrap().as_str().unwrap().to_owned()),
        );
    }
    let mut dice = Dice(42);
    let parts = [
        "(",
        ")",
        "[",
        "]",
        "{}",
        ".",
        ",",
        "'",
        "`",
        "@",
        "%",
        "$this",
        "$total",
        "|",
        "-",
        "\\u",
        "é",
        "/*",
        "9999999999",
        "0.00000000000000000000000000001",
        " is ",
        " as ",
        " div 0",
        "@9999-12-31",
        "@0001",
        "'wk'",
        ".first()",
        ".sort()",
        ".lowBoundary(",
        ".descendants()",
        ".children()",
        ".type()",
        ".toQuantity()",
        ".resolve()",
        " - 1 year",
        "2147483647",
    ];
    for _ in 0..20_000 {
        let mut text: Vec<char> = seeds.get(dice.roll(seeds.len())).unwrap().chars().collect();
        for _ in 0..=dice.roll(4) {
            let at = dice.roll(text.len() + 1);
            match dice.roll(4) {
                0 => drop(text.splice(at..at, parts.get(dice.roll(parts.len())).unwrap().chars())),
                1 => drop(text.drain(at..(at + dice.roll(6)).min(text.len()))),
                2 => {
                    let other: Vec<char> = seeds.get(dice.roll(seeds.len())).unwrap().chars().collect();
                    let from = dice.roll(other.len());
                    text.splice(at..at, other.into_iter().skip(from).take(20));
                }
                _ => {
                    if let Some(c) = text.get_mut(at) {
                        *c = char::from(u8::try_from(32 + dice.roll(95)).unwrap());
                    }
                }
            }
        }
        let text: String = text.into_iter().collect();
        let _ = run(&text, 20_000);
    }
}

#[test]
fn every_expression_of_r4s_search_parameters_compiles_and_names_real_elements() {
    for parameter in
        Definitions::r4().parameters().iter().filter(|parameter| !parameter.expression.is_empty())
    {
        let expression = Expression::compile(&parameter.expression)
            .unwrap_or_else(|fault| panic!("{} {}: {fault}", parameter.base, parameter.expression));
        if Definitions::r4().type_id(parameter.base).is_some() {
            let checked = expression.check(parameter.base);
            assert_eq!(checked, Ok(()), "{} {}", parameter.base, parameter.expression);
        }
    }
}
