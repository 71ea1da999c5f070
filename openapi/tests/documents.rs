//! What holds for every document: references lead somewhere, operations have names of their own.
#![expect(clippy::unwrap_used, reason = "tests")]

use domain::conformance::{Registry, SearchParameters};
use openapi::{Depth, Extent, Installation};
use serde_json::Value;
use std::collections::BTreeSet;

fn built(extent: &Extent<'_>) -> Value {
    let installation = Installation {
        public_url: "http://127.0.0.1:8080",
        base_path: "/FHIR/R4",
        version: "0",
        tokens: true,
    };
    serde_json::to_value(openapi::build(
        Registry::r4(),
        SearchParameters::r4(),
        &installation,
        extent,
        Depth::Full,
    ))
    .unwrap()
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn check(document: &Value) -> usize {
    let mut found = BTreeSet::new();
    references(document, &mut found);
    assert!(found.len() > 40, "{} references", found.len());
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.values().flat_map(|item| item.as_object().unwrap().values());
    let ids: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an operationId stands twice");
    ids.len()
}

#[test]
fn a_document_of_one_type_is_complete_in_itself() {
    for (name, operations) in [("Patient", 17), ("CarePlan", 13), ("Consent", 13)] {
        let type_ = Registry::r4().resource_type(name).unwrap();
        assert_eq!(check(&built(&Extent::Types(vec![type_]))), operations);
    }
}

#[test]
fn the_whole_document_has_every_type() {
    assert!(check(&built(&Extent::Everything)) >= 145 * 13);
}
