//! JSON Web Signatures made byte by byte, right and wrong ones, with keys of the test's own.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
};
use aws_lc_rs::{hmac, signature};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::OnceLock;

enum Pair {
    Rsa(RsaKeyPair),
    Elliptic(EcdsaKeyPair),
}

/// A private key.
pub(crate) struct Key(Pair);

impl Key {
    /// One RSA key of 2048 bits, made once.
    pub(crate) fn rsa() -> &'static Key {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| Key(Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())))
    }

    /// A new key on P-384.
    pub(crate) fn p384() -> Key {
        Key(Pair::Elliptic(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()))
    }

    /// A new key on P-256.
    pub(crate) fn p256() -> Key {
        Key(Pair::Elliptic(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()))
    }

    /// The public key as a JWK with this `kid`.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.0 {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let n = encode(public.modulus().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "kid": kid, "n": n, "e": "AQAB" })
            }
            Pair::Elliptic(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 48 { "P-384" } else { "P-256" };
                json!({ "kty": "EC", "kid": kid, "crv": curve, "x": encode(x), "y": encode(y) })
            }
        }
    }

    /// Signs with the algorithm that `header` names among RS256, RS384, RS512, or with the curve's own.
    pub(crate) fn sign(&self, header: &Value, payload: &Value) -> String {
        self.sign_text(&header.to_string(), &payload.to_string())
    }

    /// Signs header and payload as they stand.
    pub(crate) fn sign_text(&self, header: &str, payload: &str) -> String {
        let random = SystemRandom::new();
        complete(header, payload, |message| match &self.0 {
            Pair::Rsa(pair) => {
                let encoding: &dyn signature::RsaEncoding = match () {
                    () if header.contains("RS512") => &RSA_PKCS1_SHA512,
                    () if header.contains("RS256") => &RSA_PKCS1_SHA256,
                    () => &RSA_PKCS1_SHA384,
                };
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut bytes).unwrap();
                bytes
            }
            Pair::Elliptic(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        })
    }
}

/// `header.payload.signature` with any bytes as signature.
pub(crate) fn complete(header: &str, payload: &str, signature: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let encode = |text: &[u8]| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let signature = signature(message.as_bytes());
    format!("{message}.{}", encode(&signature))
}

/// Signs HS256 with a "secret".
pub(crate) fn hs256(header: &str, payload: &str, secret: &[u8]) -> String {
    complete(header, payload, |message| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
    })
}

/// The header (0) or payload (1) of a token.
pub(crate) fn part(token: &str, number: usize) -> Value {
    let text = token.split('.').nth(number).expect("a token of three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// Whether one of the keys of a JWK Set verifies a token signed with `algorithm`.
fn verifies(token: &str, jwks: &Value, algorithm: jsonwebtoken::Algorithm) -> bool {
    let kid = part(token, 0)["kid"].clone();
    let Some(jwk) = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid) else {
        return false;
    };
    let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(jwk.clone()).unwrap()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap()
}

/// Whether one of the keys of a JWK Set verifies an access token (ES256).
pub(crate) fn is_signed_by(token: &str, jwks: &Value) -> bool {
    verifies(token, jwks, jsonwebtoken::Algorithm::ES256)
}

/// Whether one of the keys of a JWK Set verifies an identity token (RS256).
pub(crate) fn is_identity_signed_by(token: &str, jwks: &Value) -> bool {
    verifies(token, jwks, jsonwebtoken::Algorithm::RS256)
}
