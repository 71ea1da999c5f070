//! Binnacle's domain: FHIR R4, access and OAuth rules, without HTTP or a database.

pub mod error;
pub mod resource;

pub use error::{Error, ErrorCode, Issue, Severity};
