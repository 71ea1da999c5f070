//! The scopes that `/openapi/Patient.json` lists for each route are those that it takes: with all of them a request is not
//! refused, without one of them it is 403.

use crate::http::{Http, reference};
use crate::server::Server;
use crate::token;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A caller with these letters of Patient and nothing else.
fn caller(server: &Server, callers: &mut BTreeMap<String, Http>, letters: &BTreeSet<char>) -> Http {
    let letters: String = "cruds".chars().filter(|letter| letters.contains(letter)).collect();
    let letters = if letters.is_empty() { "none".to_owned() } else { letters };
    let made = callers.entry(letters.clone()).or_insert_with(|| {
        let scope =
            if letters == "none" { "system/Basic.r".to_owned() } else { format!("system/Patient.{letters}") };
        token::client_credentials(server, &scope)
    });
    made.clone()
}

/// The letters that an operation asks of a system's token.
fn letters(operation: &Value) -> BTreeSet<char> {
    let all = operation["security"].as_array().map_or(&[][..], Vec::as_slice).iter();
    let scopes = all.flat_map(|one| one["oauth2"].as_array().map_or(&[][..], Vec::as_slice));
    scopes.filter_map(|scope| scope.as_str()?.strip_prefix("system/Patient.")?.chars().next()).collect()
}

/// Sends what an operation describes, about a Patient of its own; the status.
fn send(system: &Http, http: &Http, method: &Method, path: &str) -> u16 {
    let made = system.create(&json!({ "resourceType": "Patient" }));
    let stored = reference(&made);
    let id = stored.strip_prefix("Patient/").unwrap();
    let mut path = path.replace("{id}", id).replace("{version}", "1");
    assert!(!path.contains('{'), "an address with another part: {path}");
    let conditional =
        path.ends_with("/Patient") && [Method::PUT, Method::PATCH, Method::DELETE].contains(method);
    if conditional {
        path.push_str(&format!("?_id={id}"));
    }
    let patch = json!([{ "op": "add", "path": "/active", "value": true }]);
    let body = match *method {
        Method::PATCH => patch,
        Method::POST | Method::PUT => made,
        _ => Value::Null,
    };
    let kind = match *method {
        Method::PATCH => "application/json-patch+json",
        _ if path.ends_with("_search") => "application/x-www-form-urlencoded",
        _ => "application/fhir+json",
    };
    let body = if path.ends_with("_search") { String::new() } else { body.to_string() };
    let body = (*method != Method::GET && *method != Method::DELETE).then_some(body.as_bytes());
    http.send(method.clone(), &path, &[("Content-Type", kind)], body).status
}

guarded! {
    fn scopes_are_what_a_route_takes(server: &Server) {
        let system = token::client_credentials(server, "system/*.cruds");
        let document = server.http().get("/openapi/Patient.json").expect(200).json();
        let mut callers = BTreeMap::new();
        let mut seen = 0;
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (name, operation) in methods.as_object().unwrap() {
                let asked = letters(operation);
                let method: Method = name.to_uppercase().parse().unwrap();
                if asked.is_empty() || method == Method::HEAD || !path.contains("/Patient") || path.contains("{type}") || path.contains("{member}") || path.contains("{id}/_search") {
                    continue;
                }
                let enough = caller(server, &mut callers, &asked);
                let status = send(&system, &enough, &method, path);
                assert!((200..300).contains(&status), "{name} {path} with {asked:?}: {status}");
                for letter in &asked {
                    let mut fewer = asked.clone();
                    fewer.remove(letter);
                    let short = caller(server, &mut callers, &fewer);
                    let status = send(&system, &short, &method, path);
                    assert_eq!(status, 403, "{name} {path} without {letter} of {asked:?}");
                }
                seen += 1;
            }
        }
        assert!(seen >= 11, "{seen} routes");
        // A condition of a create is a search too.
        let mut only = BTreeSet::from(['c']);
        let create = |http: &Http| {
            http.send(Method::POST, "Patient", &[("If-None-Exist", "identifier=none")], Some(br#"{"resourceType":"Patient"}"#)).status
        };
        assert_eq!(create(&caller(server, &mut callers, &only)), 403);
        only.insert('s');
        assert_eq!(create(&caller(server, &mut callers, &only)), 201);
    }
}
