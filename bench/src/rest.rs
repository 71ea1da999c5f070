//! The lines of the table for the rest of the RESTful API: patches, conditional creates, transactions, histories.

use crate::Failure;
use crate::connection::Connection;
use crate::request::{NUMBER, Request};
use crate::work::{BASE, Floor, Limit, Line, Loaded};
use serde_json::{Value, json};

/// The line of patches.
pub(crate) const PATCH: &str = "JSON Patch, durable";

/// Resources that the patches are about, which the updates have made.
const PATCHED: usize = 1024;

/// Entries of a transaction that is measured many times.
const ENTRIES: usize = 100;

/// Entries of a large one: as many as the server takes.
const MOST_ENTRIES: usize = 10_000;

/// The lines. Patches change the resources of [`prepare`].
pub(crate) fn lines(loaded: &Loaded, token: &str, observation: &Value) -> Result<Vec<Line>, Failure> {
    let line =
        |name, clients, floor, limit, requests| Line { name, clients, floor, limit, growth: None, requests };
    let patch = |number: usize| {
        let value = format!("2026-11-25T06:00:00.{NUMBER}Z");
        let body = json!([{ "op": "replace", "path": "/issued", "value": value }]).to_string();
        let path = format!("{BASE}/Observation/bench-{number}");
        Request::typed("PATCH", &path, token, ("application/json-patch+json", ""), body.as_bytes())
    };
    let resource = about(observation, &loaded.first()?)?;
    // Each sending has an identifier of its own: nothing has it, and it is made; or the same: it is there.
    let create = |value: &str| {
        let mut resource = resource.clone();
        let system = "http://binnacle.example/bench";
        if let Some(members) = resource.as_object_mut() {
            members.insert("identifier".to_owned(), json!([{ "system": system, "value": value }]));
        }
        let condition = format!("If-None-Exist: identifier={system}|{value}\r\n");
        let body = resource.to_string();
        let path = format!("{BASE}/Observation");
        Request::typed("POST", &path, token, ("application/fhir+json", &condition), body.as_bytes())
    };
    let transaction = Request::send("POST", BASE, token, bundle(&resource, ENTRIES).as_bytes());
    let page = Request::get(&format!("{BASE}/Observation/_history?_count=20"), Some(token));
    let of_one = Request::get(&format!("{}/_history?_count=20", loaded.first()?), Some(token));
    let none = Floor::None;
    Ok(vec![
        line(PATCH, 32, none, Limit::Insert, (0..PATCHED).map(patch).collect()),
        line("conditional create of what is new, durable", 32, none, Limit::Insert, vec![create(NUMBER)]),
        line("conditional create of what is there", 32, none, Limit::Insert, vec![create("there")]),
        line("transaction of 100 creates, durable", 4, none, Limit::Insert, vec![transaction]),
        line("history page of a type", 16, none, Limit::Live, vec![page]),
        line("history page of a resource", 16, none, Limit::Live, vec![of_one]),
    ])
}

/// Sees to it that the resources are there which the patches are about: the updates make them, but need not have run.
pub(crate) fn prepare(port: u16, token: &str, loaded: &Loaded, observation: &Value) -> Result<(), Failure> {
    let mut connection = Connection::open(port)?;
    let mut resource = about(observation, &loaded.first()?)?;
    for number in 0..PATCHED {
        let id = format!("bench-{number}");
        let path = format!("{BASE}/Observation/{id}");
        if let Some(members) = resource.as_object_mut() {
            members.insert("id".to_owned(), json!(id));
        }
        let request = Request::send("PUT", &path, token, resource.to_string().as_bytes());
        let answer = connection.exchange(&request.bytes)?;
        if !matches!(answer.status, 200 | 201) {
            return Err(format!("PUT {path}: {}", answer.status));
        }
    }
    Ok(())
}

/// A transaction of as many entries as the server takes, each with its own link to the first.
pub(crate) fn large(observation: &Value) -> Result<String, Failure> {
    Ok(bundle(&about(observation, FIRST)?, MOST_ENTRIES))
}

/// The `fullUrl` of the first entry.
const FIRST: &str = "urn:uuid:7d6c1f2e-4a51-4be0-9c0e-2f7d2a1b3c4d";

/// The Observation without what the server gives, about a Patient at this address.
fn about(observation: &Value, patient: &str) -> Result<Value, Failure> {
    let mut resource = observation.clone();
    let members = resource.as_object_mut().ok_or("an Observation is an object")?;
    for member in ["id", "encounter"] {
        members.remove(member);
    }
    let reference = patient.strip_prefix(&format!("{BASE}/")).unwrap_or(patient);
    members.insert("subject".to_owned(), json!({ "reference": reference }));
    Ok(resource)
}

/// A transaction that makes a Patient and Observations of this kind.
fn bundle(observation: &Value, entries: usize) -> String {
    let patient = json!({ "resourceType": "Patient", "name": [{ "family": "Bench" }] });
    let first =
        json!({ "fullUrl": FIRST, "resource": patient, "request": { "method": "POST", "url": "Patient" } });
    let other = json!({ "resource": observation, "request": { "method": "POST", "url": "Observation" } });
    let all: Vec<&Value> = std::iter::once(&first).chain((1..entries).map(|_| &other)).collect();
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": all }).to_string()
}
