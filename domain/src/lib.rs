//! Binnacle's domain: FHIR R4, access and OAuth rules, without HTTP or a database.

pub mod access;
pub mod authorization;
pub mod clock;
pub mod conformance;
pub mod error;
pub mod id;
pub mod index;
pub mod interaction;
pub mod resource;
pub mod search;
pub mod server;
pub mod store;

pub use error::{Error, ErrorCode, Issue, Severity};
