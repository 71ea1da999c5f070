//! Access tokens: JWTs signed ES256 (`RFC 9068`), for one FHIR base.

use super::{AuthorizationServer, claims, client, header};
use crate::access::actor::Actor;
use crate::access::scope::Scope;
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::store::authorization::{AuthorizationRead, Kind};
use jsonwebtoken::{Algorithm, Header, encode};
use serde::{Deserialize, Serialize};

/// What an access token says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The authorization server.
    pub iss: String,
    /// The FHIR base.
    pub aud: String,
    /// The user's name, or the client's id when no person is involved.
    pub sub: String,
    /// The client.
    pub client_id: String,
    /// Granted scopes.
    pub scope: String,
    /// The patient in context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// The person, as a reference.
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub fhir_user: Option<String>,
    /// When it ends.
    pub exp: i64,
    /// When it was made.
    pub iat: i64,
    /// Its id.
    pub jti: String,
    /// The authorization by a person that it was made from, which can be revoked as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
}

/// Under which key a revoked authorization is stored.
pub(super) fn authorization_key(authorization: &str) -> String {
    format!("authorization {authorization}")
}

/// Signs a token.
pub fn sign(server: &AuthorizationServer, claims: &Claims) -> Result<String, Error> {
    let keys = server.keys.current();
    let (kid, key) = keys.signing();
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some("at+jwt".into());
    header.kid = Some(kid.to_owned());
    encode(&header, claims, key).map_err(Error::internal)
}

fn refused(why: &str) -> Error {
    Error::new(ErrorCode::Unauthenticated, why)
}

/// What a token says, if this server made it for this FHIR base and it has not expired. Touches no store.
///
/// Errors: [`ErrorCode::Unauthenticated`].
pub fn verify(server: &AuthorizationServer, token: &str) -> Result<Claims, Error> {
    let invalid = || refused("The access token is not valid. Ask the authorization server for a new one.");
    let header = header(token).filter(|header| header.alg == Algorithm::ES256).ok_or_else(invalid)?;
    if header.typ.as_deref() != Some("at+jwt") {
        return Err(invalid());
    }
    let keys = server.keys.current();
    let key = header.kid.as_deref().and_then(|kid| keys.verifying(kid)).ok_or_else(invalid)?;
    let claims: Claims = claims(token, key, Algorithm::ES256).ok_or_else(invalid)?;
    if claims.iss != server.issuer || claims.aud != server.base {
        return Err(invalid());
    }
    if claims.exp <= server.clock.now().seconds() {
        return Err(refused("The access token has expired. Ask the authorization server for a new one."));
    }
    Ok(claims)
}

/// Whether the token names a key that is not known here: another process may have rotated the keys.
pub fn names_unknown_key(server: &AuthorizationServer, token: &str) -> bool {
    let keys = server.keys.current();
    header(token).and_then(|header| header.kid).is_some_and(|kid| keys.verifying(&kid).is_none())
}

/// Whether the token still counts: not revoked, its client not disabled.
///
/// Errors: [`ErrorCode::Unauthenticated`].
pub fn check_current(tx: &mut dyn AuthorizationRead, claims: &Claims) -> Result<(), Error> {
    let ended = match &claims.authorization {
        Some(authorization) => {
            tx.authorization(Kind::RevokedToken, &authorization_key(authorization))?.is_some()
        }
        None => false,
    };
    let revoked = tx.authorization(Kind::RevokedToken, &claims.jti)?.is_some();
    if ended || revoked || client::find(tx, &claims.client_id)?.is_none() {
        return Err(refused("The access token was revoked. Ask the authorization server for a new one."));
    }
    Ok(())
}

/// The caller that a verified token stands for.
///
/// Errors: [`ErrorCode::Unauthenticated`] when it mixes contexts or has `patient/` scopes without a patient: such a
/// token is refused, never read as an unrestricted one.
pub fn actor(claims: &Claims) -> Result<Actor, Error> {
    use crate::access::scope::Context;
    let scopes = Scope::parse_all(&claims.scope);
    let Some(first) = scopes.first() else {
        return Err(refused("The access token carries no scope for FHIR resources."));
    };
    if scopes.iter().any(|scope| scope.context != first.context) {
        return Err(refused("The access token mixes patient, user and system scopes."));
    }
    let patient =
        claims.patient.as_deref().map(Id::parse).transpose().map_err(|_| refused("Bad patient."))?;
    if first.context == Context::Patient && patient.is_none() {
        return Err(refused("The access token has patient scopes but no patient in context."));
    }
    Ok(Actor {
        client: Some(claims.client_id.clone()),
        fhir_user: claims.fhir_user.clone(),
        patient,
        scope: claims.scope.clone(),
        open: false,
    })
}
