//! Requests as bytes, made before anything is measured.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Eight digits in a request, written anew at each sending.
pub(crate) const NUMBER: &str = "31415926";

/// The bytes of one request.
pub(crate) struct Request {
    /// Head and body.
    pub(crate) bytes: Vec<u8>,
    /// Where [`NUMBER`] stands.
    pub(crate) numbers: Vec<usize>,
}

impl Request {
    /// `GET path`.
    pub(crate) fn get(path: &str, token: Option<&str>) -> Self {
        Self::new("GET", path, token, None)
    }

    /// `method path` with a FHIR body; the answer need not repeat it.
    pub(crate) fn send(method: &str, path: &str, token: &str, body: &[u8]) -> Self {
        Self::typed(method, path, token, ("application/fhir+json", ""), body)
    }

    /// The same with a media type, and other headers, each with its line's end.
    pub(crate) fn typed(
        method: &str,
        path: &str,
        token: &str,
        (media_type, headers): (&str, &str),
        body: &[u8],
    ) -> Self {
        Self::new(method, path, Some(token), Some((media_type, headers, body)))
    }

    fn new(method: &str, path: &str, token: Option<&str>, body: Option<(&str, &str, &[u8])>) -> Self {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        if let Some(token) = token {
            head.push_str(&format!("Accept: application/fhir+json\r\nAuthorization: Bearer {token}\r\n"));
        }
        if let Some((media_type, headers, body)) = body {
            let length = body.len();
            head.push_str(&format!(
                "Content-Type: {media_type}\r\n{headers}Prefer: return=minimal\r\nContent-Length: {length}\r\n"
            ));
        }
        head.push_str("\r\n");
        let body = body.map(|(.., body)| body);
        let bytes = [head.as_bytes(), body.unwrap_or_default()].concat();
        let windows = bytes.windows(NUMBER.len()).enumerate();
        let numbers = windows.filter(|(_, part)| *part == NUMBER.as_bytes()).map(|(at, _)| at).collect();
        Self { bytes, numbers }
    }

    /// The request with `number` in the places of [`NUMBER`].
    pub(crate) fn numbered(&self, number: u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let digits = format!("{:08}", 10_000_000 + number % 10_000_000);
        for at in &self.numbers {
            if let Some(place) = bytes.get_mut(*at..at + NUMBER.len()) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
        bytes
    }
}

/// A search parameter's value in a query.
pub(crate) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}
