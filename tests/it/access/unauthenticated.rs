//! Without a token nothing is answered (218): every interaction on every type that the CapabilityStatement tells of.

use crate::http::Http;
use crate::server::unique;
use reqwest::Method;
use serde_json::{Value, json};

/// Method, path and body of an interaction on a type.
pub(super) fn request(interaction: &str, kind: &str) -> Option<(Method, String, Option<Value>)> {
    let id = unique("nothing");
    let body = json!({ "resourceType": kind, "id": id });
    Some(match interaction {
        "read" => (Method::GET, format!("{kind}/{id}"), None),
        "vread" => (Method::GET, format!("{kind}/{id}/_history/1"), None),
        "update" => (Method::PUT, format!("{kind}/{id}"), Some(body)),
        "patch" => (Method::PATCH, format!("{kind}/{id}"), Some(json!({ "resourceType": "Parameters" }))),
        "delete" => (Method::DELETE, format!("{kind}/{id}"), None),
        "history-instance" => (Method::GET, format!("{kind}/{id}/_history"), None),
        "history-type" => (Method::GET, format!("{kind}/_history"), None),
        "create" => (Method::POST, kind.to_owned(), Some(body)),
        "search-type" => (Method::GET, format!("{kind}?_count=1"), None),
        _ => return None,
    })
}

/// Every (type, interaction) of the CapabilityStatement.
pub(super) fn offered(http: &Http) -> Vec<(String, String)> {
    let statement = http.get("metadata").expect(200).json();
    let mut offered = Vec::new();
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        for interaction in resource["interaction"].as_array().unwrap() {
            offered.push((kind.to_owned(), interaction["code"].as_str().unwrap().to_owned()));
        }
    }
    assert!(offered.len() > 145 * 8, "{} interactions", offered.len());
    offered
}

pub(super) fn send(http: &Http, method: Method, path: &str, body: Option<&Value>) -> crate::http::Answer {
    let body = body.map(|body| body.to_string().into_bytes());
    http.send(method, path, &[], body.as_deref())
}

guarded! {
    fn every_interaction_asks_for_a_token(server: &Server) {
        let http = server.http();
        for (kind, interaction) in offered(http) {
            let (method, path, body) =
                request(&interaction, &kind).unwrap_or_else(|| panic!("no request for {interaction} of {kind}"));
            let answer = send(http, method, &path, body.as_ref());
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer}");
            answer.expect_error(401);
        }
        for (method, path, body) in [
            (Method::GET, "/FHIR/R4?_id=a".to_owned(), None),
            (Method::GET, "_history".into(), None),
            (Method::POST, "/FHIR/R4".into(), Some(json!({ "resourceType": "Bundle", "type": "batch" }))),
            (Method::POST, "/FHIR/R4".into(), Some(json!({ "resourceType": "Bundle", "type": "transaction", "entry": [] }))),
            (Method::POST, "/FHIR/R4".into(), Some(json!({ "not": "a bundle" }))),
            (Method::HEAD, "Patient/a".into(), None),
        ] {
            let answer = send(http, method.clone(), &path, body.as_ref());
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer}");
            assert_eq!(answer.status, 401, "{answer}");
        }
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        for path in ["Patient/_search", "_search"] {
            http.send(Method::POST, path, &form, Some(b"_id=a")).expect_error(401);
        }
    }

    fn a_token_in_the_wrong_place_is_none(server: &Server) {
        let http = server.http();
        let good = crate::token::client_credentials(server, "system/Patient.rs");
        good.get("Patient?_count=1").expect(200);
        let token = good.token().to_owned();
        http.get(&format!("Patient?_count=1&access_token={token}")).expect_error(401);
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        http.send(Method::POST, "Patient/_search", &form, Some(format!("access_token={token}").as_bytes())).expect_error(401);
        for value in [format!("Basic {token}"), token.clone(), format!("Bearer  {token}"), "Bearer".into(), format!("Bearer {token}x")] {
            http.send(Method::GET, "Patient", &[("Authorization", &value)], None).expect_error(401);
        }
        http.send(Method::GET, "Patient", &[("Cookie", &format!("access_token={token}"))], None).expect_error(401);
    }
}
