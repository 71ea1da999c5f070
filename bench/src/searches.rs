//! The reads and searches over what was loaded: those of the design, and those whose cost may grow with the store.

use crate::data::VALUE_SET;
use crate::request::{Request, encoded};
use crate::work::{BASE, Floor, Limit, Line, Loaded, Patient};

/// Body height, and snomed's viral sinusitis: what nearly all patients have.
const HEIGHT: &str = "http://loinc.org|8302-2";
const SINUSITIS: &str = "http://snomed.info/sct|444814009";

/// How much slower a search of one patient may be in a store of a hundred times the size, and one of few resources of all
/// patients.
const SCOPED: Option<f64> = Some(1.5);
const SELECTIVE: Option<f64> = Some(2.0);

/// A line of one address for each Patient, or of one address.
type Each = (&'static str, Floor, Option<f64>, fn(&Patient) -> String);
type One = (&'static str, Floor, Option<f64>, fn() -> String);

const fn both(rate: f64) -> Floor {
    Floor::Rate(rate, rate)
}

/// Searches for each Patient.
const OF_PATIENTS: &[Each] = &[
    ("GET Patient/{id}", Floor::Rate(50_000.0, 30_000.0), SCOPED, |p| format!("Patient/{}", p.id)),
    ("Patient?identifier=", both(35_000.0), SELECTIVE, |p| format!("Patient?identifier={}", p.identifier)),
    ("Patient?name=", both(20_000.0), SELECTIVE, |p| format!("Patient?name={}", p.family)),
    ("Observation?patient=&code=&_sort=-date", both(12_000.0), SCOPED, |p| {
        format!("Observation?patient={}&code={}&_sort=-date", p.id, encoded(HEIGHT))
    }),
    ("Observation?patient.identifier=&code=", both(5_000.0), SCOPED, |p| {
        format!("Observation?patient.identifier={}&code={}", p.identifier, encoded(HEIGHT))
    }),
    ("MedicationRequest?patient= + 2 _include", both(8_000.0), SCOPED, |p| {
        format!(
            "MedicationRequest?patient={}&_include=MedicationRequest:requester&_include=MedicationRequest:encounter",
            p.id
        )
    }),
    ("Observation?patient= + _include encounter", both(5_000.0), SCOPED, |p| {
        format!("Observation?patient={}&_include=Observation:encounter", p.id)
    }),
    ("Patient?_id= + _revinclude Condition", both(12_000.0), SCOPED, |p| {
        format!("Patient?_id={}&_revinclude=Condition:patient", p.id)
    }),
    ("Observation?patient=&category=laboratory&_sort=-date", Floor::None, SCOPED, |p| {
        format!("Observation?patient={}&category=laboratory&_sort=-date", p.id)
    }),
    ("Observation?patient=&code:in= (200 codes)", Floor::None, SCOPED, |p| {
        format!("Observation?patient={}&code:in={}", p.id, encoded(VALUE_SET))
    }),
    ("DiagnosticReport?result.encounter.patient.identifier=", Floor::None, SCOPED, |p| {
        format!("DiagnosticReport?result.encounter.patient.identifier={}", p.identifier)
    }),
    ("Patient?name:contains=", Floor::None, SELECTIVE, |p| {
        format!("Patient?name:contains={}", encoded(p.family_part()))
    }),
];

/// Searches over all Patients.
const OF_ALL: &[One] = &[
    ("Patient?birthdate=ge&gender= (20)", both(8_000.0), SELECTIVE, || {
        "Patient?birthdate=ge1950-01-01&gender=female&_count=20".to_owned()
    }),
    ("Condition?code=", both(12_000.0), SELECTIVE, || format!("Condition?code={}", encoded(SINUSITIS))),
    ("Observation?code=&value-quantity=gt", both(10_000.0), SELECTIVE, || {
        format!("Observation?code={}&value-quantity=gt150", encoded(HEIGHT))
    }),
    ("Patient?_has:Condition:patient:code=", both(5_000.0), SELECTIVE, || {
        format!("Patient?_has:Condition:patient:code={}", encoded(SINUSITIS))
    }),
    ("Observation?category=laboratory&_sort=-date", Floor::None, SELECTIVE, || {
        "Observation?category=laboratory&_sort=-date".to_owned()
    }),
    ("Observation?value-quantity=gt", Floor::None, SELECTIVE, || {
        "Observation?value-quantity=gt180|http://unitsofmeasure.org|cm".replace('|', "%7C")
    }),
    ("Observation?code:in= (200 codes)", Floor::None, SELECTIVE, || {
        format!("Observation?code:in={}", encoded(VALUE_SET))
    }),
    ("Patient?birthdate=ge&birthdate=lt", Floor::None, SELECTIVE, || {
        "Patient?birthdate=ge1960-01-01&birthdate=lt1970-01-01".to_owned()
    }),
    ("Observation?_total=accurate", Floor::None, SELECTIVE, || "Observation?_total=accurate".to_owned()),
    ("Condition?code=&_total=accurate", Floor::None, None, || {
        format!("Condition?code={}&_total=accurate", encoded(SINUSITIS))
    }),
];

/// The reads and searches, in the order of the design. Each token of `token` serves one line.
pub(crate) fn lines(loaded: &Loaded, token: &str) -> Vec<Line> {
    let line = |name, floor, growth, requests| Line {
        name,
        clients: 16,
        floor,
        limit: Limit::Live,
        growth,
        requests,
    };
    let get = |path: String| Request::get(&format!("{BASE}/{path}"), Some(token));
    let each = OF_PATIENTS.iter().map(|(name, floor, growth, path)| {
        line(*name, *floor, *growth, loaded.0.iter().map(|patient| get(path(patient))).collect())
    });
    let one =
        OF_ALL.iter().map(|(name, floor, growth, path)| line(*name, *floor, *growth, vec![get(path())]));
    each.chain(one).collect()
}
