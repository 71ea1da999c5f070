//! Who is asking: a client, perhaps a person, and the scopes their token carries.

use crate::id::Id;

/// The caller of one request, as its access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The OAuth client; `None` with `serve --open`.
    pub client: Option<String>,
    /// `fhirUser` of the person, `Patient/x` or `Practitioner/y`.
    pub fhir_user: Option<String>,
    /// The patient in context of a `patient/` token.
    pub patient: Option<Id>,
    /// Granted scopes as written, space-separated; ignored when `open`.
    pub scope: String,
    /// `serve --open`: everything is allowed.
    pub open: bool,
}

impl Actor {
    /// The caller of a server started with `--open`.
    pub const fn open() -> Actor {
        Actor { client: None, fhir_user: None, patient: None, scope: String::new(), open: true }
    }
}
