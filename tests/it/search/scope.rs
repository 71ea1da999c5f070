//! Where a search looks: all types, named types, and the five compartments (FHIR R4 `search.html`, "Search Contexts").

use crate::http::{Http, ids, link, set};
use crate::server::unique;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

/// One resource of each compartment's type and what refers to them, with ids `{type}-{mark}`.
struct Clinic {
    mark: String,
}

impl Clinic {
    fn new(http: &Http) -> Clinic {
        let clinic = Clinic { mark: unique("clinic") };
        let to = |name: &str| json!({ "reference": clinic.of(name) });
        let code = json!({ "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] });
        let subject = to("Patient");
        for (type_, name, members) in [
            (
                "Patient",
                "Patient",
                json!({ "gender": "female", "generalPractitioner": [to("Practitioner")] }),
            ),
            ("Patient", "Twin", json!({ "link": [{ "other": subject, "type": "seealso" }] })),
            ("Practitioner", "Practitioner", json!({ "active": true })),
            ("Device", "Device", json!({ "patient": subject })),
            ("RelatedPerson", "RelatedPerson", json!({ "patient": subject, "gender": "male" })),
            (
                "Encounter",
                "Encounter",
                json!({ "status": "finished", "class": { "code": "AMB" }, "subject": subject,
                "period": { "start": "2024-05-01" }, "participant": [{ "individual": to("Practitioner") }] }),
            ),
            (
                "Observation",
                "Observation",
                json!({ "status": "final", "code": code, "subject": subject, "effectiveDateTime": "2024-05-01",
                "encounter": to("Encounter"), "performer": [to("Practitioner"), to("RelatedPerson")], "device": to("Device") }),
            ),
            (
                "Observation",
                "Other",
                json!({ "status": "final", "code": code, "performer": [subject], "effectiveDateTime": "2024-06-01" }),
            ),
            (
                "Condition",
                "Condition",
                json!({ "code": code, "subject": subject, "encounter": to("Encounter"),
                "asserter": to("RelatedPerson"), "recordedDate": "2024-05-01" }),
            ),
            ("Organization", "Organization", json!({ "name": "Clinic" })),
        ] {
            let mut resource = json!({ "resourceType": type_, "id": clinic.id(name),
                "meta": { "tag": [{ "system": "urn:clinic", "code": clinic.mark }] } });
            resource.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            let answer = http.put(&format!("{type_}/{}", clinic.id(name)), &resource);
            assert!(answer.status < 300, "{answer}");
        }
        clinic
    }

    fn id(&self, name: &str) -> String {
        format!("{}-{}", name.to_lowercase(), self.mark)
    }

    fn of(&self, name: &str) -> String {
        let type_ = match name {
            "Twin" => "Patient",
            "Other" => "Observation",
            name => name,
        };
        format!("{type_}/{}", self.id(name))
    }

    fn all(&self, names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| self.of(name)).collect()
    }
}

/// All pages of a search, which must have one `self` link that asks the same again.
#[track_caller]
fn walk(http: &Http, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut page = http.get(path).expect(200).json();
    let own = link(&page, "self").unwrap().to_owned();
    assert_eq!(ids(&http.get(&own).expect(200).json()), ids(&page), "{own}");
    loop {
        assert_eq!(page["type"], "searchset");
        for id in ids(&page) {
            assert!(found.insert(id.clone()), "{id} stands on two pages of {path}");
        }
        match link(&page, "next") {
            Some(next) => page = http.get(next).expect(200).json(),
            None => return found,
        }
    }
}

on_both! {
    fn compartments_hold_what_the_definitions_put_there(server: &Server) {
        let http = server.http();
        let clinic = Clinic::new(http);
        let at = |name: &str, rest: &str| format!("{}/{rest}", clinic.of(name));
        for (path, expected) in [
            (at("Patient", "Observation"), clinic.all(&["Observation", "Other"])),
            (at("Patient", "Observation?code=8867-4&date=2024-05"), clinic.all(&["Observation"])),
            (at("Patient", "Observation?code=nothing"), clinic.all(&[])),
            (at("Patient", "Observation?_sort=-date&_count=1"), clinic.all(&["Observation", "Other"])),
            (at("Patient", "Patient"), clinic.all(&["Patient", "Twin"])),
            (at("Patient", "Patient?gender=female"), clinic.all(&["Patient"])),
            (at("Patient", "*"), clinic.all(&["Patient", "Twin", "RelatedPerson", "Encounter", "Observation", "Other", "Condition"])),
            (at("Patient", "*?_count=2"), clinic.all(&["Patient", "Twin", "RelatedPerson", "Encounter", "Observation", "Other", "Condition"])),
            (at("Patient", "*?_type=Condition,Observation"), clinic.all(&["Condition", "Observation", "Other"])),
            (at("Patient", "*?_type=Condition,Observation&code=8867-4&_count=1"), clinic.all(&["Condition", "Observation", "Other"])),
            (at("Patient", "*?_type=Observation&date=2024-06"), clinic.all(&["Other"])),
            (at("Patient", "*?_lastUpdated=gt2020&_type=Encounter"), clinic.all(&["Encounter"])),
            (at("Encounter", "Observation"), clinic.all(&["Observation"])),
            (at("Encounter", "Encounter"), clinic.all(&["Encounter"])),
            (at("Encounter", "*"), clinic.all(&["Encounter", "Observation", "Condition"])),
            (at("Practitioner", "Observation"), clinic.all(&["Observation"])),
            (at("Practitioner", "Patient"), clinic.all(&["Patient"])),
            (at("Practitioner", "*"), clinic.all(&["Practitioner", "Patient", "Encounter", "Observation"])),
            (at("RelatedPerson", "Condition"), clinic.all(&["Condition"])),
            (at("RelatedPerson", "*"), clinic.all(&["RelatedPerson", "Observation", "Condition"])),
            (at("Device", "Observation"), clinic.all(&["Observation"])),
            (at("Device", "*"), clinic.all(&["Device", "Observation"])),
            // Whether there is such a resource makes no difference.
            ("Patient/nobody-at-all/Observation".into(), clinic.all(&[])),
            ("Patient/nobody-at-all/*".into(), clinic.all(&[])),
        ] {
            assert_eq!(walk(http, &path), expected, "{path}");
            let (path, query) = path.split_once('?').unwrap_or((&path, ""));
            if !query.contains("_count") {
                let form = format!("{}/_search", path.trim_end_matches("/*"));
                let posted = http.send(Method::POST, &form, &FORM, Some(query.as_bytes())).expect(200);
                assert_eq!(ids(&posted.json()), expected, "POST {form} {query}");
            }
        }
        let included = http.get(&at("Patient", "Observation?_include=Observation:performer&date=2024-05")).expect(200).json();
        assert_eq!(ids(&included), clinic.all(&["Observation", "Practitioner", "RelatedPerson"]));
        let counted = http.get(&at("Patient", "*?_summary=count")).expect(200).json();
        assert_eq!(counted["total"], 7);
    }
}

on_both! {
    fn several_types_share_their_parameters(server: &Server) {
        let http = server.http();
        let clinic = Clinic::new(http);
        let tag = format!("_tag=urn:clinic|{}", clinic.mark);
        let patient = clinic.of("Patient");
        let everything = ["Patient", "Twin", "Practitioner", "Device", "RelatedPerson", "Encounter", "Observation", "Other", "Condition", "Organization"];
        for (query, expected) in [
            (tag.clone(), clinic.all(&everything)),
            (format!("{tag}&_count=3"), clinic.all(&everything)),
            (format!("{tag}&_count=3&_sort=-_lastUpdated"), clinic.all(&everything)),
            (format!("_type=Patient,Organization&{tag}"), clinic.all(&["Patient", "Twin", "Organization"])),
            (format!("{tag}&_type=Patient"), clinic.all(&["Patient", "Twin"])),
            (format!("{tag}&gender=female&_type=Patient"), clinic.all(&["Patient"])),
            (format!("{tag}&gender=male,female&_type=Patient,RelatedPerson"), clinic.all(&["Patient", "RelatedPerson"])),
            (format!("_type=Observation,Condition&subject={patient}"), clinic.all(&["Observation", "Condition"])),
            (format!("_type=Observation,Condition&code=8867-4&{tag}&_count=1"), clinic.all(&["Observation", "Condition", "Other"])),
            (format!("_type=Observation,Condition&code:not=8867-4&{tag}"), clinic.all(&[])),
            (format!("_type=Observation,Condition&encounter:missing=true&{tag}"), clinic.all(&["Other"])),
            (format!("_type=Observation,Condition&patient.gender=female&{tag}"), clinic.all(&["Observation", "Condition"])),
            (format!("_type=Observation,Condition&encounter.class=AMB&{tag}"), clinic.all(&["Observation", "Condition"])),
            (format!("_type=Patient,Practitioner&_has:Observation:performer:date=2024-05&{tag}"), clinic.all(&["Practitioner"])),
            (format!("_id={}", clinic.id("Device")), clinic.all(&["Device"])),
            (format!("{tag}&_type=Observation,Observation&date=2024-06"), clinic.all(&["Other"])),
        ] {
            assert_eq!(walk(http, &format!("/FHIR/R4?{query}")), expected, "GET ?{query}");
            if !query.contains("_count") {
                let posted = http.send(Method::POST, "_search", &FORM, Some(query.as_bytes())).expect(200);
                assert_eq!(ids(&posted.json()), expected, "POST {query}");
            }
        }
        let included = http.get(&format!("/FHIR/R4?_include=*&{tag}&_type=Observation&date=2024-05")).expect(200).json();
        assert_eq!(ids(&included), clinic.all(&["Observation", "Patient", "Encounter", "Practitioner", "RelatedPerson", "Device"]));
    }
}

on_both! {
    fn body_and_query_are_one_search(server: &Server) {
        let http = server.http();
        let clinic = Clinic::new(http);
        let path = |rest: &str| format!("{}/{rest}", clinic.of("Patient"));
        for (at, body, expected) in [
            (path("Observation/_search?date=2024-05"), "code=8867-4", vec!["Observation"]),
            (path("Observation/_search?date=2024-05"), "date=2024-06", vec![]),
            (path("Observation/_search"), "", vec!["Observation", "Other"]),
            (path("_search?_type=Condition"), "code=8867-4", vec!["Condition"]),
        ] {
            let found = http.send(Method::POST, &at, &FORM, Some(body.as_bytes())).expect(200).json();
            assert_eq!(ids(&found), clinic.all(&expected), "{at} {body}");
            let own = link(&found, "self").unwrap();
            assert!(!own.contains("_search"), "{own}");
            assert_eq!(ids(&http.get(own).expect(200).json()), clinic.all(&expected), "{own}");
        }
        for at in [path("Observation/_search"), path("_search"), "_search".into(), "Patient/_search".into()] {
            for kind in ["application/fhir+json", "application/json", "text/plain", "multipart/form-data"] {
                http.send(Method::POST, &at, &[("Content-Type", kind)], Some(b"code=x")).expect_error(415);
            }
            http.send(Method::GET, &at, &[], None).expect_error(405);
        }
        http.post(&path("Observation"), &json!({ "resourceType": "Observation" })).expect_error(405);
    }
}

on_both! {
    fn wrong_places_are_refused(server: &Server) {
        let http = server.http();
        for (path, status) in [
            ("Organization/x/Observation", 404),
            ("Organization/x/*", 404),
            ("Patient/x/Organization", 404),
            ("Patient/x/observation", 404),
            ("Patient/x/Nothing", 404),
            ("Patient/x/Observation/y", 404),
            ("Patient/a%20b/Observation", 404),
            ("Patient/x/Observation?_type=Observation", 400),
            ("Patient/x/*?_type=Organization", 400),
            ("Patient/x/*?code=x", 400),
            ("Patient/x/*?_type=Observation,Encounter&code=x", 400),
            ("Patient/x/Observation?nothing=x", 400),
            ("/FHIR/R4?name=x", 400),
            ("/FHIR/R4?_type=Patient,Observation&name=x", 400),
            ("/FHIR/R4?_type=Patient,Nobody", 400),
            ("/FHIR/R4?_type=", 400),
            ("/FHIR/R4?_type=Patient&_type=Observation", 400),
            ("/FHIR/R4?_type=Patient,Observation&_sort=name", 400),
        ] {
            let outcome = http.get(path).expect_error(status);
            assert_eq!(outcome["resourceType"], "OperationOutcome", "{path}");
        }
        let refused = http.get("Patient/x/Organization").expect_error(404);
        assert!(refused.to_string().contains("Organization is in no Patient's compartment"), "{refused}");
    }
}

on_both! {
    fn a_cursor_serves_its_compartment_alone(server: &Server) {
        let http = server.http();
        let clinic = Clinic::new(http);
        let first = http.get(&format!("{}/Observation?_count=1", clinic.of("Patient"))).expect(200).json();
        let next = link(&first, "next").unwrap();
        assert_eq!(ids(&http.get(next).expect(200).json()).len(), 1);
        for elsewhere in [clinic.of("Encounter"), "Patient/somebody-else".to_owned()] {
            let moved = next.replace(&clinic.of("Patient"), &elsewhere);
            http.get(&moved).expect_error(400);
        }
        http.get(&next.replace(&format!("/{}/Observation", clinic.of("Patient")), "/Observation")).expect_error(400);
        let batch: Value = json!({ "resourceType": "Bundle", "type": "batch", "entry": [
            { "request": { "method": "GET", "url": format!("{}/Observation?date=2024-06", clinic.of("Patient")) } },
            { "request": { "method": "GET", "url": format!("{}/*?_summary=count", clinic.of("Encounter")) } },
        ] });
        let answers = http.bundle(&batch).expect(200).json();
        assert_eq!(ids(&answers["entry"][0]["resource"]), set(&[&clinic.of("Other")]));
        assert_eq!(answers["entry"][1]["resource"]["total"], 3);
    }
}
