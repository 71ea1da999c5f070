//! From an answer or an error to HTTP: status, headers, body.

use super::{negotiation::View, request};
use crate::settings::Settings;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use domain::conformance::Definitions;
use domain::interaction::{Answer, Version};
use domain::{Error, ErrorCode};

/// The media type of every FHIR answer.
pub(crate) const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json; charset=utf-8");

/// An interaction that succeeded (or a condition that did not hold: 304).
pub(crate) fn success(answer: Answer, view: View, settings: &Settings) -> HttpResponse {
    let Answer { status, body, version, location, headers } = answer;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        Some(body) => {
            let body = if view.pretty { pretty(body) } else { body };
            let mut response = HttpResponse::with_body(status, BoxBody::new(body));
            response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
            response
        }
        None => HttpResponse::new(status),
    };
    if let Some(version) = version {
        describe(&version, location, settings, response.headers_mut());
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// `ETag`, `Last-Modified` and, for what is new, `Location` (`FHIR R4 http.html#create`).
fn describe(version: &Version, location: bool, settings: &Settings, headers: &mut HeaderMap) {
    let mut put = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    put(header::ETAG, format!("W/\"{}\"", version.version));
    put(header::LAST_MODIFIED, version.updated.http_date());
    if location {
        let name = Definitions::r4().type_name(version.type_);
        let (base, id, number) = (settings.base(), &version.id, version.version);
        let address = format!("{base}/{name}/{id}/_history/{number}");
        put(header::CONTENT_LOCATION, address.clone());
        put(header::LOCATION, address);
    }
}

/// The answer to OPTIONS (`RFC 9110 §9.3.7`): what an address takes.
pub(crate) fn options(allow: String) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    if let Ok(allow) = HeaderValue::try_from(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// An interaction that failed.
pub(crate) fn failure(error: &Error) -> HttpResponse {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::with_body(status, BoxBody::new(error.to_outcome()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, FHIR_JSON);
    let wait = match error.code() {
        ErrorCode::Busy | ErrorCode::Throttled => Some(error.retry_after.unwrap_or(1)),
        _ => error.retry_after,
    };
    if let Some(seconds) = wait {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Adds what tells the caller how to go on: `Allow` to a 405, `WWW-Authenticate` to a 401 and, as the scope did not
/// suffice, to a 403 (`RFC 6750 §3`).
pub(crate) fn advise(response: &mut HttpResponse, error: &Error, path: &str, settings: &Settings) {
    let headers = response.headers_mut();
    match error.code() {
        ErrorCode::MethodNotAllowed => {
            if let Some(allow) = request::allow(path).and_then(|allow| HeaderValue::try_from(allow).ok()) {
                headers.insert(header::ALLOW, allow);
            }
        }
        code @ (ErrorCode::Unauthenticated | ErrorCode::Forbidden) => {
            let short = if code == ErrorCode::Forbidden { ", error=\"insufficient_scope\"" } else { "" };
            let challenge = format!("Bearer realm=\"{}\"{short}", settings.base());
            if let Ok(challenge) = HeaderValue::try_from(challenge) {
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
        }
        _ => {}
    }
}

/// Adds to the challenge of a 401 that the token which came with the request is why (`RFC 6750 §3.1`).
pub(crate) fn blame_token(response: &mut HttpResponse, request: &HeaderMap) {
    if !request.contains_key(header::AUTHORIZATION) || response.status() != StatusCode::UNAUTHORIZED {
        return;
    }
    let challenge = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let challenge = challenge.map(|challenge| format!("{challenge}, error=\"invalid_token\""));
    if let Some(Ok(challenge)) = challenge.map(HeaderValue::try_from) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
}

/// The same JSON, indented. Numbers keep their digits.
fn pretty(body: Vec<u8>) -> Vec<u8> {
    let tree: Result<serde_json::Value, _> = serde_json::from_slice(&body);
    tree.ok().and_then(|tree| serde_json::to_vec_pretty(&tree).ok()).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clock::Instant;
    use domain::id::Id;

    #[test]
    fn a_new_resource_is_located() {
        let type_ = Definitions::r4().type_id("Patient").unwrap();
        let version = Version { type_, id: Id::parse("a").unwrap(), version: 1, updated: Instant(0) };
        let answer =
            Answer { status: 201, body: None, version: Some(version), location: true, headers: vec![] };
        let response = success(answer, View { pretty: false }, &Settings::default());
        let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(response.status(), 201);
        assert_eq!(header("etag"), "W/\"1\"");
        assert_eq!(header("last-modified"), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(header("location"), "http://127.0.0.1:8080/FHIR/R4/Patient/a/_history/1");
    }

    #[test]
    fn an_indented_number_keeps_its_digits() {
        assert_eq!(pretty(br#"{"value":1.10}"#.to_vec()), b"{\n  \"value\": 1.10\n}");
    }

    #[test]
    fn a_refusal_says_how_to_go_on() {
        let error = Error::new(ErrorCode::MethodNotAllowed, "no");
        let mut response = failure(&error);
        advise(&mut response, &error, "/FHIR/R4/Patient", &Settings::default());
        assert_eq!(response.headers().get("allow").unwrap(), "GET, HEAD, POST, PUT, PATCH, DELETE");
        let busy = failure(&Error::new(ErrorCode::Busy, "later"));
        assert_eq!(busy.headers().get("retry-after").unwrap(), "1");
    }
}
