//! FHIR R4 `http.html#trules`, conditional references: a search in place of a reference, in a transaction alone.

use super::patient;
use crate::http::{ids, reference, set};
use crate::server::unique;
use serde_json::{Value, json};

const SYSTEM: &str = "https://example.org/mrn";

fn identified(value: &str) -> Value {
    let (_, mut person) = patient();
    person["identifier"] = json!([{ "system": SYSTEM, "value": value }]);
    person
}

fn observation(subject: &str) -> Value {
    json!({
        "resourceType": "Observation", "status": "final", "code": { "text": "x" },
        "subject": { "reference": subject }
    })
}

fn post(resource: &Value) -> Value {
    json!({ "resource": resource, "request": { "method": "POST", "url": resource["resourceType"] } })
}

fn transaction(entries: &[Value]) -> Value {
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

on_both! {
    fn a_search_becomes_a_reference_to_its_one_match(server: &Server) {
        let http = server.http();
        let value = unique("mrn");
        let stored = reference(&http.create(&identified(&value)));
        let search = format!("Patient?identifier={SYSTEM}|{value}");
        let mut seen = observation(&search);
        seen["contained"] = json!([{ "resourceType": "Media", "id": "m", "status": "completed", "content": { "title": search },
            "subject": { "reference": search } }]);
        seen["derivedFrom"] = json!([{ "reference": "#m" }]);
        let answer = http.bundle(&transaction(&[post(&seen), post(&observation(&search))])).expect(200).json();
        for entry in answer["entry"].as_array().unwrap() {
            let made = http.get(entry["response"]["location"].as_str().unwrap()).expect(200).json();
            assert_eq!(made["subject"]["reference"], stored.as_str());
            if let Some(media) = made["contained"].get(0) {
                assert_eq!(media["subject"]["reference"], stored.as_str());
                assert_eq!(media["content"]["title"], search.as_str(), "text stays");
            }
        }
        let found = http.get(&format!("Observation?subject={stored}")).expect(200).json();
        assert_eq!(ids(&found).len(), 2);
    }
}

on_both! {
    fn no_match_or_several_refuse_the_transaction(server: &Server) {
        let http = server.http();
        let value = unique("mrn");
        let search = format!("Patient?identifier={SYSTEM}|{value}");
        let (mark, person) = patient();
        let bundle = transaction(&[post(&person), post(&observation(&search))]);
        let outcome = http.bundle(&bundle).expect_error(412);
        assert_eq!(outcome["issue"][0]["expression"][0], "Bundle.entry[1]");
        assert_eq!(outcome["issue"][0]["code"], "not-found");
        http.create(&identified(&value));
        http.bundle(&bundle).expect(200);
        http.create(&identified(&value));
        let outcome = http.bundle(&bundle).expect_error(412);
        assert_eq!(outcome["issue"][0]["code"], "multiple-matches");
        let found = http.get(&format!("Patient?family={mark}")).expect(200).json();
        assert_eq!(ids(&found).len(), 1, "only the one that succeeded stored anything");
        for wrong in ["Patient?", "Patient?nmae=x", "Patient?_count=1", "Patient?birthdate=never"] {
            let outcome = http.bundle(&transaction(&[post(&observation(wrong))]));
            let status = outcome.status;
            assert!([400, 412].contains(&status), "{wrong}: {outcome}");
            assert_eq!(outcome.expect_error(status)["issue"][0]["expression"][0], "Bundle.entry[0].resource");
        }
    }
}

on_both! {
    /// Step 5 of the order of processing: conditional references see what the steps before have made and removed.
    fn the_transactions_own_resources_are_found(server: &Server) {
        let http = server.http();
        let (old, new) = (unique("old"), unique("new"));
        let before = reference(&http.create(&identified(&old)));
        let search = |value: &str| format!("Patient?identifier={SYSTEM}|{value}");
        let made = http.bundle(&transaction(&[post(&observation(&search(&new))), post(&identified(&new))])).expect(200).json();
        let subject = |answer: &Value, at: usize| {
            http.get(answer["entry"][at]["response"]["location"].as_str().unwrap()).expect(200).json()["subject"]["reference"].clone()
        };
        let found = http.get(&search(&new)).expect(200).json();
        assert_eq!(set(&[subject(&made, 0).as_str().unwrap()]), ids(&found));
        // What the transaction deletes is no match.
        let delete = json!({ "request": { "method": "DELETE", "url": before } });
        http.bundle(&transaction(&[delete, post(&observation(&search(&old)))])).expect_error(412);
        // An update takes an identifier away, and gives another.
        let newer = unique("newer");
        let mut changed = identified(&newer);
        changed["id"] = json!(before.strip_prefix("Patient/"));
        let put = json!({ "resource": changed, "request": { "method": "PUT", "url": before } });
        http.bundle(&transaction(&[put.clone(), post(&observation(&search(&old)))])).expect_error(412);
        let answer = http.bundle(&transaction(&[put, post(&observation(&search(&newer)))])).expect(200).json();
        assert_eq!(subject(&answer, 1), before.as_str());
    }
}

on_both! {
    /// "In a transaction (and only in a transaction)".
    fn a_batch_or_a_create_has_none(server: &Server) {
        let http = server.http();
        let value = unique("mrn");
        http.create(&identified(&value));
        let search = format!("Patient?identifier={SYSTEM}|{value}");
        let stored = http.create(&observation(&search));
        assert_eq!(stored["subject"]["reference"], search.as_str());
    }
}
