//! `refresh_token` (`RFC 6749 §6`, `RFC 9700 §4.14`): each is used once and answered by the next.
//!
//! A second use within [`RACE`] seconds is a race and loses. Later it is a client whose answer was lost, as long as the
//! tokens of that answer's pair were not used to refresh: they are revoked and replaced, so that one branch lives at
//! most. Otherwise somebody has a copy, and the whole authorization ends. `docs/decisions/0061-refresh-tokens.md`

use super::{Granted, LIFETIME, granted};
use crate::access::scope::Context;
use crate::authorization::access_token::{self, Claims};
use crate::authorization::client::{self, Client};
use crate::authorization::{AuthorizationServer, ErrorType, Refusal, digest, from_json, to_json, user};
use crate::clock::Instant;
use crate::error::Error;
use crate::store::authorization::{AuthorizationWrite, Kind, Record};
use serde::{Deserialize, Serialize};

/// Seconds an `offline_access` token lives unused.
const OFFLINE: i64 = 90 * 86_400;
/// Seconds after a use in which a second one is a race.
const RACE: i64 = 3;

/// What a refresh token stands for, as stored under its SHA-256.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefreshToken {
    /// The authorization it continues.
    pub authorization: String,
    /// The client it was issued to.
    pub client_id: String,
    /// Who approved.
    pub username: String,
    /// The patient in context.
    pub patient: Option<String>,
    /// What was granted at first.
    pub scope: String,
    /// The session (by its SHA-256) that an `online_access` token ends with; `None`: `offline_access`.
    pub session: Option<String>,
}

/// What was issued when a refresh token was used.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Spent {
    token: String,
    at: i64,
    /// SHA-256 of the refresh token; empty when this one was replaced without having been used.
    next: String,
    /// Id of the access token; empty likewise.
    jti: String,
}

/// Issues a refresh token; answers it, or `None` when the session it hangs on is over.
pub(super) fn issue(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    token: &RefreshToken,
) -> Result<Option<String>, Error> {
    let now = server.clock.now();
    let expires = match &token.session {
        None => Some(now.plus_seconds(OFFLINE)),
        Some(session) => tx.authorization(Kind::Session, session)?.and_then(|session| session.expires),
    };
    let Some(expires) = expires.filter(|expires| *expires > now) else { return Ok(None) };
    let secret = server.secret();
    let record = Record { key: digest(&secret), body: to_json(token)?, expires: Some(expires) };
    tx.put_authorization(Kind::RefreshToken, &record)?;
    Ok(Some(secret))
}

/// Ends an authorization: its refresh tokens and the access tokens made from it.
pub fn revoke(tx: &mut dyn AuthorizationWrite, authorization: &str, now: Instant) -> Result<(), Error> {
    let key = access_token::authorization_key(authorization);
    let expires = Some(now.plus_seconds(OFFLINE + LIFETIME));
    tx.put_authorization(Kind::RevokedToken, &Record { key, body: "{}".into(), expires })
}

/// The tokens a refresh token is good for.
///
/// Errors: `invalid_grant`; `invalid_scope` when more is asked for than was granted.
pub fn run(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    client: &Client,
    secret: &str,
    scope: Option<&str>,
) -> Result<Result<Granted, Refusal>, Error> {
    let refused = || Ok(Err(Refusal::invalid_grant()));
    let key = digest(secret);
    let Some(Found { token, spent, expires }) = find(tx, &key)? else { return refused() };
    if spent.is_none() && expires.is_none_or(|expires| expires <= server.clock.now()) {
        return refused();
    }
    // Another client's attempt neither uses it up nor learns that it exists.
    if token.client_id != client.id {
        return refused();
    }
    let Some(fhir_user) = still_allowed(tx, &token)? else { return refused() };
    let asked = match narrowed(scope, &token.scope) {
        Ok(asked) => asked,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = take(server, tx, &key, &token, spent)? {
        return Ok(Err(refusal));
    }
    let Some(next) = issue(server, tx, &token)? else { return refused() };
    let claims = claims(server, &token, fhir_user, asked);
    let now = server.clock.now();
    let spent =
        Spent { token: to_json(&token)?, at: now.seconds(), next: digest(&next), jti: claims.jti.clone() };
    let record = Record { key, body: to_json(&spent)?, expires: Some(now.plus_seconds(OFFLINE)) };
    tx.put_authorization(Kind::SpentRefreshToken, &record)?;
    Ok(Ok(Granted { id_token: None, refresh_token: Some(next), claims }))
}

/// A refresh token as it is stored: how it was spent if it was, and when it expires.
struct Found {
    token: RefreshToken,
    spent: Option<Spent>,
    expires: Option<Instant>,
}

/// The refresh token of this digest.
fn find(tx: &mut dyn AuthorizationWrite, key: &str) -> Result<Option<Found>, Error> {
    if let Some(record) = tx.authorization(Kind::RefreshToken, key)? {
        return Ok(Some(Found { token: from_json(&record.body)?, spent: None, expires: record.expires }));
    }
    let Some(record) = tx.authorization(Kind::SpentRefreshToken, key)? else { return Ok(None) };
    let spent: Spent = from_json(&record.body)?;
    Ok(Some(Found { token: from_json(&spent.token)?, spent: Some(spent), expires: record.expires }))
}

/// The client that a refresh token was issued to, used or not.
pub(in crate::authorization) fn client_of(
    tx: &mut dyn AuthorizationWrite,
    secret: &str,
) -> Result<Option<Client>, Error> {
    match find(tx, &digest(secret))? {
        Some(found) => client::find(tx, &found.token.client_id),
        None => Ok(None),
    }
}

/// The scope asked for, the granted one when none is.
fn narrowed(asked: Option<&str>, original: &str) -> Result<String, Refusal> {
    let asked = asked.unwrap_or(original);
    let scopes = granted(asked, original, &[Context::Patient, Context::User])?;
    if !asked.split(' ').all(|scope| scopes.contains(&scope)) {
        let text = "The scope is wider than the one that was granted.";
        return Err(Refusal::new(ErrorType::InvalidScope, text));
    }
    Ok(scopes.join(" "))
}

/// Uses the token up, once however many try: removing a record succeeds for one of them.
fn take(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    key: &str,
    token: &RefreshToken,
    spent: Option<Spent>,
) -> Result<Result<(), Refusal>, Error> {
    let lost = Ok(Err(Refusal::invalid_grant()));
    let Some(spent) = spent else {
        return if tx.remove_authorization(Kind::RefreshToken, key)? { Ok(Ok(())) } else { lost };
    };
    let now = server.clock.now();
    if now.seconds() < spent.at.saturating_add(RACE) {
        return lost;
    }
    if tx.remove_authorization(Kind::RefreshToken, &spent.next)? {
        let expires = Some(now.plus_seconds(LIFETIME));
        let revoked = Record { key: spent.jti, body: "{}".into(), expires };
        tx.put_authorization(Kind::RevokedToken, &revoked)?;
        // Should somebody come with the token that is replaced here, there are two: that ends it all.
        let dead = Spent { token: spent.token, at: now.seconds(), next: String::new(), jti: String::new() };
        let record =
            Record { key: spent.next, body: to_json(&dead)?, expires: Some(now.plus_seconds(OFFLINE)) };
        tx.put_authorization(Kind::SpentRefreshToken, &record)?;
        return Ok(Ok(()));
    }
    let current = tx.authorization(Kind::SpentRefreshToken, key)?;
    let current = current.map(|record| from_json::<Spent>(&record.body)).transpose()?;
    if current.is_some_and(|current| current != spent) {
        return lost;
    }
    revoke(tx, &token.authorization, now)?;
    Ok(Err(Refusal { revokes: true, ..Refusal::invalid_grant() }))
}

/// Who the person is now, if they still may have what they gave: the authorization was not revoked, they exist, and the
/// patient is still one they may act for.
fn still_allowed(tx: &mut dyn AuthorizationWrite, token: &RefreshToken) -> Result<Option<String>, Error> {
    let key = access_token::authorization_key(&token.authorization);
    if tx.authorization(Kind::RevokedToken, &key)?.is_some() {
        return Ok(None);
    }
    let user = user::find(tx, &token.username)?;
    Ok(user
        .filter(|user| {
            let patients = user.patients();
            token.patient.as_ref().is_none_or(|patient| patients.iter().any(|own| own.as_str() == patient))
        })
        .map(|user| user.fhir_user))
}

fn claims(server: &AuthorizationServer, token: &RefreshToken, fhir_user: String, scope: String) -> Claims {
    let iat = server.clock.now().seconds();
    Claims {
        iss: server.issuer.clone(),
        aud: server.base.clone(),
        sub: token.username.clone(),
        client_id: token.client_id.clone(),
        scope,
        patient: token.patient.clone(),
        fhir_user: Some(fhir_user),
        exp: iat.saturating_add(LIFETIME),
        iat,
        jti: server.secret(),
        authorization: Some(token.authorization.clone()),
    }
}
