//! Typed FHIR R4, by fhirbolt, behind four plain functions.
//!
//! fhirbolt's generic code is compiled anew into every crate that calls it (minutes of compile time),
//! so this crate is the only one that may; its functions are not generic. fhirbolt panics on some
//! malformed input (an empty array, for one), hence [`std::panic::catch_unwind`]; it needs a deep
//! stack for deep input, so callers check depth first and run on a thread with 8 MiB or more.

use fhirbolt::serde::{DeserializationConfig, DeserializationMode};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The typed resource: an enum over the R4 resource types, and the structs in it.
pub use fhirbolt::model::r4 as typed;

/// Why fhirbolt refused a document, or could not write one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

fn strict() -> Option<DeserializationConfig> {
    Some(DeserializationConfig { mode: DeserializationMode::Strict })
}

/// Runs `work`, turning fhirbolt's errors and its panics into [`Refused`].
fn caught<T, E: std::fmt::Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, Refused> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| Refused(error.to_string())),
        Err(_) => Err(Refused("the typed model could not read this structure".to_owned())),
    }
}

/// Reads one resource from FHIR JSON (`FHIR R4 json.html`).
pub fn from_json(text: &[u8]) -> Result<typed::Resource, Refused> {
    caught(|| fhirbolt::json::from_slice(text, strict()))
}

/// Writes one resource as FHIR JSON.
pub fn to_json(resource: &typed::Resource) -> Result<Vec<u8>, Refused> {
    caught(|| fhirbolt::json::to_vec(resource, None))
}

/// Reads one resource from FHIR XML (`FHIR R4 xml.html`). White space at the ends of narrative text is lost.
pub fn from_xml(text: &[u8]) -> Result<typed::Resource, Refused> {
    caught(|| fhirbolt::xml::from_slice(text, strict()))
}

/// Writes one resource as FHIR XML.
pub fn to_xml(resource: &typed::Resource) -> Result<Vec<u8>, Refused> {
    caught(|| fhirbolt::xml::to_vec(resource, None))
}
