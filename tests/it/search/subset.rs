//! `_summary` and `_elements` (FHIR R4 `search.html#summary`, `#elements`) on searches, reads, versions and histories, the
//! mark on what is not whole, and the refusal to store it.

use super::Ward;
use crate::http::{Answer, Http, link, reference};
use reqwest::Method;
use serde_json::{Value, json};

const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// Names of the members of a resource, in order.
fn members(resource: &Value) -> Vec<&str> {
    resource.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn is_marked(resource: &Value) -> bool {
    let tags = resource["meta"]["tag"].as_array();
    tags.is_some_and(|tags| tags.iter().any(|tag| tag["system"] == SYSTEM && tag["code"] == "SUBSETTED"))
}

/// A patient with narrative, details and a managing organization of her own.
fn patient(http: &Http) -> Value {
    let organization =
        reference(&http.create(
            &json!({ "resourceType": "Organization", "name": "Ward", "telecom": [{ "value": "1" }] }),
        ));
    http.create(&json!({
        "resourceType": "Patient", "language": "en", "active": true, "birthDate": "1970-01-01",
        "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Eve</div>" },
        "name": [{ "family": "Eve" }], "photo": [{ "contentType": "image/png", "data": "AAAA" }],
        "contact": [{ "name": { "family": "Adam" } }], "managingOrganization": { "reference": organization }
    }))
}

/// What a read of `path` answers: the names of the members.
#[track_caller]
fn read(http: &Http, path: &str) -> Vec<String> {
    let resource = http.get(path).expect(200).json();
    assert!(is_marked(&resource), "{path} is marked: {resource:#}");
    assert_eq!(resource["meta"]["versionId"], "1");
    members(&resource).into_iter().map(str::to_owned).collect()
}

on_both! {
    fn a_read_gives_the_part_asked_for(server: &Server) {
        let http = server.http();
        let whole = patient(http);
        let path = reference(&whole);
        let base = ["resourceType", "id", "meta"];
        for (query, expected) in [
            ("_summary=true", vec!["active", "name", "birthDate", "managingOrganization"]),
            ("_summary=text", vec!["text"]),
            ("_summary=data", vec!["language", "active", "birthDate", "name", "photo", "contact", "managingOrganization"]),
            ("_elements=birthDate,contact", vec!["active", "birthDate", "contact"]),
            ("_elements=Patient.birthDate", vec!["active", "birthDate"]),
            ("_elements=id", vec!["active"]),
        ] {
            let mut expected: Vec<&str> = base.into_iter().chain(expected).collect();
            for address in [path.clone(), format!("{path}/_history/1")] {
                let mut found = read(http, &format!("{address}?{query}"));
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected, "{address}?{query}");
            }
        }
        for query in ["_summary=false", "_elements=Observation.code", ""] {
            assert_eq!(http.get(&format!("{path}?{query}")).expect(200).json(), whole, "{query}");
        }
        for query in ["_summary=most", "_summary=count", "_elements=potato", "_elements=", "_elements=name.family",
            "_summary=true&_summary=true", "_summary=data&_elements=name"] {
            http.get(&format!("{path}?{query}")).expect_error(400);
        }
        let etag = http.get(&format!("{path}?_summary=true")).expect(200).header("etag");
        http.send(Method::GET, &format!("{path}?_summary=true"), &[("If-None-Match", &etag)], None).expect(304);
        let pretty = http.get(&format!("{path}?_elements=id&_pretty=true")).expect(200);
        assert!(pretty.body.starts_with(b"{\n  \"resourceType\""));
    }
}

on_both! {
    fn a_search_gives_parts_of_matches_and_what_it_includes(server: &Server) {
        let http = server.http();
        let id = patient(http)["id"].as_str().unwrap().to_owned();
        let search = |query: &str| -> Vec<Value> {
            let bundle = http.get(&format!("Patient?_id={id}&_include=Patient:organization&{query}")).expect(200).json();
            assert!(link(&bundle, "self").unwrap().ends_with(query), "{bundle:#}");
            bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone()).collect()
        };
        let [patient, organization] = &search("_summary=true")[..] else { panic!() };
        assert!(is_marked(patient) && is_marked(organization));
        assert!(patient.get("contact").is_none() && organization.get("telecom").is_none());
        assert_eq!(organization["name"], "Ward");
        // The list of elements does not apply to included resources, unless it names their type.
        let [patient, organization] = &search("_elements=contact")[..] else { panic!() };
        assert!(is_marked(patient) && patient.get("name").is_none() && patient.get("contact").is_some());
        assert!(!is_marked(organization) && organization.get("telecom").is_some());
        let [patient, organization] = &search("_elements=Organization.telecom,Patient.name")[..] else { panic!() };
        assert_eq!(members(organization), ["resourceType", "id", "meta", "telecom"]);
        assert_eq!(members(patient), ["resourceType", "id", "meta", "active", "name"]);
        let count = http.get(&format!("Patient?_id={id}&_summary=count&_count=10")).expect(200).json();
        assert_eq!((&count["total"], count.get("entry")), (&json!(1), None));
    }
}

on_both! {
    fn a_history_gives_parts_of_versions(server: &Server) {
        let http = server.http();
        let path = reference(&patient(http));
        http.delete(&path);
        let history = http.get(&format!("{path}/_history?_elements=birthDate")).expect(200).json();
        let entries = history["entry"].as_array().unwrap();
        assert_eq!((entries.len(), entries[0].get("resource")), (2, None));
        assert_eq!(members(&entries[1]["resource"]), ["resourceType", "id", "meta", "active", "birthDate"]);
        assert!(link(&history, "self").unwrap().ends_with("?_elements=birthDate"));
        let count = http.get(&format!("{path}/_history?_summary=count")).expect(200).json();
        assert_eq!((&count["total"], count.get("entry")), (&json!(2), None));
        http.get(&format!("{path}/_history?_elements=potato")).expect_error(400);
    }
}

on_both! {
    fn a_summary_as_text_brings_nothing_along(server: &Server) {
        let http = server.http();
        let id = patient(http)["id"].as_str().unwrap().to_owned();
        let query = format!("Patient?_id={id}&_include=Patient:organization&_summary=text");
        assert!(http.get(&query).expect_error(400).to_string().contains("_include"));
        let lenient = http.send(Method::GET, &query, &[("Prefer", "handling=lenient")], None).expect(200).json();
        let entries = lenient["entry"].as_array().unwrap();
        let modes: Vec<&str> = entries.iter().map(|entry| entry["search"]["mode"].as_str().unwrap()).collect();
        assert_eq!(modes, ["match", "outcome"]);
        assert!(!link(&lenient, "self").unwrap().contains("_include"));
    }
}

on_both! {
    fn a_part_is_never_stored_over_the_whole(server: &Server) {
        let http = server.http();
        let whole = patient(http);
        let path = reference(&whole);
        let part = http.get(&format!("{path}?_elements=birthDate")).expect(200).json();
        let refused = |answer: Answer| {
            let outcome = answer.expect_error(422);
            assert_eq!(outcome["issue"][0]["expression"][0], "Patient.meta.tag", "{outcome:#}");
        };
        refused(http.put(&path, &part));
        let entry = json!({ "resource": part, "request": { "method": "PUT", "url": path } });
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
        http.bundle(&bundle).expect_error(422);
        assert_eq!(http.get(&path).expect(200).json(), whole);
    }
}

on_both! {
    fn entries_of_a_batch_read_parts(server: &Server) {
        let http = server.http();
        let ward = Ward::new(http);
        let request = |url: String| json!({ "request": { "method": "GET", "url": url } });
        let urls = [format!("{}?_elements=gender", ward.patients[0]), format!("Patient?_tag={}&_summary=true", ward.tag)];
        let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": urls.map(request) });
        let answers = http.bundle(&bundle).expect(200).json();
        assert_eq!(members(&answers["entry"][0]["resource"]), ["resourceType", "id", "meta", "gender"]);
        let found = answers["entry"][1]["resource"]["entry"].as_array().unwrap();
        assert!(found.len() == 3 && found.iter().all(|entry| is_marked(&entry["resource"])));
    }
}
