//! What CapabilityStatement and OpenAPI list can be searched, and what they do not list cannot
//! (`FHIR R4 capabilitystatement.html`, `search.html#conformance`).

use crate::http::Http;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A parameter as the CapabilityStatement lists it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    name: String,
    kind: String,
    definition: String,
}

/// The parameters of every type, the common ones among them.
fn listed(http: &Http) -> BTreeMap<String, BTreeSet<Listed>> {
    let statement = http.get("metadata").expect(200).json();
    let rest = &statement["rest"][0];
    let parameters = |from: &Value| -> BTreeSet<Listed> {
        let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let all = from["searchParam"].as_array().expect("search parameters").iter();
        all.map(|one| {
            assert!(text(one, "definition").starts_with("http"), "no definition: {one}");
            assert!(text(one, "documentation").len() > 3, "no documentation: {one}");
            Listed { name: text(one, "name"), kind: text(one, "type"), definition: text(one, "definition") }
        })
        .collect()
    };
    let common = parameters(rest);
    let types = rest["resource"].as_array().expect("types").iter();
    types
        .map(|type_| {
            let own = if type_["searchParam"].is_array() { parameters(type_) } else { BTreeSet::new() };
            (type_["type"].as_str().expect("a type").to_owned(), own.union(&common).cloned().collect())
        })
        .collect()
}

/// A value that a parameter takes: `2020` is a number, a date, a code, an id and a text. Of a composite's components
/// only the number is not known.
fn values(parameter: &Listed) -> Vec<&'static str> {
    match (parameter.name.as_str(), parameter.kind.as_str()) {
        ("_filter", _) => vec!["_id%20eq%20x"],
        (_, "composite") => vec!["2020$2020", "2020$2020$2020"],
        (_, "special") => vec!["51.5|-0.1", "a"],
        _ => vec!["2020"],
    }
}

on_both! {
    fn every_listed_parameter_can_be_searched(server: &Server) {
        let http = server.http();
        let mut asked = 0;
        let mut wrong = Vec::new();
        for (type_, parameters) in listed(http) {
            for parameter in &parameters {
                let urls: Vec<String> = values(parameter)
                    .into_iter()
                    .map(|value| format!("{type_}?{}={value}&_count=1", parameter.name))
                    .collect();
                asked += 1;
                if !urls.iter().any(|url| http.get(url).status == 200) {
                    wrong.push(http.get(&urls[0]).to_string());
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(asked > 2400, "{asked}");
    }
}

on_both! {
    fn what_is_not_listed_is_refused(server: &Server) {
        let http = server.http();
        let all = listed(http);
        let names: BTreeSet<&str> =
            all.values().flatten().map(|parameter| parameter.name.as_str()).collect();
        for (number, (type_, own)) in all.iter().enumerate() {
            let foreign: Vec<&&str> =
                names.iter().filter(|name| !own.iter().any(|parameter| parameter.name == **name)).collect();
            for step in 0..5 {
                let name = foreign[(number * 37 + step * 151) % foreign.len()];
                http.get(&format!("{type_}?{name}=2020")).expect_error(400);
            }
            http.get(&format!("{type_}?_query=2020")).expect_error(400);
        }
    }
}

on_both! {
    fn the_openapi_document_lists_the_same(server: &Server) {
        let http = server.http();
        for (type_, parameters) in
            listed(http).into_iter().filter(|(type_, _)| ["Observation", "Location", "Group"].contains(&type_.as_str()))
        {
            let document = http.get(&format!("/openapi/{type_}.json")).expect(200).json();
            let operation = &document["paths"][format!("/FHIR/R4/{type_}")]["get"];
            let named: BTreeSet<String> = operation["parameters"].as_array().expect("parameters").iter().map(|one| {
                let component = one["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
                let one = component.map_or(one, |pointer| document.pointer(pointer).expect("a component"));
                one["name"].as_str().expect("a name").to_owned()
            }).collect();
            for parameter in parameters {
                assert!(named.contains(&parameter.name), "{type_} {}: {named:?}", parameter.name);
            }
        }
    }
}
