//! Index extraction over HL7's R4 examples: what representative parameters find, and that nothing makes it panic.
#![expect(clippy::unwrap_used, reason = "tests")]

use domain::conformance::{Definitions, SearchParameters};
use domain::index::contained::parameter;
use domain::index::hash::{resource_key, text_key};
use domain::index::{Facet, IndexValue, Indexed, Part, extract};
use domain::resource::json::Json;
use std::collections::BTreeMap;

const BASE: &str = "https://x.example/FHIR/R4";

/// HL7's examples, by file name; `None` where the reference data are said to be missing.
fn examples() -> Option<BTreeMap<String, Vec<u8>>> {
    let files = tests::published::json_files("r4-examples.tar.zst")?;
    let named =
        |(path, text): (String, Vec<u8>)| (path.rsplit('/').next().unwrap_or_default().to_owned(), text);
    Some(files.into_iter().map(named).collect())
}

fn extracted(text: &str) -> Indexed {
    let tree = Json::parse(text.as_bytes()).unwrap();
    let definitions = Definitions::r4();
    extract(SearchParameters::r4(), definitions.type_id(tree.resource_type().unwrap()).unwrap(), &tree, BASE)
}

/// The rows of `code` of `type_` in `facet`.
fn rows(indexed: &Indexed, type_: &str, code: &str, facet: Facet) -> Vec<IndexValue> {
    let definitions = Definitions::r4();
    let parameter = definitions.parameter(definitions.type_id(type_).unwrap(), code).unwrap().id;
    let own = indexed.entries.iter().filter(|entry| entry.part == Part::Itself);
    let of = own.filter(|entry| entry.parameter == parameter && entry.facet == facet);
    of.map(|entry| entry.value.clone()).collect()
}

fn token(system: &str, code: &str) -> IndexValue {
    let key = |text: &str| if text.is_empty() { 0 } else { text_key(text) };
    let code = &code.to_lowercase();
    IndexValue::Token { code: key(code), system: key(system), text: code.clone() }
}

/// A token that is never sorted by.
fn unsorted(system: &str, code: &str) -> IndexValue {
    IndexValue::Token { code: text_key(&code.to_lowercase()), system: text_key(system), text: String::new() }
}

fn string(folded: &str, exact: &str) -> IndexValue {
    IndexValue::String { folded: folded.to_owned(), exact: exact.to_owned() }
}

fn local(type_: &str, id: &str) -> IndexValue {
    let target_type = Definitions::r4().type_id(type_);
    IndexValue::Reference {
        target_type,
        target: resource_key(type_, id),
        version: String::new(),
        text: String::new(),
    }
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","active":true,"gender":"female","birthDate":"1970-01",
    "meta":{"tag":[{"system":"t","code":"x"}],"profile":["http://p|2"],"source":"urn:s"},
    "identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9000000009",
        "type":{"text":"NHS","coding":[{"system":"s","code":"NH"}]}}],
    "name":[{"family":"Ó Sé","given":["Ann","Bea"]}],
    "telecom":[{"system":"phone","value":"0113"},{"system":"email","value":"a@b"}],
    "address":[{"city":"Leeds","postalCode":"LS1 1UR"}],
    "generalPractitioner":[{"reference":"https://x.example/FHIR/R4/Practitioner/g/_history/3"},
        {"identifier":{"system":"s","value":"v"}}],
    "link":[{"other":{"reference":"Patient/q"},"type":"seealso"}]}"#;

#[test]
fn a_patient_is_found_by() {
    let found = extracted(PATIENT);
    let value = |code| rows(&found, "Patient", code, Facet::Value);
    let cases: &[(&str, Vec<IndexValue>)] = &[
        ("active", vec![token("", "true")]),
        ("gender", vec![token("http://hl7.org/fhir/administrative-gender", "female")]),
        ("birthdate", vec![IndexValue::Date { lo: 0, hi: 31 * 86_400_000_000 }]),
        ("deceased", vec![token("", "false")]),
        ("identifier", vec![token("https://fhir.nhs.uk/Id/nhs-number", "9000000009")]),
        ("name", vec![string("o se", "Ó Sé"), string("ann", "Ann"), string("bea", "Bea")]),
        ("family", vec![string("o se", "Ó Sé")]),
        ("given", vec![string("ann", "Ann"), string("bea", "Bea")]),
        ("phone", vec![token("", "0113")]),
        ("email", vec![token("", "a@b")]),
        ("telecom", vec![token("", "0113"), token("", "a@b")]),
        ("address", vec![string("leeds", "Leeds"), string("ls1 1ur", "LS1 1UR")]),
        ("address-postalcode", vec![string("ls1 1ur", "LS1 1UR")]),
        ("link", vec![local("Patient", "q")]),
        ("_tag", vec![token("t", "x")]),
        ("_source", vec![IndexValue::Uri { value: "urn:s".to_owned(), version: String::new() }]),
        ("_profile", vec![IndexValue::Uri { value: "http://p".to_owned(), version: "2".to_owned() }]),
        ("death-date", vec![]),
        ("organization", vec![]),
    ];
    for (code, expected) in cases {
        assert_eq!(&value(code), expected, "{code}");
    }
    assert_eq!(rows(&found, "Patient", "identifier", Facet::OfType), [unsorted("s", "NH|9000000009")]);
    assert_eq!(rows(&found, "Patient", "identifier", Facet::Text), [string("nhs", "NHS")]);
    assert_eq!(rows(&found, "Patient", "general-practitioner", Facet::Identifier), [unsorted("s", "v")]);
    let practitioner = value("general-practitioner");
    assert!(matches!(&practitioner[0], IndexValue::Reference { target, version, .. }
        if *target == resource_key("Practitioner", "g") && version == "3"));
    // A Patient is in its own compartment alone, whomever it links to.
    assert_eq!(found.patients, [resource_key("Patient", "p")]);
}

const OBSERVATION: &str = r##"{"resourceType":"Observation","id":"o","status":"final",
    "contained":[{"resourceType":"Patient","id":"c","gender":"male"}],
    "code":{"text":"Blood pressure","coding":[{"system":"http://loinc.org","code":"85354-9","display":"BP panel"}]},
    "subject":{"reference":"Patient/p"},"performer":[{"reference":"https://other.example/Patient/z"},{"reference":"#c"}],
    "effectivePeriod":{"start":"1970-01-01","end":"1970-01-01"},
    "component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},
        "valueQuantity":{"value":107.5,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}"##;

#[test]
fn an_observation_is_found_by() {
    let found = extracted(OBSERVATION);
    let value = |code| rows(&found, "Observation", code, Facet::Value);
    let day = IndexValue::Date { lo: 0, hi: 86_400_000_000 };
    assert_eq!(value("code"), [token("http://loinc.org", "85354-9")]);
    assert_eq!(value("combo-code").len(), 2);
    assert_eq!(value("date"), [day]);
    assert_eq!(value("subject"), [local("Patient", "p")]);
    assert_eq!(value("patient"), [local("Patient", "p")]);
    assert_eq!(value("status"), [token("http://hl7.org/fhir/observation-status", "final")]);
    let text = rows(&found, "Observation", "code", Facet::Text);
    assert_eq!(text, [string("bp panel", "BP panel"), string("blood pressure", "Blood pressure")]);
    // Written with unit and code that differ: a row for each.
    let quantities = value("component-value-quantity");
    assert_eq!(quantities.len(), 2);
    assert!(matches!(&quantities[0], IndexValue::Quantity(q)
        if q.lo.to_bits() == 107.5_f64.to_bits() && q.code == text_key("http://unitsofmeasure.org|mm[Hg]") && q.unit == text_key("mmHg")));
    assert_eq!(value("component-code-value-quantity").len(), 2);
    assert_eq!(value("code-value-quantity"), []);
    let definitions = Definitions::r4();
    let gender = definitions.parameter(definitions.type_id("Patient").unwrap(), "gender").unwrap().id;
    let inner: Vec<_> = found.entries.iter().filter(|entry| entry.parameter == gender).collect();
    assert_eq!(inner.iter().map(|entry| entry.part).collect::<Vec<_>>(), [Part::Any, Part::Nth(1)]);
    assert!(
        inner.iter().all(|entry| entry.value == token("http://hl7.org/fhir/administrative-gender", "male"))
    );
    let listed = found.entries.iter().find(|entry| Some(entry.parameter) == parameter()).unwrap();
    assert!(
        matches!(&listed.value, IndexValue::Token { code, system: 1, .. } if *code == text_key("Patient"))
    );
    // Neither the other server's Patient nor the contained one has it in its compartment.
    assert_eq!(found.patients, [resource_key("Patient", "p")]);
}

#[test]
fn no_example_panics_and_nearly_all_are_found_by_something() {
    let definitions = Definitions::r4();
    let mut parameters = std::collections::BTreeSet::new();
    let Some(files) = examples() else { return };
    let mut by_nothing = Vec::new();
    for (name, text) in &files {
        let Ok(tree) = Json::parse(text) else { continue };
        let Some(type_) = tree.resource_type().and_then(|name| definitions.type_id(name)) else { continue };
        let found = extract(SearchParameters::r4(), type_, &tree, BASE);
        parameters.extend(found.entries.iter().map(|entry| entry.parameter));
        if found.entries.is_empty() {
            by_nothing.push(name);
        }
        // The same with every value in turn replaced by one of another kind.
        for wrong in [r#"{"value":[]}"#, "[[1]]", "null", "\"#\"", "-1e9"] {
            let mutated = replace_strings(&tree, &Json::parse(wrong.as_bytes()).unwrap());
            extract(SearchParameters::r4(), type_, &mutated, BASE);
        }
    }
    assert!(by_nothing.len() * 20 <= files.len(), "{by_nothing:?}");
    assert!(parameters.len() > 600, "{} parameters found something", parameters.len());
}

/// A copy in which every second leaf and every third array is `by`.
fn replace_strings<'a>(tree: &Json<'a>, by: &Json<'a>) -> Json<'a> {
    fn go<'a>(tree: &Json<'a>, by: &Json<'a>, count: &mut usize) -> Json<'a> {
        *count += 1;
        match tree {
            Json::Array(_) if count.is_multiple_of(3) => by.clone(),
            Json::Array(items) => Json::Array(items.iter().map(|item| go(item, by, count)).collect()),
            Json::Object(object) => {
                let mut copy = domain::resource::json::Object::new();
                for (name, value) in object.iter() {
                    copy.push(name.to_owned(), go(value, by, count));
                }
                Json::Object(copy)
            }
            leaf if count.is_multiple_of(2) => leaf.clone(),
            _ => by.clone(),
        }
    }
    go(tree, by, &mut 0)
}
