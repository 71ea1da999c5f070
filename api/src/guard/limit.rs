//! How much is taken on: requests at once, bytes of a body as sent and as decompressed.

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use domain::{Error, ErrorCode};
use futures_util::StreamExt;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Counts requests being worked on, up to a limit.
pub(crate) struct Running {
    count: AtomicUsize,
    limit: usize,
}

/// One request's place among those worked on; free again when dropped.
pub(crate) struct Place(Arc<Running>);

impl Running {
    /// None, of at most `limit`.
    pub(crate) fn new(limit: usize) -> Running {
        Running { count: AtomicUsize::new(0), limit }
    }

    /// Takes a place if there is one.
    pub(crate) fn enter(self: &Arc<Running>) -> Option<Place> {
        let place = Place(Arc::clone(self));
        (self.count.fetch_add(1, Ordering::Relaxed) < self.limit).then_some(place)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads a body as sent, of at most `limit` bytes and `within` a time; one that announces more is refused unread.
///
/// Errors: [`ErrorCode::TooLarge`]; [`ErrorCode::SlowBody`]; [`ErrorCode::MalformedBody`] when it breaks off.
pub(crate) async fn body(
    headers: &HeaderMap,
    payload: Payload,
    limit: usize,
    within: Duration,
) -> Result<Bytes, Error> {
    let slow = || Error::new(ErrorCode::SlowBody, "The body did not come within the time it may take.");
    tokio::time::timeout(within, whole(headers, payload, limit)).await.map_err(|_| slow())?
}

async fn whole(headers: &HeaderMap, mut payload: Payload, limit: usize) -> Result<Bytes, Error> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|_| Error::new(ErrorCode::MalformedBody, "The body broke off before its end."))?;
        if body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all.
    Identity,
    /// `gzip`
    Gzip,
    /// `zstd`
    Zstd,
}

impl Coding {
    /// Reads `Content-Encoding`.
    ///
    /// Errors: [`ErrorCode::UnsupportedMediaType`] for any but one of gzip and zstd.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Coding, Error> {
        let value = headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").trim());
        match value {
            None | Some("" | "identity") => Ok(Coding::Identity),
            Some("gzip" | "x-gzip") => Ok(Coding::Gzip),
            Some("zstd") => Ok(Coding::Zstd),
            Some(_) => Err(Error::new(
                ErrorCode::UnsupportedMediaType,
                "A body is compressed with gzip or zstd, once, or not at all.",
            )),
        }
    }

    /// Decompresses `body` to at most `limit` bytes. Takes time: not on an async worker.
    ///
    /// Errors: [`ErrorCode::TooLarge`], [`ErrorCode::MalformedBody`].
    pub(crate) fn decode(self, body: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
        let mut reader: Box<dyn Read + '_> = match self {
            Coding::Identity => return Ok(body.to_vec()),
            Coding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(body)),
            Coding::Zstd => Box::new(zstd::Decoder::with_buffer(body).map_err(|_| corrupt())?),
        };
        let mut decoded = Vec::new();
        let read = reader.by_ref().take(limit as u64 + 1).read_to_end(&mut decoded);
        read.map_err(|_| corrupt())?;
        if decoded.len() > limit { Err(too_large(limit)) } else { Ok(decoded) }
    }
}

fn corrupt() -> Error {
    Error::new(ErrorCode::MalformedBody, "The body is not compressed as Content-Encoding says.")
}

fn too_large(limit: usize) -> Error {
    Error::new(ErrorCode::TooLarge, format!("A body may have {limit} bytes here."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![b' '; 1 << 20]);
        assert_eq!(Coding::Gzip.decode(&bomb, 1000).unwrap_err().code(), ErrorCode::TooLarge);
        let bomb = zstd::encode_all(&vec![b' '; 1 << 20][..], 1).unwrap();
        assert_eq!(Coding::Zstd.decode(&bomb, 1000).unwrap_err().code(), ErrorCode::TooLarge);
        assert_eq!(Coding::Gzip.decode(&gzip(b"{}"), 2).unwrap(), b"{}");
        assert_eq!(Coding::Gzip.decode(b"plain", 10).unwrap_err().code(), ErrorCode::MalformedBody);
    }

    #[test]
    fn there_are_as_many_places_as_set() {
        let running = Arc::new(Running::new(1));
        let first = running.enter();
        assert!(first.is_some() && running.enter().is_none());
        drop(first);
        assert!(running.enter().is_some());
    }
}
