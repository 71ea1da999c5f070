//! Proof Key for Code Exchange (`RFC 7636`), S256 only.

use super::same;
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};

/// Whether `challenge` can be an S256 challenge: 32 bytes in base64url without padding.
pub fn is_challenge(challenge: &str) -> bool {
    challenge.len() == 43 && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether `verifier` is well formed (`§4.1`) and the one `challenge` was made from (`§4.6`).
pub fn verify(challenge: &str, verifier: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    // oauth2 asserts the length, so it is checked before.
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return false;
    }
    let expected = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.to_owned()));
    same(expected.as_str(), challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfcs_own_vector_verifies_and_nothing_else() {
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(challenge) && verify(challenge, verifier));
        for wrong in [
            "",
            challenge,
            &verifier[..42],
            &format!("{verifier}="),
            &format!("{verifier} "),
            &"a".repeat(129),
        ] {
            assert!(!verify(challenge, wrong), "{wrong}");
        }
        for wrong in ["", verifier.get(..42).unwrap(), &format!("{challenge}="), &challenge.replace('-', "+")]
        {
            assert!(!is_challenge(wrong), "{wrong}");
        }
    }
}
