//! FHIR R4 `http.html#transaction`, entries: every method, every condition, every form of address, and what each answers.

use super::patient;
use crate::http::{Http, ids, reference, set};
use crate::server::unique;
use serde_json::{Value, json};

fn send(http: &Http, kind: &str, entries: &[Value]) -> crate::http::Answer {
    http.bundle(&json!({ "resourceType": "Bundle", "type": kind, "entry": entries }))
}

/// The entries of the answer, which must be 200.
fn answered(http: &Http, kind: &str, entries: &[Value]) -> Vec<Value> {
    let answer = send(http, kind, entries).expect(200).json();
    assert_eq!(answer["type"], format!("{kind}-response"));
    let answers = answer["entry"].as_array().unwrap().clone();
    assert_eq!(answers.len(), entries.len(), "one answer for each entry");
    answers
}

fn status(entry: &Value) -> &str {
    &entry["response"]["status"].as_str().unwrap()[..3]
}

fn get(url: &str) -> Value {
    json!({ "request": { "method": "GET", "url": url } })
}

on_both! {
    fn every_read_may_be_an_entry(server: &Server) {
        let http = server.http();
        let (mark, person) = patient();
        let path = reference(&http.create(&person));
        let mut changed = http.get(&path).expect(200).json();
        changed["active"] = json!(false);
        http.put(&path, &changed).expect(200);
        let base = http.base();
        let entries = [
            get(&path),
            get(&format!("{base}/{path}")),
            get(&format!("{path}/_history/1")),
            get(&format!("{path}/_history?_count=1")),
            get(&format!("Patient?family={mark}")),
            get(&format!("{base}/Patient?family={mark}&_summary=count")),
            get(&format!("?_type=Patient&_id={}", path.strip_prefix("Patient/").unwrap())),
            get("metadata"),
            json!({ "request": { "method": "POST", "url": format!("Patient/_search?family={mark}") } }),
            json!({ "request": { "method": "HEAD", "url": path } }),
        ];
        for kind in ["batch", "transaction"] {
            let answers = answered(http, kind, &entries);
            assert!(answers.iter().all(|answer| status(answer) == "200"), "{answers:#?}");
            assert_eq!(answers[0]["resource"]["active"], false);
            assert_eq!(answers[1]["resource"], answers[0]["resource"]);
            assert_eq!(answers[2]["resource"]["meta"]["versionId"], "1");
            assert_eq!((&answers[3]["resource"]["type"], &answers[3]["resource"]["total"]), (&json!("history"), &json!(2)));
            for at in [4, 6, 8] {
                assert_eq!(ids(&answers[at]["resource"]), set(&[&path]), "{at}");
            }
            assert_eq!(answers[5]["resource"]["total"], 1);
            assert_eq!(answers[7]["resource"]["resourceType"], "CapabilityStatement");
            // HEAD answers like GET, without the resource.
            assert!(answers[9].get("resource").is_none());
            assert_eq!(answers[9]["response"]["etag"], r#"W/"2""#);
        }
    }
}

on_both! {
    fn an_entry_has_every_condition(server: &Server) {
        let http = server.http();
        let (_, person) = patient();
        let path = reference(&http.create(&person));
        let mut changed = person.clone();
        changed["id"] = json!(path.strip_prefix("Patient/"));
        let entry = |method: &str, name: &str, value: &str| {
            let mut entry = json!({ "request": { "method": method, "url": path, name: value } });
            if method == "PUT" {
                entry["resource"] = changed.clone();
            }
            entry
        };
        for (entry, expected) in [
            (entry("GET", "ifNoneMatch", r#"W/"1""#), "304"),
            (entry("HEAD", "ifNoneMatch", r#"W/"1""#), "304"),
            (entry("GET", "ifNoneMatch", r#"W/"9""#), "200"),
            (entry("GET", "ifModifiedSince", "2999-01-01T00:00:00Z"), "304"),
            (entry("PUT", "ifMatch", r#"W/"9""#), "412"),
            (entry("PUT", "ifNoneMatch", "*"), "412"),
            (entry("DELETE", "ifMatch", r#"W/"9""#), "412"),
            (entry("PUT", "ifMatch", "potato"), "400"),
            (entry("PUT", "ifMatch", r#"W/"1""#), "200"),
            (entry("DELETE", "ifMatch", r#"W/"1""#), "204"),
        ] {
            if expected < "400" && entry["request"]["method"] != "DELETE" {
                let answers = answered(http, "transaction", std::slice::from_ref(&entry));
                assert_eq!(status(&answers[0]), expected, "{entry}");
            } else if expected >= "400" {
                let outcome = send(http, "transaction", std::slice::from_ref(&entry));
                let outcome = outcome.expect_error(expected.parse().unwrap());
                assert!(outcome["issue"][0]["expression"][0].as_str().unwrap().starts_with("Bundle.entry[0]"));
            }
            let answers = answered(http, "batch", std::slice::from_ref(&entry));
            assert_eq!(status(&answers[0]), expected, "{entry}");
        }
    }
}

on_both! {
    fn prefer_holds_of_every_entry(server: &Server) {
        let http = server.http();
        for kind in ["batch", "transaction"] {
            let (_, person) = patient();
            let entry = json!({ "resource": person, "request": { "method": "POST", "url": "Patient" } });
            let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": [entry] }).to_string();
            for (prefer, resource, outcome) in [
                ("return=minimal", false, false), ("return=representation", true, false), ("return=OperationOutcome", false, true),
            ] {
                let answer = http.send(reqwest::Method::POST, &http.base(), &[("Prefer", prefer)], Some(bundle.as_bytes()));
                let entry = &answer.expect(200).json()["entry"][0];
                assert_eq!(status(entry), "201");
                assert_eq!((entry.get("resource").is_some(), entry["response"].get("outcome").is_some()), (resource, outcome), "{prefer}");
            }
        }
    }
}

on_both! {
    /// `#brules`: the success or failure of one entry does not alter the others.
    fn entries_of_a_batch_are_independent(server: &Server) {
        let http = server.http();
        let (_, mut person) = patient();
        let id = unique("batch");
        person["id"] = json!(id);
        let put = |active: bool| {
            let mut person = person.clone();
            person["active"] = json!(active);
            json!({ "resource": person, "request": { "method": "PUT", "url": format!("Patient/{id}") } })
        };
        let answers = answered(http, "batch", &[
            put(true),
            json!({ "resource": { "resourceType": "Patient", "gender": "x" }, "request": { "method": "POST", "url": "Patient" } }),
            json!({ "resource": { "resourceType": "Observation" }, "request": { "method": "POST", "url": "Patient" } }),
            json!({ "request": { "method": "POST", "url": "Patient" } }),
            json!({ "request": { "method": "GET", "url": "Potato/1" } }),
            json!({ "request": { "method": "DELETE", "url": "Patient/_history" } }),
            json!({ "request": { "method": "POST", "url": "/" }, "resource": { "resourceType": "Bundle", "type": "batch" } }),
            json!({ "request": { "method": "GET", "url": "https://elsewhere.example/Patient/1" } }),
            put(false),
            get(&format!("Patient/{id}")),
        ]);
        let statuses: Vec<&str> = answers.iter().map(status).collect();
        assert_eq!(statuses, ["201", "400", "400", "400", "404", "405", "400", "400", "200", "200"]);
        for (at, answer) in answers.iter().enumerate().filter(|(_, answer)| status(answer) >= "400") {
            let outcome = &answer["response"]["outcome"];
            assert_eq!(outcome["resourceType"], "OperationOutcome");
            let place = outcome["issue"][0]["expression"][0].as_str().unwrap();
            assert!(place.starts_with(&format!("Bundle.entry[{at}]")), "{place}");
        }
        assert_eq!(answers[9]["resource"]["meta"]["versionId"], "2");
        // It is no error that there are none.
        let empty = http.bundle(&json!({ "resourceType": "Bundle", "type": "batch" })).expect(200).json();
        assert!(empty.get("entry").is_none());
        http.bundle(&json!({ "resourceType": "Bundle", "type": "transaction" })).expect(200);
    }
}

on_both! {
    /// `http.html#capabilities`: the modes.
    fn the_statement_has_three_modes(server: &Server) {
        for mode in ["full", "normative", "terminology"] {
            let statement = server.http().get(&format!("metadata?mode={mode}")).expect(200).json();
            assert_eq!(statement["resourceType"], "CapabilityStatement");
        }
        for mode in ["", "potato", "FULL"] {
            server.http().get(&format!("metadata?mode={mode}")).expect_error(400);
        }
    }
}

on_both! {
    /// `http.html#general`: `_summary` and `_elements` of the statement, as of every resource that is read.
    fn a_part_of_the_statement_may_be_asked_for(server: &Server) {
        let http = server.http();
        let members = |query: &str| -> Vec<String> {
            let statement = http.get(&format!("metadata?{query}")).expect(200).json();
            assert_eq!(statement["resourceType"], "CapabilityStatement", "{query}");
            let marked = statement["meta"]["tag"][0]["code"] == "SUBSETTED";
            assert_eq!(marked, query != "_summary=false" && query != "mode=full", "{query}");
            statement.as_object().unwrap().keys().cloned().collect()
        };
        let whole = members("mode=full");
        assert_eq!(members("_summary=false"), whole);
        let has = |members: &[String], name: &str| members.iter().any(|member| member == name);
        let summary = members("_summary=true");
        assert!(has(&summary, "rest") && has(&summary, "fhirVersion") && has(&summary, "software"), "{summary:?}");
        let statement = http.get("metadata?_summary=true&mode=full").expect(200).json();
        let patient = statement["rest"][0]["resource"].as_array().unwrap().iter().find(|one| one["type"] == "Patient").unwrap();
        // `searchParam` and `interaction` are no summary elements of R4.
        assert!(patient.get("searchParam").is_none() && patient.get("interaction").is_none(), "{patient}");
        let text = members("_summary=text");
        assert!(!has(&text, "rest") && has(&text, "fhirVersion") && has(&text, "status"), "{text:?}");
        let named = members("_elements=rest,CapabilityStatement.software");
        assert!(has(&named, "rest") && has(&named, "software") && has(&named, "kind") && !has(&named, "implementation"), "{named:?}");
        for refused in ["_summary=count", "_summary=some", "_elements=potato", "_summary=true&_elements=rest", "_summary=true&_summary=true"] {
            http.get(&format!("metadata?{refused}")).expect_error(400);
        }
        // As an entry of a batch.
        let entry = serde_json::json!({ "request": { "method": "GET", "url": "metadata?_summary=text" } });
        let answer = http.bundle(&serde_json::json!({ "resourceType": "Bundle", "type": "batch", "entry": [entry] }));
        let answer = answer.expect(200).json();
        assert!(answer["entry"][0]["resource"].get("rest").is_none());
        assert_eq!(answer["entry"][0]["resource"]["fhirVersion"], "4.0.1");
    }
}
