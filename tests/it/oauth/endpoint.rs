//! The token endpoint, asked without a library in between, and its answers in the shape of RFC 6749 §5.

use crate::browser::encode;
use crate::http::{Answer, Http};
use crate::server::Server;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::Value;

/// Its address.
pub(crate) fn address(server: &Server) -> String {
    format!("{}/oauth2/token", server.http().origin())
}

/// Posts a form.
pub(crate) fn ask(server: &Server, fields: &[(&str, &str)]) -> Answer {
    ask_with(server.http(), &[], fields)
}

/// Posts a form with more headers.
pub(crate) fn ask_with(http: &Http, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
    post(http, "token", headers, fields)
}

/// Posts a form to an endpoint of the authorization server.
pub(crate) fn post(http: &Http, name: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let headers = [&[form], headers].concat();
    http.send(Method::POST, &format!("/oauth2/{name}"), &headers, Some(encode(fields).as_bytes()))
}

/// The value of a Basic `Authorization` header.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// Asserts a token answer (RFC 6749 §5.1) and gives it back.
#[track_caller]
pub(crate) fn granted(answer: Answer) -> Value {
    let answer = answer.expect(200);
    never_stored(&answer);
    let json = answer.json();
    assert!(json["access_token"].as_str().is_some_and(|token| token.len() > 100), "{answer}");
    assert_eq!(
        json["token_type"].as_str().map(str::to_ascii_lowercase).as_deref(),
        Some("bearer"),
        "{answer}"
    );
    assert!(json["expires_in"].as_u64().is_some_and(|seconds| (1..=3600).contains(&seconds)), "{answer}");
    assert!(json["scope"].is_string(), "{answer}");
    json
}

/// Asserts a refusal (RFC 6749 §5.2): status, error, words, and that nothing else is told.
#[track_caller]
pub(crate) fn refused(answer: Answer, status: u16, error: &str) -> Value {
    let answer = answer.expect(status);
    never_stored(&answer);
    let json = answer.json();
    assert_eq!(json["error"], error, "{answer}");
    let words = json["error_description"].as_str().unwrap_or_default();
    let allowed = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
    assert!(words.len() > 10 && words.chars().all(allowed), "{answer}");
    assert_eq!(json.as_object().unwrap().len(), 2, "{answer}");
    if status == 401 {
        assert!(answer.header("www-authenticate").starts_with("Basic"), "{answer}");
    }
    json
}

#[track_caller]
fn never_stored(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), "no-store", "{answer}");
    assert_eq!(answer.header("pragma"), "no-cache", "{answer}");
    assert_eq!(answer.header("content-type"), "application/json", "{answer}");
}
