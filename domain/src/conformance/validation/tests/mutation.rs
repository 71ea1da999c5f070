//! Mutated and random bodies: nothing panics, and what the typed model refuses the table check refuses too.

use super::{on_deep_stack, report};
use crate::conformance::validation::{ValidationSettings, typed_gate, validate};
use crate::conformance::{Definitions, SearchParameters};
use crate::resource::json::Json;

const SEEDS: [&str; 3] = [
    r##"{"resourceType":"Patient","id":"a","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},"contained":[{"resourceType":"Organization","id":"o","name":"x"}],"managingOrganization":{"reference":"#o"},"name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"urn:x","valueCode":"y"}]}]}],"birthDate":"1990-02-03","deceasedBoolean":false,"multipleBirthInteger":2}"##,
    r#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-8"}]},"valueQuantity":{"value":1.10,"unit":"kg"},"component":[{"code":{"text":"x"},"valueDateTime":"2020-01-01T10:00:00Z"}]}"#,
    r#"{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Basic","code":{"text":"x"}}}]}"#,
];

/// Values put in the place of others, or under their keys.
const VALUES: [&str; 14] = [
    "null",
    "true",
    "0",
    "-1",
    "1e400",
    "1.50",
    "\"\"",
    "\"x\"",
    "\" \"",
    "[]",
    "{}",
    "[null]",
    "[[\"x\"]]",
    "{\"resourceType\":\"Patient\"}",
];

/// Replaces the `at`-th value (in document order) by `with`.
fn replace(tree: &mut Json<'_>, at: &mut usize, with: &Json<'static>) {
    if *at == 0 {
        *tree = with.clone();
        *at = usize::MAX;
        return;
    }
    *at -= 1;
    match tree {
        Json::Array(items) => items.iter_mut().for_each(|item| step(item, at, with)),
        Json::Object(object) => object.iter_mut().for_each(|(_, member)| step(member, at, with)),
        _ => {}
    }
}

fn step(tree: &mut Json<'_>, at: &mut usize, with: &Json<'static>) {
    if *at != usize::MAX {
        replace(tree, at, with);
    }
}

#[test]
fn what_the_typed_model_refuses_the_table_check_refuses() {
    on_deep_stack(|| {
        for seed in SEEDS {
            assert!(report(seed).faults.is_empty(), "{seed}: {:?}", report(seed).faults);
            for place in 1..60 {
                for value in VALUES {
                    let mut tree = Json::parse(seed.as_bytes()).unwrap();
                    replace(&mut tree, &mut place.clone(), &Json::parse(value.as_bytes()).unwrap());
                    let text = String::from_utf8(tree.to_vec()).unwrap();
                    if report(&text).faults.is_empty() {
                        assert_eq!(typed_gate(text.as_bytes()), Ok(()), "{text}");
                    }
                }
            }
        }
    });
}

/// Bodies read unless `BINNACLE_BODIES` says otherwise.
const BODIES: usize = 20_000;

#[test]
fn random_bodies_are_read_or_refused() {
    let number =
        |name: &str, default: usize| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let mut storm = tests::storm::Storm::new(number("BINNACLE_SEED", 1) as u64);
    let (mut parsed, mut accepted) = (0, 0);
    for _ in 0..number("BINNACLE_BODIES", BODIES) {
        let body = storm.body();
        let Ok(tree) = Json::parse(&body) else { continue };
        parsed += 1;
        let found = validate(Definitions::r4(), &tree, None, &ValidationSettings::default());
        assert!(found.faults.len() <= 100);
        // What is written is read as the same again.
        assert_eq!(Json::parse(&tree.to_vec()).unwrap(), tree);
        if found.faults.is_empty() {
            accepted += 1;
            let type_ = Definitions::r4().type_id(tree.resource_type().unwrap()).unwrap();
            crate::index::extract(SearchParameters::r4(), type_, &tree, "https://x.example/FHIR/R4");
        }
    }
    println!("{parsed} were JSON, {accepted} valid");
    assert!(parsed > 0 && accepted > 0);
}
