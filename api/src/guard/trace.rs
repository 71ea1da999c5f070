//! The one layer around every handler: request ids, a place among the running, panics, origins, metrics, the access log.

use super::cors;
use crate::app::App;
use crate::fhir::response;
use crate::operations::metrics::Label;
use crate::worker::busy;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};
use domain::{Error, ErrorCode};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// Carries a request to its handler and the answer back.
///
/// Errors: none of its own; what a handler could not answer becomes an OperationOutcome.
pub(crate) async fn request(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return Ok(request.into_response(response::failure(&Error::internal("no application data"))));
    };
    let request_id = identifier(request.headers(), &REQUEST_ID).unwrap_or_else(new_identifier);
    let correlation_id = identifier(request.headers(), &CORRELATION_ID);
    let origin = app.origins.allowed(request.headers());
    let http = request.request().clone();

    let place = app.running.enter();
    let mut response = if cors::is_preflight(http.method(), http.headers()) {
        request.into_response(cors::preflight(origin.is_some()))
    } else if place.is_none() && !http.path().starts_with("/health") {
        request.into_response(response::failure(&busy()))
    } else {
        match AssertUnwindSafe(next.call(request)).catch_unwind().await {
            Ok(Ok(response)) => response.map_into_boxed_body(),
            Ok(Err(error)) => ServiceResponse::new(http, from_actix(&error)),
            Err(_) => ServiceResponse::new(
                http,
                response::failure(&Error::new(
                    ErrorCode::Internal,
                    "The server could not complete the request.",
                )),
            ),
        }
    };
    drop(place);

    let label = response.response().extensions().get::<Label>().copied().unwrap_or(Label(0));
    let status = response.status().as_u16();
    let took = started.elapsed();
    app.metrics.count(label, status, took);
    log(label, status, took.as_micros(), request_id.to_str().unwrap_or_default());

    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, request_id);
    if let Some(correlation_id) = correlation_id {
        headers.insert(CORRELATION_ID, correlation_id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(origin) = origin {
        cors::allow(origin, headers);
    }
    Ok(response)
}

/// One record a request: successes at level debug, the rest at info. No address, query, body, token or person.
fn log(interaction: Label, status: u16, micros: u128, request_id: &str) {
    let interaction = interaction.name();
    if status < 400 {
        tracing::debug!(target: "access", interaction, status, micros, request_id);
    } else {
        tracing::info!(target: "access", interaction, status, micros, request_id);
    }
}

/// A caller's identifier, if it is short and plain enough to echo.
fn identifier(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let value = headers.get(name)?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    (1..=128).contains(&value.len()).then_some(())?;
    value.as_bytes().iter().all(plain).then(|| value.clone())
}

fn new_identifier() -> HeaderValue {
    let mut buffer = uuid::Uuid::encode_buffer();
    let text = uuid::Uuid::now_v7().as_hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// What actix refused by itself, as an OperationOutcome of the same status.
fn from_actix(error: &actix_web::Error) -> HttpResponse {
    let status = error.as_response_error().status_code();
    let code = match status.as_u16() {
        404 => ErrorCode::NotFoundRoute,
        405 => ErrorCode::MethodNotAllowed,
        413 => ErrorCode::TooLarge,
        415 => ErrorCode::UnsupportedMediaType,
        408 => ErrorCode::Timeout,
        400..=499 => ErrorCode::InvalidParameter,
        _ => ErrorCode::Internal,
    };
    response::failure(&Error::new(code, "The request could not be read."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_identifiers_are_echoed() {
        let of = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
            identifier(&headers, &REQUEST_ID)
        };
        assert!(of(b"11D46F5F-CDEF-4865-94B2-0EE0EDCC26DA").is_some());
        for refused in [&b""[..], b"a b", b"<script>", b"\xff", &[b'a'; 129]] {
            assert!(of(refused).is_none(), "{refused:?}");
        }
    }
}
