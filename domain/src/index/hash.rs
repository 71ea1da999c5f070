//! The 64-bit keys under which tokens, systems and resource identities are indexed.
//!
//! Keys are the first eight bytes of BLAKE3: who chooses an id cannot make it share a key with another's
//! (a second preimage takes 2^64 tries), which a fast non-cryptographic hash would allow.

/// The key of a text, for example a code or a code system. Zero is never given: it means "none".
pub fn text_key(text: &str) -> i64 {
    key(blake3::hash(text.as_bytes()))
}

/// The key of the resource `type_name/id`.
pub fn resource_key(type_name: &str, id: &str) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(type_name.as_bytes());
    hasher.update(b"/");
    hasher.update(id.as_bytes());
    key(hasher.finalize())
}

/// The key of a set of words, given by their keys in order.
pub fn words_key(words: &[i64]) -> i64 {
    let mut hasher = blake3::Hasher::new();
    for word in words {
        hasher.update(&word.to_le_bytes());
    }
    key(hasher.finalize())
}

fn key(hash: blake3::Hash) -> i64 {
    let bytes = hash.as_bytes().first_chunk::<8>().copied().unwrap_or_default();
    match i64::from_le_bytes(bytes) {
        0 => 1,
        other => other,
    }
}
