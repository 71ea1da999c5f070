//! FHIR R4 `http.html#trules`: links between the entries of a transaction, rewritten wherever the rules name.

use crate::http::reference;
use crate::server::{Server, unique};
use serde_json::{Value, json};

const PERSON: &str = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059";
const OID: &str = "urn:oid:2.16.840.1.113883.9.9";

/// Performs a transaction and answers `Type/id` of every entry.
fn perform(server: &Server, entries: &[Value]) -> Vec<String> {
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    let answer = server.http().bundle(&bundle).expect(200).json();
    let entries = answer["entry"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let location = entry["response"]["location"].as_str().expect("a location");
            location.split("/_history/").next().unwrap().to_owned()
        })
        .collect()
}

fn post(full_url: &str, resource: &Value) -> Value {
    let type_ = &resource["resourceType"];
    json!({ "fullUrl": full_url, "resource": resource, "request": { "method": "POST", "url": type_ } })
}

on_both! {
    fn every_kind_of_link_is_rewritten_and_nothing_else(server: &Server) {
        let div = |link: &str| format!(
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"{link}\">a</a><a\n href = '{link}#x'>b</a>\
             <img alt=\"{PERSON}\" src=\"{link}\"/><p title=\"href={PERSON}\">{PERSON}</p></div>"
        );
        let content = |person: &str, organization: &str| json!({
            "resourceType": "Observation",
            "implicitRules": person,
            "meta": { "source": person, "profile": [PERSON] },
            "text": { "status": "generated", "div": div(person) },
            "contained": [{
                "resourceType": "Media", "id": "m", "status": "completed",
                "subject": { "reference": person },
                "content": { "url": person, "extension": [{ "url": "urn:x", "valueReference": { "reference": organization } }] }
            }],
            "extension": [
                { "url": "urn:a", "valueReference": { "reference": person, "display": PERSON } },
                { "url": "urn:b", "valueUri": person },
                { "url": "urn:c", "valueUrl": person },
                { "url": "urn:d", "valueUuid": person },
                { "url": "urn:e", "valueOid": organization },
                { "url": "urn:f", "extension": [{ "url": "urn:g", "valueReference": { "reference": organization } }] },
                { "url": "urn:h", "valueCanonical": PERSON },
                { "url": "urn:i", "valueString": PERSON },
                { "url": "urn:j", "valueCode": PERSON },
                { "url": "urn:k", "valueMarkdown": format!("[x]({PERSON})") },
                { "url": "urn:l", "valueId": "a", "_valueId": { "extension": [{ "url": "urn:m", "valueUri": person }] } }
            ],
            "identifier": [{ "system": person, "value": PERSON, "assigner": { "reference": organization } }],
            "status": "final",
            "code": { "coding": [{ "system": person, "code": PERSON }] },
            "subject": { "reference": person },
            "performer": [
                { "reference": organization },
                { "reference": format!("{person}/_history/1") },
                { "reference": "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e0ff" },
                { "reference": "Practitioner/elsewhere" },
                { "reference": "https://example.org/Practitioner/elsewhere" }
            ],
            "derivedFrom": [{ "reference": "#m" }]
        });
        let made = perform(server, &[
            post("urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e060", &content(PERSON, OID)),
            post(PERSON, &json!({ "resourceType": "Patient", "generalPractitioner": [{ "reference": OID }] })),
            post(OID, &json!({ "resourceType": "Organization", "name": "x", "contact": [{ "extension": [{ "url": "urn:x", "valueUri": PERSON }] }] })),
        ]);
        let [observation, person, organization] = made.as_slice() else { panic!("three entries: {made:?}") };
        let stored = server.http().get(observation).expect(200).json();
        assert_eq!(super::content(&stored), content(person, organization));
        let stored = server.http().get(person).expect(200).json();
        assert_eq!(stored["generalPractitioner"][0]["reference"], *organization);
        let stored = server.http().get(organization).expect(200).json();
        assert_eq!(stored["contact"][0]["extension"][0]["valueUri"], *person);
        // What was rewritten is also what is found.
        let found = server.http().get(&format!("Observation?subject={person}")).expect(200).json();
        assert_eq!(crate::http::ids(&found), crate::http::set(&[observation]));
    }
}

on_both! {
    fn relative_links_are_relative_to_the_full_url(server: &Server) {
        let old = format!("https://old.example/fhir/Patient/{}", unique("old"));
        let id = old.rsplit('/').next().unwrap();
        let observation = |subject: &str| json!({
            "resourceType": "Observation", "status": "final", "code": { "text": "x" }, "subject": { "reference": subject }
        });
        let made = perform(server, &[
            post(&old, &json!({ "resourceType": "Patient", "id": id })),
            post("https://old.example/fhir/Observation/1", &observation(&format!("Patient/{id}"))),
            post("https://old.example/fhir/Observation/2", &observation(&old)),
            post("https://old.example/fhir/Observation/3", &observation(&format!("{old}/_history/4"))),
            post("https://other.example/fhir/Observation/4", &observation(&format!("Patient/{id}"))),
            post("urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e061", &observation(&format!("Patient/{id}"))),
        ]);
        let subject = |at: usize| server.http().get(&made[at]).expect(200).json()["subject"]["reference"].clone();
        assert_eq!(subject(1), made[0]);
        assert_eq!(subject(2), made[0]);
        assert_eq!(subject(3), format!("{}/_history/1", made[0]), "the version that is made");
        assert_eq!(subject(4), format!("Patient/{id}"), "another server's");
        assert_eq!(subject(5), format!("Patient/{id}"), "relative to nothing");
    }
}

on_both! {
    fn a_put_is_linked_to_by_its_full_url(server: &Server) {
        let id = unique("put");
        let patient = json!({ "resourceType": "Patient", "id": id });
        let put = json!({ "fullUrl": PERSON, "resource": patient, "request": { "method": "PUT", "url": format!("Patient/{id}") } });
        let basic = json!({ "resourceType": "Basic", "code": { "text": "x" }, "subject": { "reference": PERSON } });
        let made = perform(server, &[post("urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e062", &basic), put]);
        let stored = server.http().get(&made[0]).expect(200).json();
        assert_eq!((&stored["subject"]["reference"], reference(&patient)), (&json!(made[1]), made[1].clone()));
    }
}
