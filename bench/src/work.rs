//! The lines of the table that clients make: reads, searches and writes over what was loaded.

use crate::Failure;
use crate::connection::Connection;
use crate::request::{NUMBER, Request, encoded};
use serde_json::{Value, json};

/// The base of FHIR addresses.
const BASE: &str = "/FHIR/R4";

/// Body height and snomed's viral sinusitis: what nearly all patients have.
const HEIGHT: &str = "http://loinc.org|8302-2";
const SINUSITIS: &str = "http://snomed.info/sct|444814009";

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
    /// The requests, sent in turn.
    pub(crate) requests: Vec<Request>,
}

/// A loaded Patient.
struct Patient {
    id: String,
    identifier: String,
    family: String,
}

/// The loaded Patients as the server tells them.
pub(crate) struct Loaded(Vec<Patient>);

impl Loaded {
    /// Asks the server at `port`.
    pub(crate) fn ask(port: u16, token: &str) -> Result<Self, Failure> {
        let request = Request::get(&format!("{BASE}/Patient?_count=100"), Some(token));
        let mut connection = Connection::open(port)?;
        let answer = connection.exchange(&request.bytes)?;
        let bundle: Value = serde_json::from_slice(answer.body).map_err(|error| error.to_string())?;
        let entries = bundle.get("entry").and_then(Value::as_array).ok_or("no Patient was loaded")?;
        let patient = |entry: &Value| -> Option<Patient> {
            let text = |path: &str| entry.pointer(path).and_then(Value::as_str);
            let system = text("/resource/identifier/0/system")?;
            Some(Patient {
                id: text("/resource/id")?.to_owned(),
                identifier: encoded(&format!("{system}|{}", text("/resource/identifier/0/value")?)),
                family: encoded(text("/resource/name/0/family")?),
            })
        };
        let patients: Option<Vec<Patient>> = entries.iter().map(patient).collect();
        patients.map(Self).ok_or_else(|| "a Patient without identifier or name".to_owned())
    }

    /// The address of the first Patient.
    pub(crate) fn first(&self) -> Result<String, Failure> {
        self.0.first().map(|patient| format!("{BASE}/Patient/{}", patient.id)).ok_or("no Patient".to_owned())
    }

    /// A request of one token to each Patient's own address.
    fn each(&self, token: &str, path: impl Fn(&Patient) -> String) -> Vec<Request> {
        self.0.iter().map(|patient| Request::get(&format!("{BASE}/{}", path(patient)), Some(token))).collect()
    }

    /// The reads and searches, in the order of the design.
    pub(crate) fn reads(&self, token: &str) -> Vec<Line> {
        let (height, sinusitis) = (encoded(HEIGHT), encoded(SINUSITIS));
        let line = |name, floor, requests| Line { name, clients: 16, floor, limit: Limit::Live, requests };
        let each = |name, floor, path: &dyn Fn(&Patient) -> String| line(name, floor, self.each(token, path));
        let one = |name, floor, path: String| {
            line(name, floor, vec![Request::get(&format!("{BASE}/{path}"), Some(token))])
        };
        let both = |rate| Floor::Rate(rate, rate);
        vec![
            each("GET Patient/{id}", Floor::Rate(50_000.0, 30_000.0), &|p| format!("Patient/{}", p.id)),
            each("Patient?identifier=", both(35_000.0), &|p| format!("Patient?identifier={}", p.identifier)),
            each("Patient?name=", both(20_000.0), &|p| format!("Patient?name={}", p.family)),
            one(
                "Patient?birthdate=ge&gender= (20)",
                both(8_000.0),
                "Patient?birthdate=ge1950-01-01&gender=female&_count=20".to_owned(),
            ),
            each("Observation?patient=&code=&_sort=-date", both(12_000.0), &|p| {
                format!("Observation?patient={}&code={height}&_sort=-date", p.id)
            }),
            each("Observation?patient.identifier=&code=", both(5_000.0), &|p| {
                format!("Observation?patient.identifier={}&code={height}", p.identifier)
            }),
            each("MedicationRequest?patient= + 2 _include", both(8_000.0), &|p| {
                format!(
                    "MedicationRequest?patient={}&_include=MedicationRequest:requester&_include=MedicationRequest:encounter",
                    p.id
                )
            }),
            each("Observation?patient= + _include encounter", both(5_000.0), &|p| {
                format!("Observation?patient={}&_include=Observation:encounter", p.id)
            }),
            each("Patient?_id= + _revinclude Condition", both(12_000.0), &|p| {
                format!("Patient?_id={}&_revinclude=Condition:patient", p.id)
            }),
            one("Condition?code=", both(12_000.0), format!("Condition?code={sinusitis}")),
            one(
                "Observation?code=&value-quantity=gt",
                both(10_000.0),
                format!("Observation?code={height}&value-quantity=gt150"),
            ),
            one(
                "Patient?_has:Condition:patient:code=",
                both(5_000.0),
                format!("Patient?_has:Condition:patient:code={sinusitis}"),
            ),
        ]
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
        let update = |number: usize| {
            let id = format!("bench-{number}");
            let mut resource = resource.clone();
            if let Some(members) = resource.as_object_mut() {
                members.insert("id".to_owned(), json!(id));
                members.insert("issued".to_owned(), json!(format!("2026-11-25T06:00:00.{NUMBER}Z")));
            }
            let body = resource.to_string();
            Request::send("PUT", &format!("{BASE}/Observation/{id}"), token, body.as_bytes())
        };
        let line =
            |name, clients, floor, requests| Line { name, clients, floor, limit: Limit::Insert, requests };
        let creates =
            || vec![Request::send("POST", &format!("{BASE}/Observation"), token, create.as_bytes())];
        let updates = |clients: usize| (0..clients).map(update).collect();
        Ok(vec![
            line("create, durable", 8, Floor::Part(0.4), creates()),
            line("create, durable", 32, Floor::Rate(5_000.0, 5_000.0), creates()),
            line("update, durable", 8, Floor::Part(0.4), updates(8)),
            line("update, durable", 32, Floor::Rate(4_000.0, 4_000.0), updates(32)),
        ])
    }
}
