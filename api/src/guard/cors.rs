//! Which web origins' scripts may call (`Fetch §3.3 CORS protocol`): those registered, exactly, and never with cookies.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Accept, If-Match, If-None-Match, If-None-Exist, Prefer, X-Request-ID, X-Correlation-ID",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Location, Content-Location, Last-Modified, Retry-After, X-Request-ID, X-Correlation-ID",
);

/// The origins whose scripts may call.
pub(crate) struct Origins(RwLock<HashSet<String>>);

impl Origins {
    /// Origins separated by white space.
    pub(crate) fn new(origins: &str) -> Origins {
        Origins(RwLock::new(origins.split_whitespace().map(str::to_owned).collect()))
    }

    /// The request's `Origin`, if its scripts may call.
    pub(crate) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(origin.to_str().ok()?).then(|| origin.clone())
    }
}

/// Whether a request is a browser's question before another one.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight; [`allow`] adds the origin, if it may call.
pub(crate) fn preflight(allowed: bool) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    if allowed {
        response
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")));
    }
    response.finish()
}

/// Lets the scripts of `origin` read an answer.
pub(crate) fn allow(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(HeaderName::from_static("vary"), HeaderValue::from_static("Origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_registered_origin_may_call() {
        let origins = Origins::new("https://app.example  https://other.example");
        let with = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            origins.allowed(&headers)
        };
        assert!(with("https://app.example").is_some());
        for origin in ["null", "*", "https://app.example.evil", "http://app.example", ""] {
            assert!(with(origin).is_none(), "{origin}");
        }
    }
}
