//! The interactions of FHIR R4 `http.html`, one file each.

mod bad_input;
mod batch;
mod condition;
mod conditional;
mod conditional_race;
mod conditional_reference;
mod create;
mod delete;
mod entry;
mod history;
mod link;
mod mutation;
mod own_writes;
mod patch;
mod preference;
mod provenance;
mod published;
mod read;
mod transaction;
mod unauthorized;
mod update;

use crate::server::unique;
use serde_json::{Value, json};

/// A Patient that no other test knows: its family name is the mark it can be found by.
pub(crate) fn patient() -> (String, Value) {
    let mark = unique("Airedale");
    let patient = json!({
        "resourceType": "Patient",
        "active": true,
        "name": [{ "family": mark, "given": ["Nia"] }],
        "gender": "female",
        "birthDate": "1961-03-09"
    });
    (mark, patient)
}

/// A resource without what the server adds: id, version and instant.
pub(crate) fn content(resource: &Value) -> Value {
    let mut content = resource.clone();
    let object = content.as_object_mut().expect("a resource is an object");
    object.remove("id");
    if let Some(meta) = object.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        if meta.is_empty() {
            object.remove("meta");
        }
    }
    content
}
