//! The lines of the table that clients make, and the Patients they are about.

use crate::Failure;
use crate::connection::Connection;
use crate::data::Data;
use crate::request::{NUMBER, Request, encoded};
use serde_json::{Value, json};

/// The base of FHIR addresses.
pub(crate) const BASE: &str = "/FHIR/R4";

/// Copies whose Patients are asked about, at most: some hundred Patients from all over the store.
const SAMPLED: usize = 10;

/// Resources that the updates are about: so many that two clients seldom meet at one.
const UPDATED: usize = 1024;

/// What a line is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// `/health/live` of the same server.
    Live,
    /// The bare insert by as many clients.
    Insert,
}

/// The rate a line must reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Floor {
    /// Answers a second on SQLite and on PostgreSQL.
    Rate(f64, f64),
    /// A part of the limit.
    Part(f64),
    /// None is set.
    None,
}

/// One line of the table.
pub(crate) struct Line {
    /// What is done.
    pub(crate) name: &'static str,
    /// By how many clients.
    pub(crate) clients: usize,
    /// What is wanted.
    pub(crate) floor: Floor,
    /// What it is compared with.
    pub(crate) limit: Limit,
    /// How many times its median latency in a store of one copy it may take in a larger one.
    pub(crate) growth: Option<f64>,
    /// The requests, sent in turn.
    pub(crate) requests: Vec<Request>,
}

/// A loaded Patient; what goes into addresses is encoded.
pub(crate) struct Patient {
    /// Its id.
    pub(crate) id: String,
    /// `system|value`, encoded.
    pub(crate) identifier: String,
    /// Its family name, encoded.
    pub(crate) family: String,
    part: String,
}

impl Patient {
    /// What the family name holds, not at its beginning.
    pub(crate) fn family_part(&self) -> &str {
        &self.part
    }
}

/// The loaded Patients that are asked about.
pub(crate) struct Loaded(pub(crate) Vec<Patient>);

impl Loaded {
    /// Asks the server at `port`, which holds `copies` of the data, for the Patients of some of them.
    pub(crate) fn ask(port: u16, token: &str, data: &Data, copies: usize) -> Result<Self, Failure> {
        let mut connection = Connection::open(port)?;
        let mut loaded = Vec::new();
        let step = copies.div_ceil(SAMPLED).max(1);
        for patient in (0..copies).step_by(step).flat_map(|copy| data.patients(copy)) {
            let identifier = encoded(&patient.identifier);
            let request = Request::get(&format!("{BASE}/Patient?identifier={identifier}"), Some(token));
            let answer = connection.exchange(&request.bytes)?;
            let bundle: Value = serde_json::from_slice(answer.body).map_err(|error| error.to_string())?;
            let id = bundle.pointer("/entry/0/resource/id").and_then(Value::as_str);
            loaded.push(Patient {
                id: id.ok_or_else(|| format!("no Patient was loaded: {bundle}"))?.to_owned(),
                identifier,
                family: encoded(&patient.family),
                part: patient.family.chars().skip(1).collect(),
            });
        }
        Ok(Self(loaded))
    }

    /// The address of the first Patient.
    pub(crate) fn first(&self) -> Result<String, Failure> {
        self.0.first().map(|patient| format!("{BASE}/Patient/{}", patient.id)).ok_or("no Patient".to_owned())
    }

    /// Creates and updates of `observation`, told of the first Patient.
    pub(crate) fn writes(&self, token: &str, observation: &Value) -> Result<Vec<Line>, Failure> {
        let mut resource = observation.clone();
        let members = resource.as_object_mut().ok_or("an Observation is an object")?;
        for member in ["id", "encounter"] {
            members.remove(member);
        }
        let subject = self.0.first().ok_or("no Patient")?;
        members.insert("subject".to_owned(), json!({ "reference": format!("Patient/{}", subject.id) }));
        let create = resource.to_string();
        // Each sending writes another value: one that is found by nothing, or one that is.
        let update = |number: usize, path: &str| {
            let id = format!("bench-{number}");
            let mut resource = resource.clone();
            if let Some(members) = resource.as_object_mut() {
                members.insert("id".to_owned(), json!(id));
            }
            if let Some(member) = resource.pointer_mut(path) {
                *member = match member {
                    Value::Number(_) => NUMBER.parse::<u64>().map_or(Value::Null, Value::from),
                    _ => json!(format!("2026-11-25T06:00:00.{NUMBER}Z")),
                };
            }
            let body = resource.to_string();
            Request::send("PUT", &format!("{BASE}/Observation/{id}"), token, body.as_bytes())
        };
        let line = |name, clients, floor, requests| Line {
            name,
            clients,
            floor,
            limit: Limit::Insert,
            growth: None,
            requests,
        };
        let creates =
            || vec![Request::send("POST", &format!("{BASE}/Observation"), token, create.as_bytes())];
        let updates = |path: &str| (0..UPDATED).map(|number| update(number, path)).collect();
        Ok(vec![
            line("create, durable", 8, Floor::Part(0.4), creates()),
            line("create, durable", 32, Floor::Rate(5_000.0, 5_000.0), creates()),
            line("update, durable", 8, Floor::Part(0.4), updates("/issued")),
            line("update, durable", 32, Floor::Rate(4_000.0, 4_000.0), updates("/issued")),
            line(
                "update of the value, durable",
                32,
                Floor::Rate(4_000.0, 4_000.0),
                updates("/valueQuantity/value"),
            ),
        ])
    }
}
