//! FHIR search: from the pairs of a URL to a typed, checked [`query::Query`], and from matches to a Bundle.

pub mod kind;
pub mod query;
