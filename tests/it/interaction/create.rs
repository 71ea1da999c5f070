//! FHIR R4 `http.html#create`: 201, Location, ETag, Last-Modified, the server's own id, and `Prefer`.

use super::{content, patient};
use reqwest::Method;
use serde_json::json;

on_both! {
    fn answers_201_with_location_etag_and_last_modified(server: &Server) {
        let (_, patient) = patient();
        let answer = server.http().post("Patient", &patient).expect(201);
        let location = answer.header("location");
        let prefix = format!("{}/Patient/", server.http().base());
        let rest = location.strip_prefix(&prefix).unwrap_or_else(|| panic!("Location {location}"));
        let id = rest.strip_suffix("/_history/1").unwrap_or_else(|| panic!("Location {location}"));
        assert!(!id.is_empty() && id.len() <= 64, "an id of FHIR: {id}");
        assert_eq!(answer.header("etag"), r#"W/"1""#);
        assert!(answer.header("last-modified").ends_with("GMT"), "an HTTP date");
        assert!(answer.header("content-type").starts_with("application/fhir+json"));

        let body = answer.json();
        assert_eq!((body["id"].as_str(), body["meta"]["versionId"].as_str()), (Some(id), Some("1")));
        assert!(body["meta"]["lastUpdated"].is_string(), "lastUpdated is the server's");
        assert_eq!(content(&body), patient);
    }
}

on_both! {
    fn ignores_the_id_version_and_instant_of_the_sender(server: &Server) {
        let (_, mut patient) = patient();
        let untouched = patient.clone();
        patient["id"] = json!("chosen-by-the-sender");
        patient["meta"] = json!({ "versionId": "17", "lastUpdated": "1999-01-01T00:00:00Z" });
        let stored = server.http().create(&patient);
        assert_ne!(stored["id"], "chosen-by-the-sender");
        assert_eq!(stored["meta"]["versionId"], "1");
        assert!(!stored["meta"]["lastUpdated"].as_str().unwrap().starts_with("1999"));
        assert_eq!(content(&stored), untouched);
    }
}

on_both! {
    fn prefer_return_decides_the_body(server: &Server) {
        let (_, patient) = patient();
        let body = patient.to_string();
        let send = |preference: &str| {
            server
                .http()
                .send(Method::POST, "Patient", &[("Prefer", preference)], Some(body.as_bytes()))
                .expect(201)
        };
        let minimal = send("return=minimal");
        assert!(minimal.body.is_empty(), "no body was asked for: {minimal}");
        assert_eq!(minimal.header("etag"), r#"W/"1""#);
        assert_eq!(send("return=representation").json()["resourceType"], "Patient");
        let outcome = send("return=OperationOutcome").json();
        assert_eq!(outcome["resourceType"], "OperationOutcome");
        assert!(outcome["issue"].as_array().unwrap().iter().all(|issue| issue["severity"] == "information"));
    }
}

on_both! {
    fn keeps_decimals_as_written(server: &Server) {
        let observation = concat!(
            r#"{"resourceType":"Observation","status":"final","code":{"text":"weight"},"#,
            r#""valueQuantity":{"value":1.10,"unit":"kg"}}"#
        );
        let created =
            server.http().send(Method::POST, "Observation", &[], Some(observation.as_bytes())).expect(201);
        let read = server.http().get(&created.header("location")).expect(200);
        let text = String::from_utf8(read.body).unwrap();
        assert!(text.contains(r#""value":1.10,"#), "1.10 stays 1.10: {text}");
    }
}

on_both! {
    fn refuses_a_type_that_is_not_the_one_of_the_url(server: &Server) {
        let (_, patient) = patient();
        server.http().post("Observation", &patient).expect_error(400);
        server.http().post("Potato", &json!({ "resourceType": "Potato" })).expect_error(404);
    }
}
