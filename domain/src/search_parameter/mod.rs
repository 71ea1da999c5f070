//! Search parameters that administrators define (`FHIR R4 searchparameter.html`), and how every process that shares a
//! store comes to index and search by them.

mod definition;
mod follow;
mod known;
mod reading;

pub(crate) use definition::code_and_url;
pub(crate) use follow::follow;
pub(crate) use known::Known;
pub use known::{SETTLING, UNSEEN};
pub(crate) use reading::read;
