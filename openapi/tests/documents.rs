//! What holds for every document: references lead somewhere, operations have names of their own.
#![expect(clippy::unwrap_used, reason = "tests")]

use domain::conformance::registry::{Level, ResourceType, Route};
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

/// How many operations the Registry gives a type.
fn operations_of(type_: &ResourceType) -> usize {
    let of_type = |route: &&Route| match route.interaction.level() {
        Level::System => false,
        Level::Compartment => type_.has_compartment() && route.is_for(type_.name),
        Level::Type | Level::Instance => route.is_for(type_.name),
    };
    Registry::r4().routes().iter().filter(of_type).count()
}

#[test]
fn a_document_of_one_type_is_complete_in_itself() {
    for type_ in Registry::r4().types() {
        let document = built(&Extent::Types(vec![type_]));
        assert_eq!(check(&document), operations_of(type_), "{}", type_.name);
        check_segments(&document);
    }
}

#[test]
fn the_whole_document_has_every_route() {
    let registry = Registry::r4();
    let of_types: usize = registry.types().iter().map(operations_of).sum();
    let of_system = registry.routes_of(Level::System).count();
    let document = built(&Extent::Everything);
    assert_eq!(check(&document), of_types + of_system + registry.services().len());
    check_segments(&document);
}

/// Whoever makes addresses from the document makes none that cannot be: each segment says what it may be.
fn check_segments(document: &Value) {
    let parameters = document.pointer("/components/parameters").unwrap().as_object().unwrap().values();
    for parameter in parameters.filter(|parameter| parameter["in"] == "path") {
        let schema = &parameter["schema"];
        let held = schema["pattern"].is_string() || schema["minimum"].is_number();
        assert!(held, "{parameter}");
    }
}
