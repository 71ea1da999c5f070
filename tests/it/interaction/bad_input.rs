//! What cannot be parsed or breaks the base structure: 400 (422 for rules above it), the FHIRPath of every fault,
//! and nothing stored.

use crate::http::{ids, set};
use crate::server::unique;
use reqwest::Method;
use serde_json::{Value, json};

/// A fault: what is sent as a Patient (the mark is put where `{mark}` stands), the status, and the FHIRPath named.
const FAULTS: &[(&str, u16, &str)] = &[
    (r#""potato":1"#, 400, "Patient.potato"),
    (r#""gender":"potato""#, 400, "Patient.gender"),
    (r#""gender":["female"]"#, 400, "Patient.gender"),
    (r#""gender":7"#, 400, "Patient.gender"),
    (r#""gender":"""#, 400, "Patient.gender"),
    (r#""gender":null"#, 400, "Patient.gender"),
    (r#""active":"true""#, 400, "Patient.active"),
    (r#""birthDate":"2024-02-30""#, 400, "Patient.birthDate"),
    (r#""birthDate":"24-02-03""#, 400, "Patient.birthDate"),
    (r#""multipleBirthInteger":2147483648"#, 400, "Patient.multipleBirth"),
    (r#""multipleBirthInteger":1.5"#, 400, "Patient.multipleBirth"),
    (r#""multipleBirthInteger":1,"multipleBirthBoolean":true"#, 400, "Patient.multipleBirth"),
    (r#""deceasedString":"yes""#, 400, "Patient.deceased"),
    (r#""address":{"city":"Leeds"}"#, 400, "Patient.address"),
    (r#""address":[]"#, 400, "Patient.address"),
    (r#""address":[{}]"#, 400, "Patient.address[0]"),
    (r#""telecom":[{"rank":0}]"#, 400, "Patient.telecom[0].rank"),
    (r#""photo":[{"data":"not base64!"}]"#, 400, "Patient.photo[0].data"),
    (r#""_birthDate":{"potato":1}"#, 400, "Patient._birthDate"),
    (r#""address":[{"line":["a","b"],"_line":[{"id":"x"}]}]"#, 400, "Patient.address[0]._line"),
    (r#""extension":[{"valueString":"no url"}]"#, 400, "Patient.extension[0]"),
    (r#""link":[{"other":{"reference":"Patient/1"}}]"#, 400, "Patient.link[0].type"),
    (r##""managingOrganization":{"reference":"#gone"}"##, 400, "Patient.managingOrganization"),
    (r#""contained":[{"resourceType":"Organization","id":"a","contained":[]}]"#, 400, "Patient.contained[0]"),
    (
        r#""text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script></div>"}"#,
        400,
        "Patient.text.div",
    ),
    (
        r#""text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p onclick=\"x()\">y</p></div>"}"#,
        400,
        "Patient.text.div",
    ),
    (
        r#""identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9449306690"}]"#,
        422,
        "Patient.identifier[0].value",
    ),
];

on_both! {
    fn names_the_path_of_the_fault_and_stores_nothing(server: &Server) {
        let mark = unique("Fault");
        let mut wrong = Vec::new();
        for (fault, status, path) in FAULTS {
            let body = format!(r#"{{"resourceType":"Patient","name":[{{"family":"{mark}"}}],{fault}}}"#);
            let answer = server.http().send(Method::POST, "Patient", &[], Some(body.as_bytes()));
            let outcome: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let named = outcome["issue"].as_array().is_some_and(|issues| {
                issues.iter().any(|issue| {
                    issue["expression"].as_array().is_some_and(|all| {
                        all.iter().any(|one| one.as_str().is_some_and(|text| text.starts_with(path)))
                    })
                })
            });
            if ![*status, 422].contains(&answer.status) || !named {
                wrong.push(format!("{fault}: expected {status} and {path}, got {answer}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} faults:\n{}", wrong.len(), FAULTS.len(), wrong.join("\n"));
        let found = server.http().get(&format!("Patient?family={mark}")).expect(200).json();
        assert_eq!(ids(&found), set(&[]), "nothing refused is stored");
    }
}

on_both! {
    fn reports_all_faults_not_the_first(server: &Server) {
        let body = json!({ "resourceType": "Patient", "potato": 1, "gender": "x", "birthDate": "2024-13-01" });
        let outcome = server.http().post("Patient", &body).expect_error(400);
        let text = outcome.to_string();
        for path in ["Patient.potato", "Patient.gender", "Patient.birthDate"] {
            assert!(text.contains(path), "{path} is missing in {outcome:#}");
        }
    }
}

on_both! {
    fn refuses_what_is_not_a_document(server: &Server) {
        let deep = format!(r#"{{"resourceType":"Patient","extension":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
        let number = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1e400}}"#;
        for body in [
            "", "{", "null", "[]", "7", "\u{feff}{}", "{}", r#"{"resourceType":7}"#,
            r#"{"resourceType":"Patient"} trailing"#, r#"{"resourceType":"Patient"}{"resourceType":"Patient"}"#,
            r#"{"resourceType":"Patient","gender":"male","gender":"female"}"#, r#"{"resourceType":"Patient",}"#,
            r#"{"resourceType":"Patient","id":"no spaces please"}"#, &deep,
        ] {
            server.http().send(Method::POST, "Patient", &[], Some(body.as_bytes())).expect_error(400);
        }
        server.http().send(Method::POST, "Observation", &[], Some(number.as_bytes())).expect_error(400);
        server.http().send(Method::POST, "Patient", &[], Some(b"{\"resourceType\":\"Patient\",\"id\":\"\xff\"}")).expect_error(400);
    }
}

on_both! {
    waits "for content negotiation";
    fn refuses_media_types_it_does_not_speak(server: &Server) {
        let body = br#"{"resourceType":"Patient"}"#;
        server.http().send(Method::POST, "Patient", &[("Content-Type", "text/csv")], Some(body)).expect_error(415);
        server.http().send(Method::GET, "Patient/1", &[("Accept", "image/png")], None).expect_error(406);
        server.http().send(Method::PUT, "Patient", &[], Some(body)).expect_error(405);
    }
}
