//! A transaction of 10,000 entries: all there or none, in memory that is bounded and time that grows with its length.
//!
//! `make bench` measures how fast; here ten times the entries may take twenty times as long, which what is quadratic would not
//! keep to.

use super::size::peak;
use crate::server::{Server, Settings, unique};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SYSTEM: &str = "https://example.org/mrn";

/// An entry of this number, marked as this test's.
type Entry = fn(usize, &str) -> Value;

fn person(number: usize, mark: &str) -> Value {
    json!({
        "resourceType": "Patient", "identifier": [{ "system": SYSTEM, "value": format!("{mark}-{number}") }],
        "name": [{ "family": format!("{mark}{number}"), "given": ["Nia"] }], "gender": "female", "birthDate": "1961-03-09"
    })
}

fn urn(number: usize) -> String {
    format!("urn:uuid:00000000-0000-4000-8000-{number:012}")
}

/// A Patient and four Observations about them, in turn, linked.
fn create(number: usize, mark: &str) -> Value {
    let subject = number / 5 * 5;
    let resource = if number == subject {
        person(number, mark)
    } else {
        json!({
            "resourceType": "Observation", "status": "final", "subject": { "reference": urn(subject) },
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] },
            "effectiveDateTime": "2024-01-01T10:00:00Z",
            "valueQuantity": { "value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min" }
        })
    };
    json!({ "fullUrl": urn(number), "resource": resource, "request": { "method": "POST", "url": resource["resourceType"] } })
}

fn update(number: usize, mark: &str) -> Value {
    let mut resource = person(number, mark);
    let id = format!("{mark}-{number}");
    resource["id"] = json!(id);
    json!({ "resource": resource, "request": { "method": "PUT", "url": format!("Patient/{id}") } })
}

fn unless_identified(number: usize, mark: &str) -> Value {
    let condition = format!("identifier={SYSTEM}|{mark}-{number}");
    json!({ "fullUrl": urn(number), "resource": person(number, mark), "request": { "method": "POST", "url": "Patient", "ifNoneExist": condition } })
}

fn unless_named(number: usize, mark: &str) -> Value {
    let condition = format!("family={mark}{number}x");
    json!({ "resource": person(number, mark), "request": { "method": "POST", "url": "Patient", "ifNoneExist": condition } })
}

fn by_condition(number: usize, mark: &str) -> Value {
    let url = format!("Patient?identifier={SYSTEM}|{mark}-{number}&_lastUpdated=gt2000");
    json!({ "resource": person(number, mark), "request": { "method": "PUT", "url": url } })
}

/// Sends a transaction of `count` entries, and answers how long it took.
fn send(server: &Server, count: usize, entry: Entry) -> Duration {
    let mark = unique("m").replace('-', "");
    let entries: Vec<Value> = (0..count).map(|number| entry(number, &mark)).collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    let started = Instant::now();
    let answer = server.http().bundle(&bundle).expect(200);
    let took = started.elapsed();
    assert_eq!(answer.json()["entry"].as_array().unwrap().len(), count);
    took
}

on_each! {
    fn time_and_memory_grow_with_the_entries(database: Database) {
        let server = Settings::open(database).start();
        send(&server, 100, create);
        let before = peak(&server);
        let mut told = Vec::new();
        let kinds: [(&str, usize, Entry); 5] = [
            ("create", 1000, create),
            ("update", 1000, update),
            ("conditional create", 300, unless_identified),
            ("conditional create by name", 300, unless_named),
            ("conditional update by a search", 100, by_condition),
        ];
        for (kind, count, entry) in kinds {
            let (few, many) = (send(&server, count, entry), send(&server, 10 * count, entry));
            told.push(format!("{kind}: {count} in {few:?}, {} in {many:?}, peak {} MiB more", 10 * count, (peak(&server) - before) / 1024));
            assert!(many < few * 20 + Duration::from_secs(2), "{told:#?}");
        }
        assert!(peak(&server) - before <= 300 * 1024, "{told:#?}");
        // And one that fails at its end leaves nothing.
        let total = || server.http().get("Patient?_summary=count").expect(200).json()["total"].clone();
        let there = total();
        let mut entries: Vec<Value> = (0..2000).map(|number| create(number, "none")).collect();
        entries.push(json!({ "request": { "method": "DELETE", "url": "Patient/nobody" } }));
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        let outcome = server.http().bundle(&bundle).expect_error(404);
        assert_eq!(outcome["issue"][0]["expression"][0], "Bundle.entry[2000]");
        assert_eq!(total(), there);
    }
}
