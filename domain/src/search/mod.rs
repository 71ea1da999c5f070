//! FHIR search: from the pairs of a URL to a typed, checked [`query::Query`], and from matches to a Bundle.

pub mod bundle;
pub mod canonical;
mod chain;
pub mod constraint;
pub mod control;
mod escape;
mod filter;
pub mod include;
pub mod kind;
pub mod limits;
mod list;
mod modifier;
pub mod page;
pub mod parameter;
pub mod parse;
mod prefix;
pub mod query;
pub mod reach;
pub mod scope;
pub mod set;
mod size;
pub mod supported;
mod words;

pub use limits::Limits;
pub use parse::{Context, Parsed, parse};
pub use scope::{Compartment, SearchScope};
