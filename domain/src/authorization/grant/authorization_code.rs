//! `authorization_code` (`RFC 6749 §4.1.3`) with PKCE: a code is used once, by whom and for what it was issued.

use super::refresh_token::{self, RefreshToken};
use super::{Granted, LIFETIME};
use crate::authorization::access_token::Claims;
use crate::authorization::client::Client;
use crate::authorization::{AuthorizationServer, Refusal, digest, from_json, id_token, pkce};
use crate::error::Error;
use crate::store::authorization::{AuthorizationWrite, Kind, Record};
use serde::{Deserialize, Serialize};

/// Seconds a code lives.
pub const CODE_LIFETIME: i64 = 60;

/// What a code stands for, as stored under its SHA-256.
#[derive(Debug, Serialize, Deserialize)]
pub struct Code {
    /// The client it was issued to.
    pub client_id: String,
    /// Where it was sent.
    pub redirect_uri: String,
    /// S256 challenge.
    pub challenge: String,
    /// Granted scopes.
    pub scope: String,
    /// Who approved.
    pub username: String,
    /// Who that is in FHIR.
    pub fhir_user: String,
    /// The patient in context.
    pub patient: Option<String>,
    /// `nonce` of the request.
    pub nonce: Option<String>,
    /// The session it was approved in, by its SHA-256.
    pub session: String,
}

/// The form's parts that this grant reads.
pub struct Exchange<'a> {
    /// `code`.
    pub code: &'a str,
    /// `redirect_uri`.
    pub redirect_uri: &'a str,
    /// `code_verifier`.
    pub verifier: &'a str,
}

/// The tokens a code is good for. The second use of a code is refused and revokes what the first gave
/// (`RFC 6749 §4.1.2`).
///
/// Errors: `invalid_grant`.
pub fn run(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    client: &Client,
    exchange: &Exchange<'_>,
) -> Result<Result<Granted, Refusal>, Error> {
    let refused = Ok(Err(Refusal::invalid_grant()));
    let key = digest(exchange.code);
    let now = server.clock.now();
    let Some(record) = tx.authorization(Kind::Code, &key)? else { return refused };
    let code: Code = from_json(&record.body)?;
    // Another client's attempt neither uses the code up nor learns that it exists.
    if code.client_id != client.id {
        return refused;
    }
    let authorization = server.secret();
    let spent = Record {
        key: key.clone(),
        body: authorization.clone(),
        expires: Some(now.plus_seconds(LIFETIME + CODE_LIFETIME)),
    };
    if !tx.insert_authorization(Kind::SpentCode, &spent)? {
        if let Some(first) = tx.authorization(Kind::SpentCode, &key)? {
            refresh_token::revoke(tx, &first.body, now)?;
        }
        return Ok(Err(Refusal { revokes: true, ..Refusal::invalid_grant() }));
    }
    let right = record.expires.is_some_and(|expires| expires > now)
        && code.redirect_uri == exchange.redirect_uri
        && pkce::verify(&code.challenge, exchange.verifier);
    if !right {
        return refused;
    }
    let refresh_token = refresh(server, tx, &code, &authorization)?;
    let iat = now.seconds();
    let claims = Claims {
        iss: server.issuer.clone(),
        aud: server.base.clone(),
        sub: code.username,
        client_id: code.client_id,
        scope: code.scope,
        patient: code.patient,
        fhir_user: Some(code.fhir_user),
        exp: iat.saturating_add(LIFETIME),
        iat,
        jti: server.secret(),
        authorization: Some(authorization),
    };
    let id_token = id_token::Claims::of(server, &claims, code.nonce);
    Ok(Ok(Granted { claims, refresh_token, id_token }))
}

/// The first refresh token, when one was granted (`SMART App Launch 2.2, scopes-and-launch-context`).
fn refresh(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    code: &Code,
    authorization: &str,
) -> Result<Option<String>, Error> {
    let has = |name: &str| code.scope.split(' ').any(|scope| scope == name);
    if !has("offline_access") && !has("online_access") {
        return Ok(None);
    }
    let token = RefreshToken {
        authorization: authorization.to_owned(),
        client_id: code.client_id.clone(),
        username: code.username.clone(),
        patient: code.patient.clone(),
        scope: code.scope.clone(),
        session: (!has("offline_access")).then(|| code.session.clone()),
    };
    refresh_token::issue(server, tx, &token)
}
