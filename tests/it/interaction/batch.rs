//! FHIR R4 `http.html#batch`: each entry stands alone, answers in the order asked.

use super::patient;
use crate::http::reference;
use crate::server::unique;
use serde_json::json;

on_both! {
    fn entries_stand_alone_and_answer_in_order(server: &Server) {
        let (_, good) = patient();
        let stored = server.http().create(&good);
        let absent = format!("Patient/{}", unique("nobody"));
        let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": [
            { "request": { "method": "GET", "url": reference(&stored) } },
            { "request": { "method": "POST", "url": "Patient" }, "resource": { "resourceType": "Patient", "gender": 7 } },
            { "request": { "method": "POST", "url": "Patient" }, "resource": good },
            { "request": { "method": "GET", "url": absent } },
            { "request": { "method": "DELETE", "url": reference(&stored) } }
        ]});
        let answer = server.http().bundle(&bundle).expect(200).json();
        assert_eq!((&answer["resourceType"], &answer["type"]), (&json!("Bundle"), &json!("batch-response")));
        let entries = answer["entry"].as_array().unwrap();
        let statuses: Vec<&str> =
            entries.iter().map(|entry| &entry["response"]["status"].as_str().unwrap()[..3]).collect();
        assert_eq!(statuses, ["200", "400", "201", "404", "204"]);
        assert_eq!(entries[0]["resource"], stored);
        assert_eq!(entries[1]["response"]["outcome"]["resourceType"], "OperationOutcome");
        assert_eq!(entries[2]["response"]["etag"], r#"W/"1""#);
        let location = entries[2]["response"]["location"].as_str().unwrap();
        assert!(location.contains("Patient/") && location.ends_with("/_history/1"), "{location}");
        server.http().get(&reference(&stored)).expect_error(410);
    }
}

on_both! {
    fn a_bundle_of_another_type_is_refused(server: &Server) {
        for kind in ["searchset", "document", "potato"] {
            let status = if kind == "potato" { 400 } else { 422 };
            let answer = server.http().bundle(&json!({ "resourceType": "Bundle", "type": kind }));
            assert!([400, status].contains(&answer.status), "expected 400 or 422 from {answer}");
            answer.clone().expect_error(answer.status);
        }
        server.http().bundle(&json!({ "resourceType": "Patient" })).expect_error(400);
    }
}
