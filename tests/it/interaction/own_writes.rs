//! FHIR R4 `http.html#trules`: what the conditions of a transaction see of its own writes, in the order DELETE, POST, PUT and
//! PATCH, references. Whatever a search can ask is answered as if the writes before were stored, or refused with a reason.

use super::patient;
use crate::http::{ids, reference};
use crate::server::unique;
use serde_json::{Value, json};

const SYSTEM: &str = "https://example.org/mrn";

fn identified(value: &str) -> Value {
    let (_, mut person) = patient();
    person["identifier"] = json!([{ "system": SYSTEM, "value": value }]);
    person
}

fn observation(subject: &str, value: &str) -> Value {
    json!({
        "resourceType": "Observation", "status": "final", "code": { "text": "x" },
        "identifier": [{ "system": SYSTEM, "value": value }], "subject": { "reference": subject }
    })
}

/// An Observation derived from what a search finds.
fn derived(search: &str) -> Value {
    json!({
        "resourceType": "Observation", "status": "final", "code": { "text": "x" },
        "derivedFrom": [{ "reference": search }]
    })
}

/// An Observation performed by who a search finds.
fn performed(search: &str) -> Value {
    json!({
        "resourceType": "Observation", "status": "final", "code": { "text": "x" },
        "performer": [{ "reference": search }]
    })
}

fn entry(method: &str, url: &str, resource: &Value) -> Value {
    json!({ "resource": resource, "request": { "method": method, "url": url } })
}

fn post(resource: &Value) -> Value {
    entry("POST", resource["resourceType"].as_str().unwrap(), resource)
}

fn named(full_url: &str, mut entry: Value) -> Value {
    entry["fullUrl"] = json!(full_url);
    entry
}

fn unless(query: &str, resource: &Value) -> Value {
    let mut entry = post(resource);
    entry["request"]["ifNoneExist"] = json!(query);
    entry
}

fn transaction(entries: &[Value]) -> Value {
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

fn location(answer: &Value, at: usize) -> String {
    let location = answer["entry"][at]["response"]["location"].as_str().unwrap();
    location.split("/_history/").next().unwrap().to_owned()
}

fn statuses(answer: &Value) -> Vec<&str> {
    let entries = answer["entry"].as_array().unwrap();
    entries.iter().map(|entry| &entry["response"]["status"].as_str().unwrap()[..3]).collect()
}

const URN: &str = "urn:uuid:7d6c1f2e-4a51-4be0-9c0e-2f7d2a1b3c4d";

on_both! {
    /// Step 5: a search in place of a reference sees all that was made, through whatever it asks.
    fn a_reference_finds_what_is_made_through_every_kind_of_search(server: &Server) {
        let http = server.http();
        let (mark, seen) = (unique("mrn"), unique("obs"));
        let set = json!({ "resourceType": "ValueSet", "status": "active", "url": format!("https://example.org/{mark}"),
            "compose": { "include": [{ "system": "http://hl7.org/fhir/administrative-gender", "concept": [{ "code": "female" }] }] } });
        for (search, at) in [
            (format!("Patient?identifier={mark}&gender:not=male"), 0),
            (format!("Patient?_filter=identifier eq \"{SYSTEM}|{mark}\" and not (gender eq male)"), 0),
            (format!("Patient?identifier={mark}&_lastUpdated=gt2020-01-01"), 0),
            (format!("Patient?identifier={mark}&gender:in=https://example.org/{mark}"), 0),
            (format!("Patient?_has:Observation:patient:identifier={seen}"), 0),
            (format!("Observation?subject:Patient.identifier={SYSTEM}|{mark}"), 1),
            (format!("Observation?identifier={seen}&subject:Patient.gender:not=male"), 1),
        ] {
            let of = named(URN, post(&identified(&mark)));
            let user = if at == 0 { performed(&search) } else { derived(&search) };
            let bundle = transaction(&[of, post(&observation(URN, &seen)), post(&user), post(&set)]);
            let answer = http.bundle(&bundle).expect(200).json();
            let made = http.get(&location(&answer, 2)).expect(200).json();
            let found = if at == 0 { &made["performer"][0] } else { &made["derivedFrom"][0] };
            assert_eq!(found["reference"], location(&answer, at).as_str(), "{search}");
            // The same once more: now one is stored and one is made.
            let outcome = http.bundle(&bundle).expect_error(412);
            assert_eq!(outcome["issue"][0]["code"], "multiple-matches", "{search}");
            for gone in [2, 1, 0, 3] {
                http.delete(&location(&answer, gone)).expect(204);
            }
        }
    }
}

on_both! {
    /// What a negation excludes is not found, though it is not stored.
    fn a_reference_does_not_find_what_does_not_match(server: &Server) {
        let http = server.http();
        let mark = unique("mrn");
        for search in [
            format!("Patient?identifier={mark}&gender:not=female"),
            format!("Patient?identifier={mark}&_lastUpdated=lt2020-01-01"),
            format!("Patient?identifier={mark}&gender:not-in=http://hl7.org/fhir/ValueSet/none"),
            format!("Patient?identifier={mark}&_has:Observation:patient:identifier={mark}"),
            format!("Patient?_filter=identifier eq \"{SYSTEM}|{mark}\" and not (gender eq female)"),
        ] {
            let bundle = transaction(&[post(&identified(&mark)), post(&observation(&search, "x"))]);
            let answer = http.bundle(&bundle);
            assert!([400, 412].contains(&answer.status), "{search}: {answer}");
            assert_eq!(answer.clone().expect_error(answer.status)["issue"][0]["expression"][0], "Bundle.entry[1]", "{search}");
        }
        assert_eq!(ids(&http.get(&format!("Patient?identifier={mark}")).expect(200).json()), [].into());
    }
}

on_both! {
    /// A conditional create after another POST that makes what it asks for is that other.
    fn a_create_sees_the_creates_before_it(server: &Server) {
        let http = server.http();
        let (mark, seen) = (unique("mrn"), unique("obs"));
        let condition = format!("subject:Patient.identifier={mark}");
        let first = [named(URN, post(&identified(&mark))), post(&observation(URN, &seen))];
        let second = unless(&condition, &observation(URN, &seen));
        let answer = http.bundle(&transaction(&[first[0].clone(), first[1].clone(), second.clone()])).expect(200).json();
        assert_eq!(statuses(&answer), ["201", "201", "200"]);
        assert_eq!(location(&answer, 1), location(&answer, 2));
        let history = http.get(&format!("{}/_history", location(&answer, 1))).expect(200).json();
        assert_eq!(history["total"], 1, "what was on trial leaves nothing behind");
        // What a DELETE takes away is gone for the POST, at the other end of a chain too.
        let delete = json!({ "request": { "method": "DELETE", "url": location(&answer, 0) } });
        let mut alone = second;
        alone["resource"]["subject"] = json!({ "display": "nobody" });
        let again = http.bundle(&transaction(&[alone.clone(), delete])).expect(200).json();
        assert_eq!(statuses(&again), ["201", "204"]);
    }
}

on_both! {
    /// "If any resource identities (including resolved identities from conditional update/delete) overlap in steps 1-3, then
    /// the transaction SHALL fail"; what an update before takes out of a condition's sight is not selected.
    fn updates_and_deletes_see_what_is_before_them_and_never_come_to_the_same_resource(server: &Server) {
        let http = server.http();
        let (mark, other, seen) = (unique("mrn"), unique("other"), unique("obs"));
        let person = reference(&http.create(&identified(&mark)));
        let about = reference(&http.create(&observation(&person, &seen)));
        let condition = format!("Observation?subject:Patient.identifier={mark}");
        let put = entry("PUT", &condition, &observation(&person, &seen));
        let delete = json!({ "request": { "method": "DELETE", "url": condition } });
        let mut changed = identified(&other);
        changed["id"] = json!(person.strip_prefix("Patient/"));
        let change = entry("PUT", &person, &changed);
        let mut touched = observation(&person, &seen);
        touched["id"] = json!(about.strip_prefix("Observation/"));
        let touch = entry("PUT", &about, &touched);
        for overlap in [
            [json!({ "request": { "method": "DELETE", "url": about } }), put.clone()],
            [touch.clone(), put.clone()],
            [touch, delete.clone()],
            [delete, put.clone()],
            [post(&observation(&person, &unique("more"))), put.clone()],
        ] {
            let answer = http.bundle(&transaction(&overlap));
            let outcome = answer.clone().expect_error(answer.status);
            let code = &outcome["issue"][0]["details"]["coding"][0]["code"];
            assert!(code == "DUPLICATE_TARGET" || code == "TOO_MANY_MATCHES", "{answer}");
        }
        let answer = http.bundle(&transaction(&[change.clone(), put.clone()])).expect(200).json();
        assert_eq!(statuses(&answer), ["200", "201"], "the Patient has the identifier no longer");
        assert_ne!(location(&answer, 1), about);
        assert_eq!(http.get(&format!("{person}/_history")).expect(200).json()["total"], 2);
        assert_eq!(http.get(&about).expect(200).json()["meta"]["versionId"], "1");
    }
}

on_both! {
    /// A patch is seen as it leaves the resource.
    fn what_a_patch_makes_is_seen(server: &Server) {
        let http = server.http();
        let (mark, new) = (unique("mrn"), unique("new"));
        let person = reference(&http.create(&identified(&mark)));
        let data = json!([{ "op": "replace", "path": "/identifier/0/value", "value": new }]).to_string();
        let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, data);
        let binary = json!({ "resourceType": "Binary", "contentType": "application/json-patch+json", "data": data });
        let patch = entry("PATCH", &person, &binary);
        for search in [format!("Patient?identifier={mark}"), format!("Patient?identifier={mark}&_lastUpdated=gt2020")] {
            http.bundle(&transaction(&[patch.clone(), post(&observation(&search, "x"))])).expect_error(412);
        }
        for search in [format!("Patient?identifier={new}"), format!("Patient?identifier={new}&_lastUpdated=gt2020")] {
            let answer = http.bundle(&transaction(&[patch.clone(), post(&observation(&search, "x"))])).expect(200).json();
            let made = http.get(&location(&answer, 1)).expect(200).json();
            assert_eq!(made["subject"]["reference"], person.as_str(), "{search}");
        }
        assert_eq!(http.get(&format!("{person}/_history")).expect(200).json()["total"], 2);
    }
}

on_both! {
    /// A patch may link to a resource whose id is only known when the transaction is performed.
    fn a_patch_links_to_what_a_condition_finds(server: &Server) {
        let http = server.http();
        let (mark, seen) = (unique("mrn"), unique("obs"));
        let about = reference(&http.create(&observation("Patient/nobody", &seen)));
        let patch = |link: &str| json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
            { "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": "Observation.subject" },
            { "name": "value", "valueReference": { "reference": link } }] }] });
        let of = |bundle: &[Value], at: usize| {
            let answer = http.bundle(&transaction(bundle)).expect(200).json();
            let made = http.get(&about).expect(200).json();
            assert_eq!(made["subject"]["reference"], location(&answer, at).as_str());
            (location(&answer, at), made)
        };
        let create = named(URN, unless(&format!("identifier={mark}"), &identified(&mark)));
        let (made, _) = of(&[entry("PATCH", &about, &patch(URN)), create.clone()], 1);
        let (found, observation) = of(&[create, entry("PATCH", &about, &patch(URN))], 0);
        assert_eq!(made, found, "the condition finds what it made");
        assert_eq!(observation["meta"]["versionId"], "2", "the same patch changes nothing");
        let update = entry("PUT", &format!("Patient?identifier={mark}"), &identified(&mark));
        let (updated, observation) = of(&[named(URN, update), entry("PATCH", &about, &patch(URN))], 0);
        assert_eq!((updated, &observation["meta"]["versionId"]), (found.clone(), &json!("2")));
        // By a search, and of what a condition selects.
        let search = format!("Patient?identifier={mark}");
        let by = entry("PATCH", &format!("Observation?identifier={seen}"), &patch(&search));
        http.bundle(&transaction(&[entry("PATCH", &about, &patch("Patient/nobody"))])).expect(200);
        http.bundle(&transaction(&[by])).expect(200);
        let made = http.get(&about).expect(200).json();
        assert_eq!((&made["subject"]["reference"], &made["meta"]["versionId"]), (&json!(found), &json!("4")));
    }
}

on_both! {
    /// A condition that looks at a link sees what it leads to, or is refused where that is not known yet.
    fn a_condition_looks_at_links_that_are_known_or_is_refused(server: &Server) {
        let http = server.http();
        let (mark, seen) = (unique("mrn"), unique("obs"));
        let person = reference(&http.create(&identified(&mark)));
        let by_identifier = format!("identifier={mark}");
        let about = observation(URN, &seen);
        for condition in [format!("identifier={seen}&subject={person}"), format!("identifier={seen}&subject:Patient.{by_identifier}")] {
            // The POST finds the stored Patient, and the second Observation the first.
            let answer = http.bundle(&transaction(&[
                named(URN, unless(&by_identifier, &identified(&mark))),
                post(&about),
                unless(&condition, &about),
            ])).expect(200).json();
            assert_eq!(statuses(&answer), ["200", "201", "200"], "{condition}");
            assert_eq!(location(&answer, 0), person);
            assert_eq!(location(&answer, 1), location(&answer, 2));
            let made = http.get(&location(&answer, 1)).expect(200).json();
            assert_eq!((&made["subject"]["reference"], &made["meta"]["versionId"]), (&json!(person), &json!("1")));
            http.delete(&location(&answer, 1)).expect(204);
            // A PUT is resolved after the POSTs.
            let put = named(URN, entry("PUT", &format!("Patient?{by_identifier}"), &identified(&mark)));
            let outcome = http.bundle(&transaction(&[put, post(&about), unless(&condition, &about)])).expect_error(400);
            assert_eq!(outcome["issue"][0]["expression"][0], "Bundle.entry[2]", "{condition}");
            assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], "NOT_SUPPORTED");
            // Searches in place of references come last of all.
            let searched = observation(&format!("Patient?{by_identifier}"), &seen);
            let outcome = http.bundle(&transaction(&[post(&searched), unless(&condition, &about)])).expect_error(400);
            assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], "NOT_SUPPORTED", "{condition}");
        }
        // One search finds what another has led to, where that stands before.
        let searched = observation(&format!("Patient?{by_identifier}"), &seen);
        let through = format!("Observation?identifier={seen}&subject={person}");
        let answer = http.bundle(&transaction(&[post(&searched), post(&derived(&through))])).expect(200).json();
        let made = http.get(&location(&answer, 1)).expect(200).json();
        assert_eq!(made["derivedFrom"][0]["reference"], location(&answer, 0).as_str());
        http.delete(&location(&answer, 0)).expect(204);
        // What does not look at the link need not know it, nor what cannot be meant.
        let other = observation(&format!("Patient?{by_identifier}"), &unique("obs"));
        let bundle = [post(&other), unless(&format!("identifier={seen}&subject={person}"), &about)];
        let answer = http.bundle(&transaction(&bundle)).expect(200).json();
        assert_eq!(statuses(&answer), ["201", "201"]);
        http.delete(&location(&answer, 1)).expect(204);
        let put = named(URN, entry("PUT", &format!("Patient?{by_identifier}"), &identified(&mark)));
        let bundle = [put, post(&about), unless(&format!("identifier={seen}"), &about)];
        let answer = http.bundle(&transaction(&bundle)).expect(200).json();
        assert_eq!(statuses(&answer), ["200", "201", "200"]);
    }
}

guarded! {
    /// Of what the transaction makes a condition selects what its caller could search, and nothing else.
    fn a_condition_sees_of_its_own_writes_what_the_caller_may_search(server: &Server) {
        let scope = "system/Patient.cruds system/Observation.cud system/Observation.rs?code=https://example.org/c|seen";
        let app = crate::token::client_credentials(server, scope);
        for (code, expected) in [("seen", "200"), ("unseen", "201")] {
            let (mark, seen) = (unique("mrn"), unique("obs"));
            let mut about = observation(URN, &seen);
            about["code"] = json!({ "coding": [{ "system": "https://example.org/c", "code": code }] });
            for condition in [format!("identifier={seen}"), format!("subject:Patient.identifier={mark}")] {
                let bundle = [named(URN, post(&identified(&mark))), post(&about), unless(&condition, &about)];
                let answer = app.bundle(&transaction(&bundle)).expect(200).json();
                assert_eq!(statuses(&answer), ["201", "201", expected], "{code} {condition}");
                app.delete(&location(&answer, 1)).expect(204);
                app.delete(&location(&answer, 2));
                app.delete(&location(&answer, 0)).expect(204);
            }
        }
    }
}
