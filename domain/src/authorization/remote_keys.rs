//! Keys of clients that are registered by address (`jwks_uri`, `RFC 7591 §2`): which of a fetched JWK Set may be used,
//! and when a set has to be fetched.
//!
//! The domain fetches nothing. Before a request with an assertion is worked on, its caller asks [`wanted`] which
//! address the assertion's keys are at, fetches them unless it has them fresh, and hands them in as [`RemoteKeys`].

use super::assertion::{TYPE, defect, unverified};
use super::client::{self, Authentication};
use super::parameter;
use super::token::TokenRequest;
use crate::error::Error;
use crate::store::authorization::AuthorizationRead;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use oauth2::url::Url;
use serde::Deserialize;
use std::sync::Arc;

/// Keys that one client may have.
const MOST: usize = 100;

/// Key sets that were fetched and are still fresh.
pub trait RemoteKeys: Send + Sync {
    /// The set at an address; `None` where it has not been fetched, or not lately enough.
    fn keys(&self, address: &str) -> Option<Arc<JwkSet>>;
}

/// What has to be at hand before an assertion is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The client that the assertion says it is of, not proved yet.
    pub client: String,
    /// The address of its keys, as registered.
    pub address: String,
    /// The key that the assertion says it is signed with. A fresh set without it is to be fetched anew.
    pub kid: String,
}

/// The keys that the assertion of `request` is to be verified with, when its client registered their address.
///
/// Errors: those of the store.
pub fn wanted(tx: &mut dyn AuthorizationRead, request: &TokenRequest) -> Result<Option<Wanted>, Error> {
    let Some((issuer, kid, _)) = asserted(request).and_then(unverified) else { return Ok(None) };
    Ok(client::find(tx, &issuer)?.and_then(|client| match client.authentication {
        Authentication::KeysAt(address) => Some(Wanted { client: client.id, address, kid }),
        _ => None,
    }))
}

/// The client assertion of a request, if it has one.
pub fn asserted(request: &TokenRequest) -> Option<&str> {
    let value = |name| parameter(&request.form, name).ok().flatten();
    value("client_assertion").filter(|_| value("client_assertion_type") == Some(TYPE))
}

/// The keys of a fetched JWK Set that assertions may be verified with. Keys of other kinds and for other uses may stand
/// beside them (`RFC 7517 §5`); of two with one `kid` neither can be meant.
///
/// Errors: a sentence for the operator: it is not a JWK Set, or has no such key.
pub fn usable(body: &[u8]) -> Result<JwkSet, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(body).map_err(|_| "It is not a JWK Set.".to_owned())?;
    if set.keys.len() > MOST {
        return Err(format!("It has more than {MOST} keys."));
    }
    let fit = |key: &Jwk| {
        defect(key).is_none() && !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption))
    };
    let mut keys: Vec<Jwk> =
        set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).filter(fit).collect();
    let names: Vec<Option<String>> = keys.iter().map(|key| key.common.key_id.clone()).collect();
    keys.retain(|key| names.iter().filter(|name| **name == key.common.key_id).count() == 1);
    if keys.is_empty() {
        return Err("It has no key with a 'kid' of its own for RS384, RS512 or ES384.".into());
    }
    Ok(JwkSet { keys })
}

/// Why keys cannot be registered at this address.
///
/// Errors: a sentence for the operator.
pub(super) fn check_address(address: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("The JWK Set address '{address}' {why}."));
    if address.len() > 2000 || !address.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse("has characters that are not printable ASCII, or too many");
    }
    let Ok(url) = Url::parse(address) else { return refuse("is not a URL") };
    if !["https", "http"].contains(&url.scheme()) || !url.has_host() {
        return refuse("does not begin with https://");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return refuse("has a user name or a fragment");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_urls_without_credentials() {
        for right in ["https://app.example/jwks.json", "https://app.example:8443/k?x=1", "http://10.0.0.1/k"]
        {
            assert_eq!(check_address(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            "app.example",
            "ftp://x.example/k",
            "https://",
            "https://a:b@x.example/",
            "https://x/#k",
            "https://x/ y",
        ] {
            assert!(check_address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_set_of_fit_keys_is_refused() {
        for body in ["", "[]", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AA","kid":"a"}]}"#] {
            assert!(usable(body.as_bytes()).is_err(), "{body}");
        }
    }
}
