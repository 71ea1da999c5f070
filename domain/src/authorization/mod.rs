//! The OAuth 2.0 / SMART App Launch authorization server as functions from request to response, without HTTP.
//!
//! A request to the token endpoint goes through [`token::exchange`]; one to the authorization endpoint through
//! [`authorize::check`], a [`login`], and [`authorize::approve`]. Access tokens are made and verified in
//! [`access_token`]. What may happen once is an insert into the store that may happen once.

pub mod access_token;
pub mod assertion;
pub mod authorize;
pub mod client;
pub mod discovery;
pub mod grant;
pub mod id_token;
pub mod introspection;
pub mod keys;
pub mod login;
pub mod pkce;
pub mod redirect;
pub mod remote_keys;
pub mod revocation;
pub mod token;
pub mod user;

use crate::clock::Clock;
use crate::error::Error;
use crate::id::IdSource;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::sync::Arc;

pub use oauth2::basic::BasicErrorResponseType as ErrorType;

/// What the authorization server is: its addresses, signing keys and sources of time and randomness.
pub struct AuthorizationServer {
    /// `{public_url}`, without a slash at the end: `iss` of tokens (`RFC 8414 §2`).
    pub issuer: String,
    /// `{public_url}/FHIR/R4`: `aud` of access tokens.
    pub base: String,
    /// Keys that sign and verify access tokens.
    pub keys: keys::Keys,
    /// Keys of clients that are registered by address.
    pub remote_keys: Arc<dyn remote_keys::RemoteKeys>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn IdSource>,
}

impl AuthorizationServer {
    /// The address of the token endpoint, which is also `aud` of client assertions.
    pub fn token_endpoint(&self) -> String {
        format!("{}/oauth2/token", self.issuer)
    }

    /// A new unguessable value of 256 bits in base64url.
    pub fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.ids.secret())
    }
}

/// A refusal in OAuth's terms (`RFC 6749 §4.1.2.1, §5.2`).
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The `error` code.
    pub error: ErrorType,
    /// `error_description`: what to do about it. ASCII without quotes, as the RFC wants.
    pub description: String,
    /// Whether it revoked access tokens: a code was used twice.
    pub revokes: bool,
}

impl Refusal {
    /// A refusal.
    pub fn new(error: ErrorType, description: impl Into<String>) -> Refusal {
        Refusal { error, description: description.into(), revokes: false }
    }

    /// `invalid_request`: the request itself is wrong.
    pub fn invalid_request(description: impl Into<String>) -> Refusal {
        Refusal::new(ErrorType::InvalidRequest, description)
    }

    /// `invalid_client`, always with the same words: which check failed is not told.
    pub fn invalid_client() -> Refusal {
        Refusal::new(ErrorType::InvalidClient, "The client is unknown or its authentication is not valid.")
    }

    /// `invalid_grant`, always with the same words.
    pub fn invalid_grant() -> Refusal {
        Refusal::new(
            ErrorType::InvalidGrant,
            "The code or refresh token is not valid: unknown, expired, used, revoked, or issued for another client, redirect_uri or verifier.",
        )
    }
}

/// SHA-256 of `text` in base64url: the key under which a secret is stored.
pub fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// Whether two texts are equal, in a time that tells only whether their lengths are.
pub fn same(a: &str, b: &str) -> bool {
    use subtle::ConstantTimeEq;
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// The one value of a form parameter; an empty one counts as absent (`RFC 6749 §3.1`).
///
/// Errors: `invalid_request` when it is repeated.
pub fn parameter<'a>(pairs: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = pairs.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let first = values.next();
    match values.next() {
        Some(_) => Err(Refusal::invalid_request(format!("The parameter {name} is repeated."))),
        None => Ok(first.filter(|value| !value.is_empty())),
    }
}

/// Refuses a request with a parameter that stands twice, known or not (`RFC 6749 §3.1, §3.2`).
///
/// Errors: `invalid_request`.
fn unrepeated(pairs: &[(String, String)]) -> Result<(), Refusal> {
    let mut names = HashSet::new();
    if pairs.iter().all(|(name, _)| names.insert(name)) {
        Ok(())
    } else {
        Err(Refusal::invalid_request("A parameter is repeated."))
    }
}

fn to_json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn from_json<T: DeserializeOwned>(body: &str) -> Result<T, Error> {
    serde_json::from_str(body).map_err(Error::internal)
}

/// The protected header of a compact JWS; `None` when it is not one, or names extensions we do not know (`crit`,
/// `RFC 7515 §4.1.11`).
fn header(token: &str) -> Option<jsonwebtoken::Header> {
    let part = token.split('.').next()?;
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes).ok()?;
    if members.contains_key("crit") {
        return None;
    }
    jsonwebtoken::decode_header(token).ok()
}

/// Verifies the signature alone; claims are judged by the caller with its own clock, typed.
fn claims<T: DeserializeOwned>(
    token: &str,
    key: &jsonwebtoken::DecodingKey,
    algorithm: jsonwebtoken::Algorithm,
) -> Option<T> {
    let mut validation = jsonwebtoken::Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    // Both checks below the signature are ours: jsonwebtoken's read the machine's clock.
    jsonwebtoken::decode::<T>(token, key, &validation).ok().map(|data| data.claims)
}

#[cfg(test)]
mod tests;
