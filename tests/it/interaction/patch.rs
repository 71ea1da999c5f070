//! FHIR R4 `http.html#patch`: JSON Patch and FHIRPath Patch on an id, by condition and in Bundles.

use super::{content, patient};
use crate::http::{Answer, Http, reference};
use crate::server::unique;
use reqwest::Method;
use serde_json::{Value, json};

const JSON_PATCH: &str = "application/json-patch+json";
const FHIR_JSON: &str = "application/fhir+json";

fn patch(http: &Http, path: &str, headers: &[(&str, &str)], document: &Value) -> Answer {
    let mut all = vec![(
        "Content-Type",
        if document.is_array() || document.get("patches").is_some() { JSON_PATCH } else { FHIR_JSON },
    )];
    all.extend_from_slice(headers);
    http.send(Method::PATCH, path, &all, Some(document.to_string().as_bytes()))
}

fn set(element: &str, value: Value) -> Value {
    json!([{ "op": "add", "path": format!("/{element}"), "value": value }])
}

/// FHIRPath Patch that replaces what `path` selects.
fn replace(path: &str, value: (&str, Value)) -> Value {
    let mut with = json!({ "name": "value" });
    with[value.0] = value.1;
    json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": path }, with,
    ] }] })
}

on_both! {
    fn every_kind_of_patch_makes_a_version(server: &Server) {
        let http = server.http();
        let stored = http.create(&patient().1);
        let path = reference(&stored);
        let mut expected = stored.clone();
        for (at, (document, element, value)) in [
            (set("active", json!(false)), "active", json!(false)),
            (json!({ "patches": set("gender", json!("other")) }), "gender", json!("other")),
            (replace("Patient.birthDate", ("valueDate", json!("1970-01"))), "birthDate", json!("1970-01")),
        ].into_iter().enumerate() {
            expected[element] = value;
            let answer = patch(http, &path, &[], &document).expect(200);
            assert_eq!(answer.header("etag"), format!("W/\"{}\"", at + 2));
            assert!(answer.header("last-modified").ends_with("GMT"));
            assert_eq!(content(&answer.json()), content(&expected));
            assert_eq!(content(&http.get(&path).expect(200).json()), content(&expected));
        }
        let answer = patch(http, &path, &[("Prefer", "return=minimal")], &set("active", json!(true))).expect(200);
        assert!(answer.body.is_empty() && answer.header("etag") == "W/\"5\"");
        let outcome = patch(http, &path, &[("Prefer", "return=OperationOutcome")], &set("language", json!("en"))).expect(200);
        assert_eq!(outcome.json()["resourceType"], "OperationOutcome");
        // What changes nothing makes no version.
        for document in [json!([]), set("active", json!(true)), json!({ "resourceType": "Parameters" })] {
            assert_eq!(patch(http, &path, &[], &document).expect(200).header("etag"), "W/\"6\"");
        }
        let history = http.get(&format!("{path}/_history")).expect(200).json();
        let methods: Vec<&str> = history["entry"].as_array().unwrap().iter()
            .map(|entry| entry["request"]["method"].as_str().unwrap()).collect();
        assert_eq!(methods, ["PATCH", "PATCH", "PATCH", "PATCH", "PATCH", "POST"]);
        // It is found by what it is now.
        let found = http.get(&format!("Patient?_id={}&birthdate=1970-01", stored["id"].as_str().unwrap()));
        assert_eq!(found.expect(200).json()["total"], 1);
    }
}

on_both! {
    fn a_patch_goes_on_from_the_version_it_names(server: &Server) {
        let http = server.http();
        let path = reference(&http.create(&patient().1));
        patch(http, &path, &[("If-Match", "W/\"2\"")], &set("active", json!(false))).expect_error(412);
        patch(http, &path, &[("If-Match", "x")], &set("active", json!(false))).expect_error(400);
        patch(http, &path, &[("If-Match", "W/\"1\"")], &set("active", json!(false))).expect(200);
        patch(http, &path, &[("If-Match", "W/\"1\"")], &set("active", json!(true))).expect_error(412);
        patch(http, &format!("Patient/{}", unique("nobody")), &[], &set("active", json!(true))).expect_error(404);
        http.delete(&path).expect(204);
        patch(http, &path, &[], &set("active", json!(true))).expect_error(410);
        http.get(&path).expect_error(410);
    }
}

on_both! {
    fn what_does_not_apply_or_fit_changes_nothing(server: &Server) {
        let http = server.http();
        let stored = http.create(&patient().1);
        let path = reference(&stored);
        for (document, status, code, place) in [
            (json!([{ "op": "test", "path": "/active", "value": false }]), 422, "processing", None),
            (json!([{ "op": "add", "path": "/language", "value": "en" }, { "op": "remove", "path": "/photo" }]), 422, "processing", None),
            (json!([{ "op": "replace", "path": "/id", "value": "x" }]), 422, "processing", Some("Patient.id")),
            (json!([{ "op": "replace", "path": "/resourceType", "value": "Person" }]), 422, "processing", Some("Patient.resourceType")),
            (json!([{ "op": "replace", "path": "/meta/versionId", "value": "9" }]), 422, "processing", Some("Patient.meta.versionId")),
            (json!([{ "op": "remove", "path": "/meta/lastUpdated" }]), 422, "processing", Some("Patient.meta.lastUpdated")),
            (set("birthDate", json!("1970-13")), 400, "value", Some("Patient.birthDate")),
            (set("colour", json!("red")), 400, "structure", Some("Patient.colour")),
            (set("gender", json!("x")), 400, "code-invalid", Some("Patient.gender")),
            (json!([{ "op": "add", "path": "/active" }]), 400, "structure", None),
            (json!([{ "op": "paint", "path": "/active" }]), 400, "structure", None),
            (replace("Patient.photo", ("valueString", json!("x"))), 422, "processing", Some("Parameters.parameter[0]")),
            (replace("Patient.name.given.first(", ("valueString", json!("x"))), 400, "value", Some("Parameters.parameter[0]")),
            (replace("Patient.birthDate", ("valueString", json!("soon"))), 400, "value", Some("Patient.birthDate")),
            (json!({ "resourceType": "Patient" }), 400, "structure", None),
        ] {
            let outcome = patch(http, &path, &[], &document).expect_error(status);
            assert_eq!(outcome["issue"][0]["code"], code, "{document}");
            assert_eq!(outcome["issue"][0]["expression"][0].as_str(), place, "{document}");
        }
        for (media_type, body, status) in [
            ("application/xml-patch+xml", "<diff/>", 415),
            ("text/plain", "[]", 415),
            ("application/json-patch+json", "[", 400),
            ("application/json-patch+json", "", 400),
            ("application/json-patch+json; charset=utf-8", "[]", 200),
            ("application/json", "[]", 200),
            ("application/json", r#"{"active": true}"#, 400),
            ("application/fhir+json", "[]", 400),
        ] {
            let answer = http.send(Method::PATCH, &path, &[("Content-Type", media_type)], Some(body.as_bytes()));
            assert_eq!(answer.status, status, "{media_type} {body}: {answer}");
        }
        assert_eq!(http.get(&path).expect(200).json(), stored);
    }
}

on_both! {
    fn a_condition_says_what_is_patched(server: &Server) {
        let http = server.http();
        let (mark, person) = patient();
        let search = format!("Patient?family={mark}");
        patch(http, &search, &[], &set("active", json!(false))).expect_error(404);
        let path = reference(&http.create(&person));
        assert_eq!(patch(http, &search, &[], &set("active", json!(false))).expect(200).header("etag"), "W/\"2\"");
        assert_eq!(http.get(&path).expect(200).json()["active"], false);
        http.create(&person);
        patch(http, &search, &[], &set("active", json!(true))).expect_error(412);
        patch(http, "Patient", &[], &set("active", json!(true))).expect_error(412);
        assert_eq!(http.get(&path).expect(200).header("etag"), "W/\"2\"");
    }
}

on_both! {
    fn a_bundle_has_patches_as_entries(server: &Server) {
        use base64::Engine;
        let http = server.http();
        let (one, other) = (reference(&http.create(&patient().1)), reference(&http.create(&patient().1)));
        let binary = |document: &Value| json!({
            "resourceType": "Binary", "contentType": JSON_PATCH,
            "data": base64::engine::general_purpose::STANDARD.encode(document.to_string()),
        });
        let bundle = |type_: &str, first: Value, second: Value| json!({
            "resourceType": "Bundle", "type": type_, "entry": [
                { "resource": first, "request": { "method": "PATCH", "url": one } },
                { "resource": second, "request": { "method": "PATCH", "url": other, "ifMatch": "W/\"1\"" } },
            ]
        });
        let (wrong, right) = (json!([{ "op": "remove", "path": "/photo" }]), set("active", json!(false)));
        let gender = replace("gender", ("valueCode", json!("male")));
        let failed = http.bundle(&bundle("transaction", binary(&wrong), gender.clone())).expect_error(422);
        assert_eq!(failed["issue"][0]["expression"][0], "Bundle.entry[0]");
        for path in [&one, &other] {
            assert_eq!(http.get(path).expect(200).header("etag"), "W/\"1\"");
        }
        let done = http.bundle(&bundle("transaction", binary(&right), gender.clone())).expect(200).json();
        for at in [0, 1] {
            assert_eq!(done["entry"][at]["response"]["status"], "200 OK");
            assert_eq!(done["entry"][at]["response"]["etag"], "W/\"2\"");
        }
        assert_eq!(http.get(&one).expect(200).json()["active"], false);
        assert_eq!(http.get(&other).expect(200).json()["gender"], "male");
        let done = http.bundle(&bundle("batch", binary(&set("active", json!(true))), gender)).expect(200).json();
        assert_eq!(done["entry"][0]["response"]["etag"], "W/\"3\"");
        assert_eq!(done["entry"][1]["response"]["status"], "412 Precondition Failed");
    }
}

on_both! {
    fn a_condition_says_what_an_entry_patches(server: &Server) {
        let http = server.http();
        let (mark, person) = patient();
        let stored = http.create(&person);
        let document = replace("Patient.gender", ("valueCode", json!("male")));
        let bundle = |type_: &str, family: &str| json!({
            "resourceType": "Bundle", "type": type_, "entry": [
                { "resource": document, "request": { "method": "PATCH", "url": format!("Patient?family={family}") } },
            ]
        });
        http.bundle(&bundle("transaction", &unique("Nobody"))).expect_error(404);
        let done = http.bundle(&bundle("transaction", &mark)).expect(200).json();
        assert_eq!(done["entry"][0]["response"]["etag"], "W/\"2\"");
        assert_eq!(http.get(&reference(&stored)).expect(200).json()["gender"], "male");
        let done = http.bundle(&bundle("batch", &mark)).expect(200).json();
        assert_eq!(done["entry"][0]["response"]["etag"], "W/\"2\"");
        http.create(&person);
        http.bundle(&bundle("transaction", &mark)).expect_error(412);
        let done = http.bundle(&bundle("batch", &mark)).expect(200).json();
        assert_eq!(done["entry"][0]["response"]["status"], "412 Precondition Failed");
    }
}

on_both! {
    fn the_capability_statement_tells_of_patches(server: &Server) {
        let statement = server.http().get("metadata").expect(200).json();
        assert_eq!(statement["patchFormat"], json!([JSON_PATCH, FHIR_JSON]));
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            let codes = resource["interaction"].as_array().unwrap();
            assert_eq!(codes.iter().filter(|interaction| interaction["code"] == "patch").count(), 1, "{resource}");
        }
    }
}

on_both! {
    /// Sixteen clients add to one resource, each from the version it has read: what is told to be done is there.
    fn sixteen_clients_with_if_match_lose_nothing(server: &Server) {
        let http = server.http();
        let path = reference(&http.create(&patient().1));
        patch(http, &path, &[], &set("identifier", json!([{ "value": "first" }]))).expect(200);
        std::thread::scope(|scope| {
            for client in 0..16 {
                let (http, path) = (http.another(), path.clone());
                scope.spawn(move || {
                    for number in 0..3 {
                        let value = json!({ "value": format!("{client}-{number}") });
                        let document = json!([{ "op": "add", "path": "/identifier/-", "value": value }]);
                        loop {
                            let version = http.get(&path).expect(200).header("etag");
                            let answer = patch(&http, &path, &[("If-Match", &version)], &document);
                            match answer.status {
                                200 => break,
                                status => assert_eq!(status, 412, "{answer}"),
                            }
                        }
                    }
                });
            }
        });
        let person = http.get(&path).expect(200);
        assert_eq!(person.header("etag"), "W/\"50\"");
        let values: std::collections::BTreeSet<String> = person.json()["identifier"].as_array().unwrap().iter()
            .map(|identifier| identifier["value"].as_str().unwrap().to_owned()).collect();
        assert_eq!(values.len(), 49);
    }
}
