//! Bodies as they are stored: a codec byte, then the JSON itself or the JSON compressed with a dictionary.
//!
//! The byte is 0 for plain JSON, and else the number of the dictionary. Dictionaries are shipped in the binary and never
//! taken away (`persistence/dictionaries`), so that whatever was stored stays readable.

use domain::Error;
use std::cell::RefCell;
use std::sync::OnceLock;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// The codec byte of plain JSON.
const PLAIN: u8 = 0;

/// The codec byte that is written: the number of the dictionary.
const CURRENT: u8 = 1;

/// The dictionaries, from number 1.
static DICTIONARIES: [&[u8]; 1] = [include_bytes!("../../dictionaries/1.dict")];

/// Higher levels take longer and save little: of 13.7 MB of bodies level 1 leaves 3.3 MB, level 3 leaves 3.2.
const LEVEL: i32 = 1;

/// Shorter bodies are stored as they are: a frame has a head of its own.
const SHORT: usize = 64;

/// Bytes of JSON that a stored body may claim to be, far above the longest request.
const LONGEST: u64 = 1 << 30;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// A body as it is stored, `compressed` or plain.
pub(super) fn encode(mut body: Vec<u8>, compressed: bool) -> Vec<u8> {
    if let Some(frame) = Some(&body).filter(|_| compressed).and_then(|body| compress(body)) {
        return frame;
    }
    body.insert(0, PLAIN);
    body
}

/// The body compressed, if that is shorter.
fn compress(body: &[u8]) -> Option<Vec<u8>> {
    static DICTIONARY: OnceLock<Option<EncoderDictionary<'static>>> = OnceLock::new();
    if body.len() < SHORT {
        return None;
    }
    let dictionary = DICTIONARY
        .get_or_init(|| dictionary(CURRENT).map(|dictionary| EncoderDictionary::copy(dictionary, LEVEL)))
        .as_ref()?;
    COMPRESSOR.with_borrow_mut(|compressor| {
        if compressor.is_none() {
            let mut fresh = Compressor::with_prepared_dictionary(dictionary).ok()?;
            // The codec byte names the dictionary.
            fresh.include_dictid(false).ok()?;
            *compressor = Some(fresh);
        }
        let mut stored = vec![CURRENT];
        stored.extend(compressor.as_mut()?.compress(body).ok()?);
        (stored.len() <= body.len()).then_some(stored)
    })
}

/// The body of what is stored.
///
/// Errors: the codec is unknown; the bytes are damaged.
pub(super) fn decode(mut stored: Vec<u8>) -> Result<Vec<u8>, Error> {
    match stored.split_first() {
        Some((&PLAIN, _)) => {
            stored.remove(0);
            Ok(stored)
        }
        Some((&CURRENT, frame)) => {
            decompress(frame).ok_or_else(|| Error::internal("a stored body is damaged"))
        }
        _ => Err(Error::internal("a stored body has an unknown codec")),
    }
}

fn decompress(frame: &[u8]) -> Option<Vec<u8>> {
    static DICTIONARY: OnceLock<Option<DecoderDictionary<'static>>> = OnceLock::new();
    let length = zstd::zstd_safe::get_frame_content_size(frame).ok()??;
    if length > LONGEST {
        return None;
    }
    let dictionary = DICTIONARY.get_or_init(|| dictionary(CURRENT).map(DecoderDictionary::copy)).as_ref()?;
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        if decompressor.is_none() {
            *decompressor = Decompressor::with_prepared_dictionary(dictionary).ok();
        }
        decompressor.as_mut()?.decompress(frame, usize::try_from(length).ok()?).ok()
    })
}

fn dictionary(number: u8) -> Option<&'static [u8]> {
    DICTIONARIES.get(usize::from(number).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back_as_it_was() {
        let long = format!(r#"{{"resourceType":"Patient","text":"{}"}}"#, "é\u{1F600}x".repeat(40_000));
        let noise: Vec<u8> = (0..5_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for body in [b"".to_vec(), b"{}".to_vec(), long.clone().into_bytes(), noise] {
            let stored = encode(body.clone(), true);
            assert!(stored.len() <= body.len() + 1);
            assert_eq!(decode(stored).unwrap(), body);
            assert_eq!(decode(encode(body.clone(), false)).unwrap(), body);
        }
        assert!(encode(long.into_bytes(), true).len() < 2_000);
    }

    #[test]
    fn plain_bodies_of_older_stores_are_read() {
        assert_eq!(
            decode(b"\0{\"resourceType\":\"Patient\"}".to_vec()).unwrap(),
            b"{\"resourceType\":\"Patient\"}"
        );
    }

    #[test]
    fn damage_is_an_error() {
        let stored = encode(
            br#"{"resourceType":"Patient","gender":"female","birthDate":"1970-01-01","active":true}"#
                .to_vec(),
            true,
        );
        assert_eq!(stored.first(), Some(&CURRENT));
        let cut = stored.get(..stored.len() - 3).unwrap().to_vec();
        for broken in [cut, vec![], vec![CURRENT], vec![9, 1, 2], vec![CURRENT, 0xff, 0xff]] {
            assert!(decode(broken).is_err());
        }
    }

    /// What is stored needs its dictionary for ever.
    #[test]
    fn the_first_dictionary_is_as_it_was() {
        let stored = include_bytes!("../../dictionaries/1.sample");
        let body = decode(stored.to_vec()).unwrap();
        assert!(body.starts_with(br#"{"resourceType":"Patient","id":"sample","meta":{"#));
    }
}
