//! Identity tokens (`OpenID Connect Core 1.0 §2`, SMART `fhirUser`): who logged in, for the app alone.

use super::AuthorizationServer;
use super::access_token;
use crate::error::Error;
use jsonwebtoken::{Algorithm, Header, encode};
use serde::Serialize;

/// What an identity token says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The authorization server.
    pub iss: String,
    /// The user's name.
    pub sub: String,
    /// The client, which alone it is for.
    pub aud: String,
    /// When it ends.
    pub exp: i64,
    /// When it was made.
    pub iat: i64,
    /// What the client sent along, as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The person's resource as an absolute URL, when the scope has `fhirUser`.
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub fhir_user: Option<String>,
}

impl Claims {
    /// The identity token that goes with an access token; `None` without the scope `openid`.
    pub fn of(
        server: &AuthorizationServer,
        access: &access_token::Claims,
        nonce: Option<String>,
    ) -> Option<Claims> {
        let has = |name: &str| access.scope.split(' ').any(|scope| scope == name);
        has("openid").then(|| Claims {
            iss: server.issuer.clone(),
            sub: access.sub.clone(),
            aud: access.client_id.clone(),
            exp: access.exp,
            iat: access.iat,
            nonce,
            fhir_user: access
                .fhir_user
                .as_ref()
                .filter(|_| has("fhirUser"))
                .map(|user| server.fhir_user(user)),
        })
    }
}

impl AuthorizationServer {
    /// A `fhirUser` reference as an absolute URL.
    pub fn fhir_user(&self, reference: &str) -> String {
        format!("{}/{reference}", self.base)
    }
}

/// Signs one with RS256.
///
/// Errors: [`Internal`](crate::ErrorCode::Internal).
pub fn sign(server: &AuthorizationServer, claims: &Claims) -> Result<String, Error> {
    let keys = server.keys.current();
    let (kid, key) = keys.identity();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(kid.to_owned());
    encode(&header, claims, key).map_err(Error::internal)
}
