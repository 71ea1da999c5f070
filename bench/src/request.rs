//! Requests as bytes, made before anything is measured.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Eight digits in a body, written anew at each sending.
pub(crate) const NUMBER: &str = "31415926";

/// The bytes of one request.
pub(crate) struct Request {
    /// Head and body.
    pub(crate) bytes: Vec<u8>,
    /// Where [`NUMBER`] stands, if it does.
    pub(crate) number: Option<usize>,
}

impl Request {
    /// `GET path`.
    pub(crate) fn get(path: &str, token: Option<&str>) -> Self {
        Self::new("GET", path, token, None)
    }

    /// `method path` with a FHIR body; the answer need not repeat it.
    pub(crate) fn send(method: &str, path: &str, token: &str, body: &[u8]) -> Self {
        Self::new(method, path, Some(token), Some(body))
    }

    fn new(method: &str, path: &str, token: Option<&str>, body: Option<&[u8]>) -> Self {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        if let Some(token) = token {
            head.push_str(&format!("Accept: application/fhir+json\r\nAuthorization: Bearer {token}\r\n"));
        }
        if let Some(body) = body {
            let length = body.len();
            head.push_str(&format!(
                "Content-Type: application/fhir+json\r\nPrefer: return=minimal\r\nContent-Length: {length}\r\n"
            ));
        }
        head.push_str("\r\n");
        let bytes = [head.as_bytes(), body.unwrap_or_default()].concat();
        let number = body.and_then(|body| {
            let at = body.windows(NUMBER.len()).position(|part| part == NUMBER.as_bytes())?;
            Some(head.len() + at)
        });
        Self { bytes, number }
    }

    /// The request with `number` in its body.
    pub(crate) fn numbered(&self, number: u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let digits = format!("{:08}", 10_000_000 + number % 10_000_000);
        let place = self.number.and_then(|at| bytes.get_mut(at..at + NUMBER.len()));
        if let Some(place) = place {
            place.copy_from_slice(digits.as_bytes());
        }
        bytes
    }
}

/// A search parameter's value in a query.
pub(crate) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}
