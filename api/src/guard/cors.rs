//! Which web origins' scripts may call (`Fetch §3.3 CORS protocol`): for discovery all, for tokens and records those
//! registered, exactly, for the pages none; never with cookies.

use crate::app::App;
use crate::oauth;
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Accept, If-Match, If-None-Match, If-None-Exist, Prefer, X-Provenance, X-Request-ID, X-Correlation-ID",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Location, Content-Location, Last-Modified, Retry-After, X-Progress, X-Request-ID, X-Correlation-ID",
);

/// The origins whose scripts may call: those the operator set, and those of registered clients.
pub(crate) struct Origins {
    set: HashSet<String>,
    registered: RwLock<HashSet<String>>,
}

impl Origins {
    /// Origins that the operator set, separated by white space.
    pub(crate) fn new(origins: &str) -> Origins {
        let set = origins.split_whitespace().map(str::to_owned).collect();
        Origins { set, registered: RwLock::default() }
    }

    /// Takes these as the clients' from now on.
    pub(crate) fn register(&self, origins: impl Iterator<Item = String>) {
        *self.registered.write().unwrap_or_else(PoisonError::into_inner) = origins.collect();
    }

    fn knows(&self, origin: &str) -> bool {
        let registered = || self.registered.read().unwrap_or_else(PoisonError::into_inner).contains(origin);
        self.set.contains(origin) || registered()
    }
}

/// Whose scripts may read an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Everybody's: discovery (`SMART App Launch 2.2, conformance`).
    Anyone,
    /// Those of registered origins.
    Registered,
    /// Nobody's: pages for people (`RFC 9700 §2.6`).
    Nobody,
}

fn audience(path: &str) -> Audience {
    match path {
        "/oauth2/jwks" | "/FHIR/R4/metadata" => Audience::Anyone,
        _ if path.starts_with("/.well-known/") || path.starts_with("/FHIR/R4/.well-known/") => {
            Audience::Anyone
        }
        "/oauth2/token" | "/oauth2/userinfo" | "/oauth2/introspect" | "/oauth2/revoke" => {
            Audience::Registered
        }
        _ if path.starts_with("/FHIR/") => Audience::Registered,
        _ => Audience::Nobody,
    }
}

/// What `Access-Control-Allow-Origin` says to a request, if its scripts may read the answer.
pub(crate) async fn allowed(app: &App, path: &str, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    match audience(path) {
        Audience::Nobody => None,
        Audience::Anyone => Some(HeaderValue::from_static("*")),
        Audience::Registered => {
            let text = origin.to_str().ok().filter(|text| text.contains("://"))?;
            // A client may have been registered a moment ago.
            let known = app.origins.knows(text)
                || (oauth::refresh_soon(app).await.unwrap_or(false) && app.origins.knows(text));
            known.then(|| origin.clone())
        }
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
    fn only_known_origins_may_call() {
        let origins = Origins::new("https://app.example  https://other.example");
        origins.register(["https://client.example".to_owned()].into_iter());
        for origin in ["https://app.example", "https://other.example", "https://client.example"] {
            assert!(origins.knows(origin), "{origin}");
        }
        for origin in ["null", "*", "https://app.example.evil", "http://app.example", ""] {
            assert!(!origins.knows(origin), "{origin}");
        }
        origins.register(std::iter::empty());
        assert!(!origins.knows("https://client.example"));
    }

    #[test]
    fn an_address_has_its_audience() {
        for (path, expected) in [
            ("/FHIR/R4/.well-known/smart-configuration", Audience::Anyone),
            ("/.well-known/openid-configuration", Audience::Anyone),
            ("/FHIR/R4/metadata", Audience::Anyone),
            ("/FHIR/R4/Patient/1", Audience::Registered),
            ("/oauth2/token", Audience::Registered),
            ("/oauth2/authorize", Audience::Nobody),
            ("/oauth2/login", Audience::Nobody),
            ("/metrics", Audience::Nobody),
        ] {
            assert_eq!(audience(path), expected, "{path}");
        }
    }
}
