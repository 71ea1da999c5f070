//! FHIR R4 `provenance.html#header`: `X-Provenance`, stored with the write in one transaction, its target set.

use super::patient;
use crate::http::{Answer, Http, ids, reference};
use reqwest::Method;
use serde_json::{Value, json};

fn provenance() -> String {
    json!({
        "resourceType": "Provenance", "recorded": "2026-11-25T12:00:00Z",
        "agent": [{ "who": { "display": "Zoë" } }]
    })
    .to_string()
}

fn send(http: &Http, method: Method, path: &str, provenance: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let body = (method != Method::DELETE).then_some(body.as_bytes());
    http.send(method, path, &[("X-Provenance", provenance)], body)
}

/// The targets of all Provenances about a resource.
fn targets(http: &Http, path: &str) -> Vec<String> {
    let found = http.get(&format!("Provenance?target={path}&_sort=_lastUpdated")).expect(200).json();
    let entries = found["entry"].as_array().map_or(&[][..], Vec::as_slice).iter();
    entries
        .flat_map(|entry| entry["resource"]["target"].as_array().unwrap().clone())
        .map(|target| target["reference"].as_str().unwrap().to_owned())
        .collect()
}

on_both! {
    fn every_version_that_is_made_gets_one(server: &Server) {
        let http = server.http();
        let (_, person) = patient();
        let mut stored = send(http, Method::POST, "Patient", &provenance(), &person).expect(201).json();
        let path = reference(&stored);
        let of = |versions: &[u8]| -> Vec<String> {
            versions.iter().map(|version| format!("{path}/_history/{version}")).collect()
        };
        assert_eq!(targets(http, &path), of(&[1]));
        stored["active"] = json!(false);
        send(http, Method::PUT, &path, &provenance(), &stored).expect(200);
        assert_eq!(targets(http, &path), of(&[1, 2]));
        // The same content makes no version, and so no Provenance.
        send(http, Method::PUT, &path, &provenance(), &stored).expect(200);
        assert_eq!(targets(http, &path), of(&[1, 2]));
        send(http, Method::DELETE, &path, &provenance(), &Value::Null).expect(204);
        assert_eq!(targets(http, &path), of(&[1, 2, 3]));
    }
}

on_both! {
    fn a_transaction_has_one_of_all_it_writes(server: &Server) {
        let http = server.http();
        let (_, person) = patient();
        let post = json!({ "resource": person, "request": { "method": "POST", "url": "Patient" } });
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [post, post] });
        let answer = send(http, Method::POST, &http.base(), &provenance(), &bundle).expect(200).json();
        let made: Vec<&str> = answer["entry"].as_array().unwrap().iter()
            .map(|entry| entry["response"]["location"].as_str().unwrap()).collect();
        assert_eq!(made.len(), 2);
        let path = made[0].split("/_history").next().unwrap();
        assert_eq!(targets(http, path), made);
        let found = http.get(&format!("Provenance?target={path}")).expect(200).json();
        assert_eq!(ids(&found).len(), 1);
    }
}

on_both! {
    fn one_at_fault_refuses_the_write(server: &Server) {
        let http = server.http();
        let (mark, person) = patient();
        for wrong in ["", "x", "[]", "{}", r#"{"resourceType":"Patient"}"#, r#"{"resourceType":"Provenance"}"#,
            r#"{"resourceType":"Provenance","recorded":"yesterday","agent":[{"who":{"display":"x"}}]}"#] {
            send(http, Method::POST, "Patient", wrong, &person).expect_error(400);
        }
        let batch = json!({ "resourceType": "Bundle", "type": "batch" });
        send(http, Method::POST, &http.base(), &provenance(), &batch).expect_error(400);
        http.send(Method::GET, "Patient", &[("X-Provenance", &provenance())], None).expect_error(400);
        let found = http.get(&format!("Patient?family={mark}")).expect(200).json();
        assert!(ids(&found).is_empty());
        // A write that is refused leaves none.
        let mut absent = person;
        absent["id"] = json!(crate::server::unique("absent"));
        let path = reference(&absent);
        let headers = [("X-Provenance", &*provenance()), ("If-Match", "*")];
        http.send(Method::PUT, &path, &headers, Some(absent.to_string().as_bytes())).expect_error(412);
        assert!(targets(http, &path).is_empty());
    }
}
