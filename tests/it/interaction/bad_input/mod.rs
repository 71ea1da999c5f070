//! What cannot be parsed or breaks the base structure is 400, what breaks a rule 422: with an OperationOutcome that names
//! the FHIRPath of every fault, on create, update and in a transaction, and nothing of it is stored.

mod fault;

use crate::database::Database;
use crate::http::Http;
use crate::server::{Server, Settings};
use fault::{FAULTS, NARRATIVES};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Sends a Patient with `members` in every way, and answers what was not as expected.
fn refused(http: &Http, members: &str, status: u16, issues: &[(&str, &str)]) -> Vec<String> {
    // An id of its own is one of the faults.
    let id = if members.contains(r#""id":"#) { "" } else { r#""id":"bad-input","# };
    let patient = format!(r#"{{"resourceType":"Patient",{id}{members}}}"#);
    let entry = format!(r#"{{"resource":{patient},"request":{{"method":"POST","url":"Patient"}}}}"#);
    let good = r#"{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}"#;
    let bundle = format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{good},{entry}]}}"#);
    let base = http.base();
    let sent = [
        (Method::POST, "Patient", patient.as_str(), "Patient"),
        (Method::PUT, "Patient/bad-input", patient.as_str(), "Patient"),
        (Method::POST, base.as_str(), bundle.as_str(), "Bundle.entry[1].resource"),
    ];
    let mut wrong = Vec::new();
    for (method, path, body, root) in sent {
        if method == Method::PUT && id.is_empty() {
            continue;
        }
        let answer = http.send(method, path, &[], Some(body.as_bytes()));
        let expected: BTreeSet<(String, String)> =
            issues.iter().map(|(code, at)| ((*code).to_owned(), at.replacen("Patient", root, 1))).collect();
        if answer.status != status || told(&answer.body) != expected {
            wrong.push(format!("{members}: expected {status} and {expected:?}, got {answer}"));
        }
    }
    wrong
}

/// `issue.code` and `issue.expression` of every issue of an OperationOutcome.
fn told(body: &[u8]) -> BTreeSet<(String, String)> {
    let outcome: Value = serde_json::from_slice(body).unwrap_or_default();
    let issues = outcome["issue"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    issues.iter().map(|issue| (text(&issue["code"]), text(&issue["expression"][0]))).collect()
}

fn nothing_is_stored(server: &Server) {
    let history = server.http().get("_history").expect(200).json();
    assert_eq!(history["total"], 0, "nothing that is refused is stored: {history:#}");
}

/// Every fault, on a server of its own, which stays empty.
fn faults_are_named_and_nothing_is_stored(database: Database) {
    let server = Settings::open(database).start();
    let mut wrong = Vec::new();
    for fault in FAULTS {
        wrong.extend(refused(server.http(), fault.members, fault.status, fault.issues));
    }
    for inside in NARRATIVES {
        let div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inside}</div>");
        let text = format!(r#""text":{{"status":"generated","div":{}}}"#, json!(div));
        wrong.extend(refused(server.http(), &text, 400, &[("value", "Patient.text.div")]));
    }
    assert!(wrong.is_empty(), "{} answers:\n{}", wrong.len(), wrong.join("\n"));
    documents_are_refused(&server);
    nothing_is_stored(&server);
}

#[test]
fn faults_are_named_and_nothing_is_stored_sqlite() {
    faults_are_named_and_nothing_is_stored(Database::Sqlite);
}

#[test]
fn faults_are_named_and_nothing_is_stored_postgres() {
    faults_are_named_and_nothing_is_stored(Database::Postgres);
}

/// Bodies that are no FHIR document at all: 400 wherever they are sent.
fn documents_are_refused(server: &Server) {
    let patient = r#"{"resourceType":"Patient"}"#;
    let deep = |open: &str, close: &str, times: usize| {
        format!(r#"{{"resourceType":"Patient","extension":{}1{}}}"#, open.repeat(times), close.repeat(times))
    };
    let keys: String = (0..100_000).map(|number| format!(",\"k{number}\":1")).collect();
    let twice = ",\"_birthDate\":{\"id\":\"x\"}".repeat(100_000);
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "null",
        "[]",
        "7",
        "\"x\"",
        "true",
        "{}",
        "[{\"resourceType\":\"Patient\"}]",
        r#"{"resourceType":7}"#,
        r#"{"resourceType":""}"#,
        r#"{"resourceType":"patient"}"#,
        r#"{"resourceType":"Resource"}"#,
        r#"{"resourceType":"DomainResource"}"#,
        r#"{"resourceType":null}"#,
        r#"{"resourceType":"Patient"} trailing"#,
        r#"{"resourceType":"Patient"}{"resourceType":"Patient"}"#,
        r#"{"resourceType":"Patient",}"#,
        r#"{"resourceType":"Patient" "active":true}"#,
        r#"{'resourceType':'Patient'}"#,
        r#"{"resourceType":"Patient"/* comment */}"#,
        r#"{"resourceType":"Patient","multipleBirthInteger":01}"#,
        r#"{"resourceType":"Patient","multipleBirthInteger":+1}"#,
        r#"{"resourceType":"Patient","multipleBirthInteger":NaN}"#,
        r#"{"resourceType":"Patient","multipleBirthInteger":0x10}"#,
        r#"{"resourceType":"Patient","language":"\ud800"}"#,
        r#"{"resourceType":"Patient","language":"\udc00\ud800"}"#,
        r#"{"resourceType":"Patient","language":"\x41"}"#,
        "{\"resourceType\":\"Patient\",\"language\":\"a\nb\"}",
        "<Patient xmlns=\"http://hl7.org/fhir\"/>",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    bodies.push(b"{\"resourceType\":\"Patient\",\"language\":\"\xff\"}".to_vec());
    bodies.push(b"{\"resourceType\":\"Patient\",\"language\":\"\xc0\xaf\"}".to_vec());
    bodies.push(b"{\"resourceType\":\"Patient\",\"language\":\"\xed\xa0\x80\"}".to_vec());
    bodies.push(format!("\u{feff}{patient}").into_bytes());
    bodies.push(format!("{patient}\0").into_bytes());
    bodies.push(patient.encode_utf16().flat_map(u16::to_le_bytes).collect());
    bodies.push(patient.encode_utf16().flat_map(u16::to_be_bytes).collect());
    bodies.push(deep("[", "]", 101).into_bytes());
    bodies.push(deep("[", "]", 100_000).into_bytes());
    bodies.push(deep("{\"a\":", "}", 100_000).into_bytes());
    bodies.push("[".repeat(1_000_000).into_bytes());
    bodies.push(format!("{{\"resourceType\":\"Patient\"{keys}}}").into_bytes());
    bodies.push(format!("{{\"resourceType\":\"Patient\"{twice}}}").into_bytes());
    bodies.push(
        format!(r#"{{"resourceType":"Patient","name":[{}]}}"#, vec!["null"; 100_000].join(",")).into_bytes(),
    );
    let base = server.http().base();
    for body in bodies {
        for (method, path) in
            [(Method::POST, "Patient"), (Method::PUT, "Patient/x"), (Method::POST, base.as_str())]
        {
            let answer = server.http().send(method, path, &[], Some(&body));
            let issues = answer.expect_error(400);
            assert!(issues["issue"].as_array().is_some_and(|all| all.len() <= 101), "a readable answer");
        }
    }
}

on_both! {
    fn a_number_is_an_nhs_number_or_it_is_not(server: &Server) {
        let Some(path) = tests::published::path("nhs-number-vectors.json") else { return };
        let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for vector in vectors["vectors"].as_array().unwrap() {
            let value = vector["value"].as_str().unwrap();
            let identifier = json!([{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": value }]);
            let patient = json!({ "resourceType": "Patient", "identifier": identifier });
            let answer = server.http().post("Patient", &patient);
            // Spaces and hyphens are for people: what is stored is ten digits.
            let ten_digits = value.len() == 10 && value.bytes().all(|byte| byte.is_ascii_digit());
            if vector["valid"] == true && ten_digits {
                answer.expect(201);
            } else if value.is_empty() {
                answer.expect_error(400);
            } else {
                let outcome = answer.expect_error(422);
                assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], "INVALID_NHS_NUMBER", "{value}");
                assert_eq!(outcome["issue"][0]["expression"][0], "Patient.identifier[0].value", "{value}");
            }
        }
    }
}

/// Members of a Bundle, the status, and code and place of every issue.
type Case<'c> = (String, u16, Vec<(&'c str, &'c str)>);

on_both! {
    fn a_posted_bundle_is_checked_like_any_resource(server: &Server) {
        let basic = r#""resource":{"resourceType":"Basic","code":{"text":"x"}}"#;
        let post = r#""request":{"method":"POST","url":"Basic"}"#;
        let good = format!("{{{basic},{post}}}");
        let three = format!("{good},{good},{good}");
        let cases: Vec<Case<'_>> = vec![
            (format!(r#""potato":1,"entry":[{good}]"#), 400, vec![("structure", "Bundle.potato")]),
            (format!(r#""entry":{good}"#), 400, vec![("structure", "Bundle.entry")]),
            (r#""entry":[]"#.to_owned(), 400, vec![("structure", "Bundle.entry")]),
            (r#""entry":["x"]"#.to_owned(), 400, vec![("structure", "Bundle.entry[0]")]),
            (format!(r#""entry":[{good},{{{basic}}}]"#), 400, vec![("required", "Bundle.entry[1].request")]),
            (
                format!(r#""entry":[{three},{{{basic},"request":{{"method":"SAVE","url":"Basic"}}}}]"#),
                400,
                vec![("code-invalid", "Bundle.entry[3].request.method")],
            ),
            (
                format!(r#""entry":[{{{basic},"request":{{"method":"POST"}}}}]"#),
                400,
                vec![("required", "Bundle.entry[0].request.url")],
            ),
            (
                format!(r#""entry":[{{{basic},"request":{{"url":"Basic"}},"x":1}}]"#),
                400,
                vec![("required", "Bundle.entry[0].request.method"), ("structure", "Bundle.entry[0].x")],
            ),
            (
                format!(r#""entry":[{{"fullUrl":"a b",{basic},{post}}}]"#),
                400,
                vec![("value", "Bundle.entry[0].fullUrl")],
            ),
            (
                format!(r#""entry":[{{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520",{basic},{post}}},{{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520",{basic},{post}}}]"#),
                422,
                vec![("invariant", "Bundle.entry[1].fullUrl")],
            ),
            (
                format!(r#""entry":[{{"fullUrl":"http://x/Basic/1/_history/2",{basic},{post}}}]"#),
                422,
                vec![("invariant", "Bundle.entry[0].fullUrl")],
            ),
            (
                format!(r#""total":1,"entry":[{{{basic},{post},"search":{{"mode":"match"}}}}]"#),
                422,
                vec![("invariant", "Bundle.total"), ("invariant", "Bundle.entry[0].search")],
            ),
            (
                format!(r#""potato":1,"entry":[{{"resource":{{"resourceType":"Basic","tomato":1,"code":{{"text":"x"}}}},{post}}}]"#),
                400,
                vec![("structure", "Bundle.potato"), ("structure", "Bundle.entry[0].resource.tomato")],
            ),
        ];
        for kind in ["transaction", "batch"] {
            for (members, status, issues) in &cases {
                let body = format!(r#"{{"resourceType":"Bundle","type":"{kind}",{members}}}"#);
                let answer = server.http().send(Method::POST, &server.http().base(), &[], Some(body.as_bytes()));
                let expected: BTreeSet<(String, String)> =
                    issues.iter().map(|(code, at)| ((*code).to_owned(), (*at).to_owned())).collect();
                assert_eq!((answer.status, told(&answer.body)), (*status, expected), "{body}: {answer}");
            }
        }
        // One that is stored is checked wholly, the resources in it too.
        let stored = format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{{{basic}}},{{"resource":{{"resourceType":"Basic"}}}}]}}"#);
        let answer = server.http().send(Method::POST, "Bundle", &[], Some(stored.as_bytes()));
        let missing = ("required".to_owned(), "Bundle.entry[1].resource.code".to_owned());
        assert_eq!((answer.status, told(&answer.body)), (400, BTreeSet::from([missing])), "{answer}");
    }
}

on_both! {
    fn an_entry_without_what_its_method_needs_is_refused(server: &Server) {
        let person = json!({ "resourceType": "Patient" });
        let entries = [
            (json!({ "request": { "method": "POST", "url": "Patient" } }), 400, "Bundle.entry[0].resource"),
            (json!({ "request": { "method": "PUT", "url": "Patient/x" } }), 400, "Bundle.entry[0].resource"),
            (json!({ "request": { "method": "PUT", "url": "Patient/x" }, "resource": person }), 400, "Bundle.entry[0].resource.id"),
            (json!({ "request": { "method": "POST", "url": "Basic" }, "resource": person }), 400, "Bundle.entry[0].resource.resourceType"),
            (json!({ "request": { "method": "POST", "url": "Patient/x" }, "resource": person }), 405, "Bundle.entry[0].request.url"),
            (json!({ "request": { "method": "GET", "url": "Potato/x" } }), 404, "Bundle.entry[0].request.url"),
            (json!({ "request": { "method": "GET", "url": "https://example.org/Patient/x" } }), 400, "Bundle.entry[0].request.url"),
            (json!({ "request": { "method": "DELETE", "url": "Patient/x", "ifMatch": "x" } }), 400, "Bundle.entry[0].request.ifMatch"),
        ];
        for (entry, status, at) in entries {
            let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
            let outcome = server.http().bundle(&bundle).expect_error(status);
            assert_eq!(outcome["issue"][0]["expression"][0], at, "{outcome:#}");
            let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": [entry] });
            let answer = server.http().bundle(&bundle).expect(200).json();
            let response = &answer["entry"][0]["response"];
            assert!(response["status"].as_str().unwrap().starts_with(&status.to_string()), "{answer:#}");
            assert_eq!(response["outcome"]["issue"][0]["expression"][0], at, "{answer:#}");
        }
    }
}

on_both! {
    fn media_types_and_methods_it_does_not_offer_are_refused(server: &Server) {
        let http = server.http();
        let body = br#"{"resourceType":"Patient"}"#;
        for kind in ["text/csv", "application/fhir+xml", "application/fhir+json; charset=utf-16", "application/fhir+json; fhirVersion=3.0", "application/x-www-form-urlencoded"] {
            http.send(Method::POST, "Patient", &[("Content-Type", kind)], Some(body)).expect_error(415);
        }
        http.send(Method::POST, "Patient/_search", &[("Content-Type", "application/fhir+json")], Some(body)).expect_error(415);
        for kind in ["image/png", "application/fhir+xml", "text/html", "application/fhir+json;q=0", "application/fhir+json; fhirVersion=3.0"] {
            http.send(Method::GET, "metadata", &[("Accept", kind)], None).expect_error(406);
        }
        for kind in ["*/*", "application/json", "text/html, application/fhir+json;q=0.1", "application/*", "application/fhir+json; fhirVersion=4.0"] {
            let answer = http.send(Method::GET, "metadata", &[("Accept", kind)], None).expect(200);
            assert!(answer.header("content-type").starts_with("application/fhir+json"), "{answer}");
        }
        for format in ["xml", "application/fhir%2Bxml", "potato", "html"] {
            http.get(&format!("metadata?_format={format}")).expect_error(406);
        }
        for format in ["json", "application/json", "application/fhir+json", "application/fhir%2Bjson"] {
            http.send(Method::GET, &format!("metadata?_format={format}"), &[("Accept", "text/html")], None).expect(200);
        }
        for (method, path, allow) in [
            (Method::PUT, "Patient/_history", "GET, HEAD"),
            (Method::DELETE, "metadata", "GET, HEAD"),
            (Method::POST, "Patient/1", "GET, HEAD, PUT, PATCH, DELETE"),
            (Method::PUT, "Patient/1/_history/1", "GET, HEAD"),
            (Method::GET, "Patient/_search/", "POST"),
            (Method::DELETE, "_history", "GET, HEAD"),
        ] {
            let answer = http.send(method, path, &[], None);
            assert_eq!(answer.header("allow"), allow, "{answer}");
            answer.expect_error(405);
        }
        for path in ["Potato", "patient/1", "Patient/1/2/3/4", "Patient/1/_histories", "$potato/x/y", "Parameters/1"] {
            http.get(path).expect_error(404);
        }
        http.get("/nowhere").expect_error(404);
    }
}
