//! From the definition of a search parameter to its end: indexing, searching by it in every place, changing, leaving.

use super::{parameter, searchable};
use crate::database::{Database, execute};
use crate::http::{ids, set};
use crate::reindex::{check, until_idle};
use crate::server::{Server, Settings};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn patient(id: &str, order: Option<i64>, organization: Option<&str>) -> Value {
    let mut patient = json!({ "resourceType": "Patient", "id": id, "name": [{ "family": "Ostler" }] });
    if let Some(order) = order {
        patient["multipleBirthInteger"] = order.into();
    }
    if let Some(organization) = organization {
        let reference = format!("Organization/{organization}");
        patient["contact"] = json!([{ "gender": "female", "organization": { "reference": reference } }]);
    }
    patient
}

/// A server with 150 patients of whom three have an order of birth, two of them an organization as contact, and an
/// observation about each of the three.
fn filled(database: Database) -> Server {
    let server = Settings::open(database).start();
    let http = server.http();
    let organization = json!({ "resourceType": "Organization", "id": "o1", "name": "Armley Surgery" });
    http.put("Organization/o1", &organization).expect(201);
    http.put("Organization/o2", &json!({ "resourceType": "Organization", "id": "o2", "name": "Leeds" }))
        .expect(201);
    for number in 0..150 {
        let (order, organization) = match number {
            3 => (Some(2), Some("o1")),
            70 => (Some(3), Some("o2")),
            149 => (Some(1), None),
            _ => (None, None),
        };
        let id = format!("p{number}");
        http.put(&format!("Patient/{id}"), &patient(&id, order, organization)).expect(201);
        if let Some(order) = order {
            let about = json!({ "resourceType": "Observation", "id": format!("b{order}"), "status": "final",
                "code": { "text": "x" }, "subject": { "reference": format!("Patient/{id}") } });
            http.put(&format!("Observation/b{order}"), &about).expect(201);
        }
    }
    server
}

#[track_caller]
fn finds(server: &Server, search: &str, expected: &[&str]) {
    let found = server.http().get(search).expect(200).json();
    assert_eq!(ids(&found), set(expected), "{search}");
}

const ORDER: &str = "Patient.multipleBirth.as(integer)";

on_each! {
    fn a_parameter_is_indexed_and_then_searched_by_everywhere(database: Database) {
        let server = filled(database);
        let http = server.http();
        // Nobody knows it as a draft.
        let mut own = parameter("order", "Patient", "birth-order", "number", ORDER);
        own["status"] = "draft".into();
        http.put("SearchParameter/order", &own).expect(201);
        let unknown = http.get("Patient?birth-order=2").expect_error(400);
        assert!(unknown.to_string().contains("UNKNOWN_PARAMETER"), "{unknown}");
        own["status"] = "active".into();
        http.put("SearchParameter/order", &own).expect(200);
        // As if another process had the work and were slow.
        execute(server.database_url(), "UPDATE job SET owner = 'another', lease_us = 9000000000000000000");
        for search in ["Patient?birth-order=2", "Observation?patient.birth-order=2", "Patient?_sort=birth-order"] {
            let waits = http.get(search).expect_error(400);
            assert!(waits.to_string().contains("being indexed"), "{search}: {waits}");
        }
        let listed = |address: &str| http.get(address).expect(200).json().to_string().contains("\"birth-order\"");
        let documents = ["metadata", "/openapi.json", "/openapi/Patient.json"];
        assert!(!documents.iter().any(|document| listed(document)), "it is listed before it can be searched by");
        execute(server.database_url(), "UPDATE job SET lease_us = 0");
        // What is written meanwhile is found too, and what is changed is found by what it is now.
        http.put("Patient/late", &patient("late", Some(2), None)).expect(201);
        http.put("Patient/p70", &patient("p70", Some(4), Some("o2"))).expect(200);
        let found = searchable(http, "Patient?birth-order=2");
        assert_eq!(ids(&found), set(&["Patient/p3", "Patient/late"]));
        assert!(documents.iter().all(|document| listed(document)), "it is not listed everywhere");
        finds(&server, "Patient?birth-order=4", &["Patient/p70"]);
        finds(&server, "Patient?birth-order=3", &[]);
        finds(&server, "Patient?birth-order=ge2", &["Patient/p3", "Patient/p70", "Patient/late"]);
        finds(&server, "Patient?birth-order=1,4&family=ostler", &["Patient/p149", "Patient/p70"]);
        finds(&server, "Patient?birth-order:missing=false&birth-order=lt2", &["Patient/p149"]);
        finds(&server, "Observation?patient.birth-order=gt1", &["Observation/b2", "Observation/b3"]);
        finds(&server, "Observation?subject:Patient.birth-order=1", &["Observation/b1"]);
        let sorted = http.get("Patient?birth-order:missing=false&_sort=-birth-order,_id").expect(200).json();
        let order: Vec<&str> = sorted["entry"].as_array().unwrap().iter().map(|entry| entry["resource"]["id"].as_str().unwrap()).collect();
        assert_eq!(order, ["p70", "late", "p3", "p149"]);
        check(&server);
    }
}

on_each! {
    fn a_reference_of_our_own_chains_and_includes(database: Database) {
        let server = filled(database);
        let http = server.http();
        let mut own = parameter("contact", "Patient", "contact-organization", "reference", "Patient.contact.organization");
        own["target"] = json!(["Organization"]);
        http.put("SearchParameter/contact", &own).expect(201);
        http.put("SearchParameter/order", &parameter("order", "Patient", "birth-order", "number", ORDER)).expect(201);
        http.put("SearchParameter/sex", &parameter("sex", "Patient", "contact-gender", "token", "Patient.contact.gender")).expect(201);
        let found = searchable(http, "Patient?contact-organization=Organization/o1");
        assert_eq!(ids(&found), set(&["Patient/p3"]));
        searchable(http, "Patient?birth-order=1");
        searchable(http, "Patient?contact-gender=male");
        finds(&server, "Patient?contact-organization.name=armley", &["Patient/p3"]);
        finds(&server, "Patient?contact-organization:Organization=o2", &["Patient/p70"]);
        finds(&server, "Organization?_has:Patient:contact-organization:birth-order=3", &["Organization/o2"]);
        finds(&server, "Patient?birth-order=2&_include=Patient:contact-organization", &["Patient/p3", "Organization/o1"]);
        finds(&server, "Patient?birth-order=2&_include=*", &["Patient/p3", "Organization/o1"]);
        finds(&server, "Organization?name=leeds&_revinclude=Patient:contact-organization", &["Organization/o2", "Patient/p70"]);
        finds(&server, "Patient?contact-gender=female", &["Patient/p3", "Patient/p70"]);
        finds(&server, "Patient?contact-gender:not=male&birth-order=ge1", &["Patient/p3", "Patient/p70", "Patient/p149"]);
        // It is told, without a restart.
        let patient = |statement: &Value| {
            let types = statement["rest"][0]["resource"].as_array().unwrap();
            types.iter().find(|type_| type_["type"] == "Patient").unwrap().clone()
        };
        let told = patient(&http.get("metadata").expect(200).json());
        let names = |of: &Value| -> Vec<String> {
            of["searchParam"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
        };
        assert!(names(&told).iter().any(|name| name == "contact-organization"));
        assert!(told["searchInclude"].as_array().unwrap().contains(&json!("Patient:contact-organization")));
        let document = http.get("/openapi/Patient.json").expect(200).json().to_string();
        assert!(document.contains("contact-organization") && document.contains("birth-order"));
        // Retired, it is gone at once, and its rows soon after.
        own["status"] = "retired".into();
        http.put("SearchParameter/contact", &own).expect(200);
        http.get("Patient?contact-organization=Organization/o1").expect_error(400);
        http.get("Patient?_include=Patient:contact-organization").expect_error(400);
        let told = patient(&http.get("metadata").expect(200).json());
        assert!(!names(&told).iter().any(|name| name == "contact-organization"));
        assert!(!http.get("/openapi/Patient.json").expect(200).json().to_string().contains("contact-organization"));
        until_idle(&server);
        check(&server);
        finds(&server, "Patient?birth-order=2", &["Patient/p3"]);
    }
}

on_each! {
    fn a_changed_expression_is_indexed_anew_and_a_deleted_parameter_leaves(database: Database) {
        let server = filled(database);
        let http = server.http();
        let mut own = parameter("kin", "Patient", "kin", "token", "Patient.contact.gender");
        http.put("SearchParameter/kin", &own).expect(201);
        searchable(http, "Patient?kin=female");
        finds(&server, "Patient?kin=female", &["Patient/p3", "Patient/p70"]);
        // Words about it change nothing that is found.
        own["description"] = "Said better".into();
        http.put("SearchParameter/kin", &own).expect(200);
        finds(&server, "Patient?kin=female", &["Patient/p3", "Patient/p70"]);
        assert!(http.get("metadata").expect(200).json().to_string().contains("Said better"));
        own["expression"] = "Patient.contact.where(gender='female').organization".into();
        own["type"] = "reference".into();
        http.put("SearchParameter/kin", &own).expect(200);
        http.get("Patient?kin=female").expect_error(400);
        let found = searchable(http, "Patient?kin=Organization/o2");
        assert_eq!(ids(&found), set(&["Patient/p70"]));
        finds(&server, "Patient?kin.name=armley", &["Patient/p3"]);
        until_idle(&server);
        check(&server);
        http.delete("SearchParameter/kin").expect(204);
        http.get("Patient?kin=Organization/o2").expect_error(400);
        until_idle(&server);
        check(&server);
        // The code is free for another.
        http.put("SearchParameter/other", &parameter("other", "Patient", "kin", "token", "Patient.contact.gender")).expect(201);
        let found = searchable(http, "Patient?kin=female");
        assert_eq!(ids(&found), set(&["Patient/p3", "Patient/p70"]));
    }
}

on_each! {
    fn a_composite_of_our_own_is_of_one_element(database: Database) {
        let server = Settings::open(database).start();
        let http = server.http();
        let pressure = |id: &str, code: &str, value: i64, other: i64| {
            let component = |code: &str, value: i64| json!({ "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
                "valueInteger": value });
            let whole = json!({ "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "x" },
                "component": [component(code, value), component("other", other)] });
            http.put(&format!("Observation/{id}"), &whole).expect(201);
        };
        pressure("a", "score", 7, 1);
        pressure("b", "score", 1, 7);
        let mut own = parameter("scored", "Observation", "component-status", "composite", "Observation.component");
        own["component"] = json!([
            { "definition": "http://hl7.org/fhir/SearchParameter/Observation-component-code", "expression": "code" },
            { "definition": "http://hl7.org/fhir/SearchParameter/clinical-code", "expression": "code" },
        ]);
        http.put("SearchParameter/scored", &own).expect(201);
        let found = searchable(http, "Observation?component-status=score$score");
        assert_eq!(ids(&found), set(&["Observation/a", "Observation/b"]));
        finds(&server, "Observation?component-status=score$other", &[]);
        check(&server);
    }
}

on_each! {
    fn a_killed_server_goes_on_with_the_indexing(database: Database) {
        let server = filled(database);
        server.http().put("SearchParameter/order", &parameter("order", "Patient", "birth-order", "number", ORDER)).expect(201);
        // No parameter is ready before all processes have had time to hear of it: it is killed in the middle.
        server.http().get("Patient?birth-order=2").expect_error(400);
        std::thread::sleep(Duration::from_millis(1500));
        server.http().get("Patient?birth-order=2").expect_error(400);
        let server = server.restart();
        server.http().get("Patient?birth-order=2").expect_error(400);
        let started = Instant::now();
        let found = searchable(server.http(), "Patient?birth-order=2");
        // The lease of the process that was killed ends after 15 seconds.
        assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
        assert_eq!(ids(&found), set(&["Patient/p3"]));
        check(&server);
    }
}
