//! FHIR R4 `http.html#ops`: `Prefer: return=…` in its three forms on create, update and transaction, and the headers of
//! each answer.

use super::{content, patient};
use crate::http::Answer;
use crate::server::{Server, unique};
use reqwest::Method;
use serde_json::{Value, json};

/// What the answer to `Prefer` with this value has as its body.
fn shape(body: &[u8]) -> String {
    if body.is_empty() {
        return "nothing".to_owned();
    }
    let body: Value = serde_json::from_slice(body).expect("JSON");
    body["resourceType"].as_str().expect("a resource").to_owned()
}

const FORMS: [(&str, &str); 8] = [
    ("return=minimal", "nothing"),
    ("return=representation", "Patient"),
    ("return=OperationOutcome", "OperationOutcome"),
    ("handling=lenient, return=minimal", "nothing"),
    ("return=\"minimal\"; x=y", "nothing"),
    // What is not understood is ignored (RFC 7240 §2).
    ("return=potato", "Patient"),
    ("respond-async", "Patient"),
    ("", "Patient"),
];

/// `ETag`, `Last-Modified` and `Location` of an answer are those of the version it made.
fn describes(server: &Server, answer: &Answer, path: &str, version: u32, located: bool) {
    let stored = server.http().get(&format!("{path}/_history/{version}")).expect(200);
    assert_eq!(answer.header("etag"), format!("W/\"{version}\""), "{answer}");
    assert_eq!(answer.header("last-modified"), stored.header("last-modified"), "{answer}");
    let updated = stored.json()["meta"]["lastUpdated"].as_str().expect("an instant").to_owned();
    // Sun, 06 Nov 1994 08:49:37 GMT: the same second as lastUpdated.
    assert_eq!(answer.header("last-modified")[17..25], updated[11..19], "{answer}");
    let location = format!("{}/{path}/_history/{version}", server.http().base());
    assert_eq!(answer.headers.contains_key("location"), located, "{answer}");
    if located {
        assert_eq!(answer.header("location"), location, "{answer}");
    }
}

on_both! {
    fn decides_the_answer_to_create_and_update(server: &Server) {
        let (_, mut person) = patient();
        for (prefer, expected) in FORMS {
            let id = unique("prefer");
            let path = format!("Patient/{id}");
            person["id"] = json!(id);
            person["active"] = json!(true);
            let put = |person: &Value| server.http().put_with(&path, &[("Prefer", prefer)], person);
            let first = put(&person).expect(201);
            assert_eq!(shape(&first.body), expected, "{prefer}");
            describes(server, &first, &path, 1, true);
            person["active"] = json!(false);
            let second = put(&person).expect(200);
            assert_eq!(shape(&second.body), expected, "{prefer}");
            describes(server, &second, &path, 2, false);
            let same = put(&person).expect(200);
            assert_eq!(shape(&same.body), expected, "{prefer}");
            describes(server, &same, &path, 2, false);

            let body = person.to_string();
            let created = server.http().send(Method::POST, "Patient", &[("Prefer", prefer)], Some(body.as_bytes()));
            let created = created.expect(201);
            assert_eq!(shape(&created.body), expected, "{prefer}");
            let location = created.header("location");
            let made = location.strip_prefix(&format!("{}/", server.http().base())).unwrap();
            describes(server, &created, made.strip_suffix("/_history/1").unwrap(), 1, true);
            assert_eq!(content(&server.http().get(made).expect(200).json()), content(&person));
        }
    }
}

on_both! {
    fn decides_the_answers_of_a_transaction(server: &Server) {
        let (_, person) = patient();
        let entry = json!({ "resource": person, "request": { "method": "POST", "url": "Patient" } });
        for kind in ["transaction", "batch"] {
            let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": [entry] }).to_string();
            for (prefer, resource, outcome) in [
                ("return=minimal", Value::Null, Value::Null),
                ("return=representation", json!("Patient"), Value::Null),
                ("return=OperationOutcome", Value::Null, json!("OperationOutcome")),
                ("", Value::Null, Value::Null),
            ] {
                let base = server.http().base();
                let answer = server.http().send(Method::POST, &base, &[("Prefer", prefer)], Some(bundle.as_bytes()));
                let answer = answer.expect(200).json();
                let entry = &answer["entry"][0];
                assert_eq!(entry["resource"]["resourceType"], resource, "{prefer}: {answer:#}");
                assert_eq!(entry["response"]["outcome"]["resourceType"], outcome, "{prefer}: {answer:#}");
                assert_eq!((&entry["response"]["status"], &entry["response"]["etag"]), (&json!("201 Created"), &json!("W/\"1\"")));
                assert!(entry["response"]["lastModified"].is_string(), "{answer:#}");
            }
        }
    }
}

on_both! {
    fn keeps_tags_and_profiles_and_not_the_senders_version(server: &Server) {
        let (_, mut person) = patient();
        let id = unique("meta");
        person["id"] = json!(id);
        let meta = json!({
            "profile": ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"],
            "security": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" }],
            "tag": [{ "system": "https://example.org/tags", "code": "a" }],
            "source": "urn:x", "extension": [{ "url": "urn:y", "valueCode": "z" }]
        });
        person["meta"] = meta.clone();
        person["meta"]["versionId"] = json!("17");
        person["meta"]["lastUpdated"] = json!("1999-01-01T00:00:00Z");
        server.http().put(&format!("Patient/{id}"), &person).expect(201);
        let mut stored = server.http().get(&format!("Patient/{id}")).expect(200).json();
        assert_eq!(stored["meta"]["versionId"], "1");
        assert!(!stored["meta"]["lastUpdated"].as_str().unwrap().starts_with("1999"));
        let object = stored["meta"].as_object_mut().unwrap();
        object.retain(|name, _| name != "versionId" && name != "lastUpdated");
        assert_eq!(stored["meta"], meta);
    }
}

on_both! {
    fn the_order_of_members_makes_no_new_version(server: &Server) {
        let path = format!("Patient/{}", unique("order"));
        let id = path.strip_prefix("Patient/").unwrap();
        let put = |members: &str| {
            let body = format!(r#"{{"resourceType":"Patient","id":"{id}",{members}}}"#);
            server.http().send(Method::PUT, &path, &[], Some(body.as_bytes()))
        };
        let decimal = |digits: &str| format!(r#""extension":[{{"url":"urn:x","valueDecimal":{digits}}}],"active":true"#);
        put(&decimal("1.10")).expect(201);
        for same in [
            decimal("1.10"),
            decimal(" 1.10\n"),
            r#""active":true,"extension":[{"valueDecimal":1.10,"url":"urn:x"}]"#.to_owned(),
            r#""active":true,"extension":[{"valueDecimal":1.10,"url":"\u0075rn:x"}],"meta":{"versionId":"9"}"#.to_owned(),
        ] {
            assert_eq!(put(&same).expect(200).header("etag"), r#"W/"1""#, "{same}");
        }
        // 1.1 is another decimal than 1.10: the digits are the precision.
        assert_eq!(put(&decimal("1.1")).expect(200).header("etag"), r#"W/"2""#);
    }
}
