//! The keys that sign access tokens (ES256) and identity tokens (RS256, as SMART asks): made on first start, kept in the
//! store, published as a JWK Set (`RFC 7517`).

use super::{from_json, to_json};
use crate::error::{Error, ErrorCode};
use crate::store::authorization::{AuthorizationRead, AuthorizationWrite, Kind, Record};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError, RwLock};

/// One ES256 key as stored.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    kid: String,
    /// PKCS #8, base64.
    private: String,
    x: String,
    y: String,
}

/// One RS256 key as stored.
#[derive(Serialize, Deserialize)]
struct StoredIdentityKey {
    kid: String,
    /// PKCS #8, base64.
    private: String,
    n: String,
    e: String,
}

/// The keys in use, replaced while the server runs when another process rotated them.
pub struct Keys(RwLock<Arc<Keyring>>);

impl Keys {
    /// Keys to begin with.
    pub fn new(keyring: Keyring) -> Keys {
        Keys(RwLock::new(Arc::new(keyring)))
    }

    /// The keys as they are now.
    pub fn current(&self) -> Arc<Keyring> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes these from now on.
    pub fn replace(&self, keyring: Keyring) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }
}

/// All keys; the newest signs, all verify.
pub struct Keyring {
    signing: (String, EncodingKey),
    identity: (String, EncodingKey),
    verifying: Vec<(String, DecodingKey)>,
    jwks: Value,
}

/// The first key's place in the store. A rotation adds the next number.
const FIRST: &str = "000001";

/// The keys of the store; makes the first one if there is none. Two processes that start together end with the same.
pub fn ensure(tx: &mut dyn AuthorizationWrite) -> Result<Keyring, Error> {
    if tx.authorizations(Kind::Key, "")?.is_empty() {
        let record = Record { key: FIRST.into(), body: to_json(&generate()?)?, expires: None };
        tx.insert_authorization(Kind::Key, &record)?;
    }
    if tx.authorizations(Kind::IdentityKey, "")?.is_empty() {
        let record = Record { key: FIRST.into(), body: to_json(&generate_identity()?)?, expires: None };
        tx.insert_authorization(Kind::IdentityKey, &record)?;
    }
    load(tx)
}

/// The keys of the store as they are.
///
/// Errors: [`ErrorCode::Internal`] when there are none.
pub fn load(tx: &mut (impl AuthorizationRead + ?Sized)) -> Result<Keyring, Error> {
    Keyring::of(&tx.authorizations(Kind::Key, "")?, &tx.authorizations(Kind::IdentityKey, "")?)
}

/// Adds keys that sign from the next [`load`] on; the earlier ones still verify.
///
/// Errors: [`ErrorCode::Conflict`] when another process did the same at the same time.
pub fn rotate(tx: &mut dyn AuthorizationWrite) -> Result<(), Error> {
    add(tx, Kind::Key, to_json(&generate()?)?)?;
    add(tx, Kind::IdentityKey, to_json(&generate_identity()?)?)
}

fn add(tx: &mut dyn AuthorizationWrite, kind: Kind, body: String) -> Result<(), Error> {
    let last = tx.authorizations(kind, "")?.last().and_then(|record| record.key.parse::<u32>().ok());
    let key = format!("{:06}", last.unwrap_or(0).saturating_add(1));
    if tx.insert_authorization(kind, &Record { key, body, expires: None })? {
        Ok(())
    } else {
        Err(Error::new(ErrorCode::Conflict, "Another process rotated the keys at the same time."))
    }
}

fn generate_identity() -> Result<StoredIdentityKey, Error> {
    let refused = |_| Error::internal("no RSA key could be made");
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(refused)?;
    let private: Pkcs8V1Der<'_> = pair.as_der().map_err(refused)?;
    let public = pair.public_key();
    let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    // RFC 7638: the thumbprint names the key.
    let kid = super::digest(&format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
    Ok(StoredIdentityKey { kid, private: STANDARD.encode(private.as_ref()), n, e })
}

fn generate() -> Result<StoredKey, Error> {
    let refused = |_| Error::internal("no P-256 key could be made");
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(refused)?;
    let private = pair.to_pkcs8v1().map_err(refused)?;
    // An uncompressed point: 0x04, x, y.
    let point = pair.public_key().as_ref();
    let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
        return Err(Error::internal("a P-256 point of another length"));
    };
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    // RFC 7638: the thumbprint names the key.
    let kid = super::digest(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
    Ok(StoredKey { kid, private: STANDARD.encode(private.as_ref()), x, y })
}

impl StoredKey {
    fn jwk(&self) -> Value {
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": self.x, "y": self.y })
    }
}

impl StoredIdentityKey {
    fn jwk(&self) -> Value {
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": self.n, "e": self.e })
    }
}

fn stored<T: DeserializeOwned>(records: &[Record]) -> Result<Vec<T>, Error> {
    records.iter().map(|record| from_json(&record.body)).collect()
}

impl Keyring {
    fn of(keys: &[Record], identity: &[Record]) -> Result<Keyring, Error> {
        let keys: Vec<StoredKey> = stored(keys)?;
        let identity: Vec<StoredIdentityKey> = stored(identity)?;
        let (Some(newest), Some(newest_identity)) = (keys.last(), identity.last()) else {
            return Err(Error::internal("there is no signing key"));
        };
        let private = STANDARD.decode(&newest.private).map_err(Error::internal)?;
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", newest_identity.private);
        let identity_private = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(Error::internal)?;
        let access = keys.iter().map(|key| {
            let verifying = DecodingKey::from_ec_components(&key.x, &key.y).map_err(Error::internal)?;
            Ok((key.kid.clone(), verifying))
        });
        let published = keys.iter().map(StoredKey::jwk).chain(identity.iter().map(StoredIdentityKey::jwk));
        Ok(Keyring {
            signing: (newest.kid.clone(), EncodingKey::from_ec_der(&private)),
            identity: (newest_identity.kid.clone(), identity_private),
            verifying: access.collect::<Result<_, Error>>()?,
            jwks: json!({ "keys": published.collect::<Vec<_>>() }),
        })
    }

    /// The key that signs identity tokens, with its `kid`.
    pub fn identity(&self) -> (&str, &EncodingKey) {
        (&self.identity.0, &self.identity.1)
    }

    /// The key that signs, with its `kid`.
    pub fn signing(&self) -> (&str, &EncodingKey) {
        (&self.signing.0, &self.signing.1)
    }

    /// The key named `kid`.
    pub fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.iter().find(|(own, _)| own == kid).map(|(_, key)| key)
    }

    /// The public keys as a JWK Set.
    pub fn jwks(&self) -> &Value {
        &self.jwks
    }
}
