//! Search parameters that administrators define (`FHIR R4 searchparameter.html`): what this server knows of them.

mod known;

pub(crate) use known::Known;
