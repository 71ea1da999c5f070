//! Search parameters that administrators define: what becomes of them, what is refused, and who may.

mod access;
mod expression;
mod life;
mod processes;
mod refusal;

use crate::http::Http;
use crate::reindex::until;
use serde_json::{Value, json};

/// An active SearchParameter of one type.
fn parameter(id: &str, base: &str, code: &str, type_: &str, expression: &str) -> Value {
    json!({ "resourceType": "SearchParameter", "id": id, "url": format!("https://example.org/fhir/{id}"),
        "name": "Own", "status": "active", "description": "One of our own", "code": code, "base": [base],
        "type": type_, "expression": expression })
}

/// Waits until a search is answered, which says until then that the parameter is being indexed, and answers what it finds.
#[track_caller]
fn searchable(http: &Http, search: &str) -> Value {
    until(search, || {
        let answer = http.get(search);
        if answer.status != 200 {
            // A process that has not heard of it does not know it.
            assert!(answer.status == 400, "{answer}");
            let outcome = answer.json().to_string();
            let why = outcome.contains("being indexed") || outcome.contains("UNKNOWN_PARAMETER");
            assert!(why, "{outcome}");
        }
        answer.status == 200
    });
    http.get(search).expect(200).json()
}
