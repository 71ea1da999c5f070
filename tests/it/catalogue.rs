//! `docs/errors.md`: every failure in it can be had, here or in the test that is named for it, and nothing else is answered.

use crate::architecture::workspace;
use crate::http::reference;
use crate::server::unique;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Status and code of a failure.
type Failure = (u16, String);

/// Failures that need a server or a caller of their own, and the test that has them.
const ELSEWHERE: &[(u16, &str, &str)] = &[
    (400, "INVALID_REQUEST", "load/malformed.rs"),
    (401, "ACCESS_DENIED", "load/every_answer.rs"),
    (403, "ACCESS_DENIED", "load/every_answer.rs"),
    (408, "REQUEST_TIMEOUT", "durability/slow.rs"),
    (400, "BEING_INDEXED", "search_parameter/life.rs"),
    (413, "TOO_LARGE", "load/size.rs"),
    (429, "TOO_MANY_REQUESTS", "commands/settings.rs"),
    (431, "TOO_LARGE", "load/malformed.rs"),
    (503, "SERVICE_UNAVAILABLE", "load/crowd.rs"),
    (504, "TIMEOUT", "load/crowd.rs"),
    (507, "SERVICE_UNAVAILABLE", "durability/disk.rs"),
];

/// Failures that no request can bring about: a fault of the server itself, which would be mended.
const UNREACHABLE: &[(u16, &str)] = &[(500, "INTERNAL_SERVER_ERROR")];

/// The rows of the catalogue.
fn catalogue() -> BTreeSet<Failure> {
    let page = std::fs::read_to_string(workspace().join("docs/errors.md")).expect("docs/errors.md");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        Some((cells.get(1)?.parse().ok()?, (*cells.get(3)?).to_owned()))
    };
    page.lines().filter_map(row).collect()
}

#[test]
fn what_is_had_elsewhere_is_asked_for_there() {
    for (status, code, file) in ELSEWHERE {
        let text = std::fs::read_to_string(workspace().join("tests/it").join(file)).expect(file);
        assert!(text.contains(&status.to_string()), "{file} asks for no {status} {code}");
    }
}

/// Method, address, headers and body of a request.
type Asked<'a> = (Method, &'a str, &'a [(&'a str, &'a str)], Value);

/// Requests that fail, each in another way.
fn failing(server: &crate::server::Server) -> BTreeSet<Failure> {
    let http = server.http();
    let mark = unique("catalogue");
    let person = json!({ "resourceType": "Patient", "identifier": [{ "value": mark }] });
    let one = reference(&http.create(&person));
    http.create(&person);
    let gone = reference(&http.create(&json!({ "resourceType": "Patient" })));
    http.delete(&gone).expect(204);
    let mut taken = person.clone();
    taken["id"] = json!(one.strip_prefix("Patient/"));
    let with = |name: &str, value: Value| json!({ "resourceType": "Patient", name: value });
    let bundle =
        |entries: Value| json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    let put = json!({ "resource": taken, "request": { "method": "PUT", "url": one } });
    let about = json!({ "resource": { "resourceType": "Basic", "code": { "text": "x" }, "subject": { "reference": format!("Patient?identifier=no{mark}") } },
        "request": { "method": "POST", "url": "Basic" } });
    let inner = json!({ "resource": bundle(json!([put])), "request": { "method": "POST", "url": "/" } });
    let patch = json!([{ "op": "remove", "path": "/nothing" }]);
    let nhs = json!([{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "1" }]);
    let base = http.base();
    let long = format!("Patient?name={}", "a".repeat(17_000));
    let many = format!("Patient?identifier={mark}");
    let json_patch = [("Content-Type", "application/json-patch+json")];
    let none: &[(&str, &str)] = &[];
    let asked: Vec<Asked<'_>> = vec![
        (Method::POST, "Patient", none, json!("no object")),
        (Method::POST, "Patient", none, with("potato", json!(1))),
        (
            Method::POST,
            "Observation",
            none,
            json!({ "resourceType": "Observation", "code": { "text": "x" } }),
        ),
        (Method::POST, "Patient", none, with("birthDate", json!("2024-02-30"))),
        (Method::POST, "Patient", none, with("gender", json!("x"))),
        (Method::GET, "Patient?birthdate=never", none, Value::Null),
        (Method::DELETE, &one, &[("If-Match", "x")], Value::Null),
        (Method::GET, "Patient?potato=1", none, Value::Null),
        (Method::POST, &base, none, bundle(json!([inner]))),
        (Method::POST, &base, none, bundle(json!([put, put]))),
        (Method::GET, "Potato", none, Value::Null),
        (Method::GET, "/nowhere", none, Value::Null),
        (Method::GET, "Patient/nobody", none, Value::Null),
        (Method::DELETE, "metadata", none, Value::Null),
        (Method::GET, "metadata", &[("Accept", "image/png")], Value::Null),
        (Method::PUT, "Patient?identifier=none", none, taken.clone()),
        (Method::GET, &gone, none, Value::Null),
        (Method::DELETE, &one, &[("If-Match", "W/\"7\"")], Value::Null),
        (Method::DELETE, &many, none, Value::Null),
        (Method::POST, &base, none, bundle(json!([about]))),
        (Method::DELETE, "Patient?", none, Value::Null),
        (Method::GET, &long, none, Value::Null),
        (Method::POST, "Patient", &[("Content-Type", "text/csv")], person.clone()),
        (Method::POST, "Patient", none, with("extension", json!([{ "url": "urn:x" }]))),
        (Method::PATCH, &one, &json_patch, patch),
        (Method::POST, "Patient", none, with("identifier", nhs)),
    ];
    let mut had = BTreeSet::new();
    for (method, path, headers, body) in asked {
        // What is no JSON at all stands for itself.
        let body =
            (!body.is_null()).then(|| body.as_str().map_or(body.to_string(), str::to_owned).into_bytes());
        let answer = http.send(method, path, headers, body.as_deref());
        let status = answer.status;
        let outcome = answer.expect_error(status);
        had.insert((
            status,
            outcome["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap().to_owned(),
        ));
    }
    had
}

on_both! {
    fn every_failure_of_the_catalogue_can_be_had(server: &Server) {
        let mut had = failing(server);
        had.extend(ELSEWHERE.iter().map(|(status, code, _)| (*status, (*code).to_owned())));
        had.extend(UNREACHABLE.iter().map(|(status, code)| (*status, (*code).to_owned())));
        assert_eq!(had, catalogue());
    }
}
