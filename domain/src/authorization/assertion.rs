//! Client assertions (`RFC 7523 §3`, SMART `private_key_jwt`, NHS signed JWT): who signed, for whom, once.

use super::client::{Authentication, Client};
use super::{AuthorizationServer, Refusal, claims, client, digest, header};
use crate::clock::Instant;
use crate::error::Error;
use crate::store::authorization::{AuthorizationWrite, Kind, Record};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use std::sync::Arc;

/// `client_assertion_type` (`RFC 7523 §2.2`).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Longest life of an assertion in seconds, with the ten seconds clocks may differ.
const LIFETIME: i64 = 300 + 10;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    jti: String,
    #[serde(default)]
    nbf: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// The algorithms a key may be used with: the one it names, else those of its kind.
fn algorithms(key: &Jwk) -> &'static [Algorithm] {
    match (&key.algorithm, key.common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None) => &[Algorithm::RS384, Algorithm::RS512],
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS384)) => &[Algorithm::RS384],
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS512)) => &[Algorithm::RS512],
        (AlgorithmParameters::EllipticCurve(ec), None | Some(KeyAlgorithm::ES384))
            if ec.curve == EllipticCurve::P384 =>
        {
            &[Algorithm::ES384]
        }
        _ => &[],
    }
}

/// Whether the point of a P-384 key is one; keys of other kinds have none.
fn is_on_its_curve(key: &Jwk) -> bool {
    let AlgorithmParameters::EllipticCurve(curve) = &key.algorithm else { return true };
    let (Ok(x), Ok(y)) = (URL_SAFE_NO_PAD.decode(&curve.x), URL_SAFE_NO_PAD.decode(&curve.y)) else {
        return false;
    };
    // An uncompressed point: 0x04, x, y.
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    x.len() == y.len() && ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).is_ok()
}

/// Why a client may not register these keys.
///
/// Errors: a sentence for the operator.
pub fn check_keys(set: &JwkSet) -> Result<(), String> {
    if set.keys.is_empty() {
        return Err("The JWK Set has no keys.".into());
    }
    for key in &set.keys {
        if let Some(defect) = defect(key) {
            return Err(defect);
        }
        let kid = key.common.key_id.as_deref();
        if set.keys.iter().filter(|other| other.common.key_id.as_deref() == kid).count() > 1 {
            return Err(format!("Two keys have the 'kid' {}.", kid.unwrap_or_default()));
        }
    }
    Ok(())
}

/// Why a key cannot verify assertions, as a sentence for the operator; `None` when it can.
pub(super) fn defect(key: &Jwk) -> Option<String> {
    let Some(kid) = key.common.key_id.as_deref().filter(|kid| !kid.is_empty()) else {
        return Some("Each key of the JWK Set needs a 'kid'.".into());
    };
    if algorithms(key).is_empty() || DecodingKey::from_jwk(key).is_err() || !is_on_its_curve(key) {
        return Some(format!("The key {kid} cannot be used with RS384, RS512 or ES384 (EC keys are P-384)."));
    }
    match &key.algorithm {
        AlgorithmParameters::RSA(rsa) if URL_SAFE_NO_PAD.decode(&rsa.n).map_or(0, |n| n.len()) < 256 => {
            Some(format!("The RSA key {kid} has fewer than 2048 bits."))
        }
        _ => None,
    }
}

/// The client an assertion proves. Its `jti` is spent by that.
///
/// Errors: `invalid_client`, whatever was wrong.
pub fn authenticate(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    assertion: &str,
) -> Result<Result<Client, Refusal>, Error> {
    let Some((claims, client)) = verified(server, tx, assertion)? else {
        return Ok(Err(Refusal::invalid_client()));
    };
    let seen = Record {
        key: digest(&format!("{}\n{}", claims.iss, claims.jti)),
        body: "{}".into(),
        expires: Some(Instant(claims.exp.saturating_mul(1_000_000)).plus_seconds(60)),
    };
    Ok(if tx.insert_authorization(Kind::Jti, &seen)? { Ok(client) } else { Err(Refusal::invalid_client()) })
}

fn verified(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    assertion: &str,
) -> Result<Option<(Claims, Client)>, Error> {
    let Some((issuer, kid, algorithm)) = unverified(assertion) else { return Ok(None) };
    let Some(client) = client::find(tx, &issuer)? else { return Ok(None) };
    // Only the client's own registered keys: jku, x5u and jwk in the header are never looked at.
    let set = match &client.authentication {
        Authentication::Keys(set) => Some(Arc::new(set.clone())),
        Authentication::KeysAt(address) => server.remote_keys.keys(address),
        Authentication::Public | Authentication::Secret(_) => None,
    };
    let Some(set) = set else { return Ok(None) };
    let Some(key) = set.keys.iter().find(|key| key.common.key_id.as_deref() == Some(&kid)) else {
        return Ok(None);
    };
    if !algorithms(key).contains(&algorithm) {
        return Ok(None);
    }
    let Ok(decoding) = DecodingKey::from_jwk(key) else { return Ok(None) };
    let Some(claims) = claims::<Claims>(assertion, &decoding, algorithm) else { return Ok(None) };
    let now = server.clock.now().seconds();
    let endpoint = server.token_endpoint();
    let audience_is_ours = match &claims.aud {
        Audience::One(one) => *one == endpoint,
        Audience::Several(several) => several.as_slice() == [endpoint],
    };
    let right = claims.iss == client.id
        && claims.sub == client.id
        && audience_is_ours
        && claims.exp > now
        && claims.exp <= now.saturating_add(LIFETIME)
        && claims.nbf.is_none_or(|nbf| nbf <= now.saturating_add(10))
        && (1..=255).contains(&claims.jti.len());
    Ok(right.then_some((claims, client)))
}

/// Issuer, key and algorithm as an unverified assertion says, to find the key that verifies it.
pub(super) fn unverified(assertion: &str) -> Option<(String, String, Algorithm)> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    let header = header(assertion)?;
    let payload = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    let issuer: Issuer = serde_json::from_slice(&payload).ok()?;
    Some((issuer.iss, header.kid?, header.alg))
}
