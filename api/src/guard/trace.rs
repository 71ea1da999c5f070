//! The one layer around every handler: request ids, a place among the running, panics, origins, metrics, the access log.

use super::cors;
use crate::app::App;
use crate::fhir::response;
use crate::operations::metrics::Label;
use crate::worker::busy;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, web};
use domain::{Error, ErrorCode};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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
    let origin = cors::allowed(&app, request.path(), request.headers()).await;
    let echoed = Echoed { request_id, correlation_id, origin };

    let place = app.running.enter();
    let address = request.peer_addr().map(|address| address.ip());
    let is_health = request.path().starts_with("/health");
    let refused = if is_health { None } else { app.rates.check_address(address).err() };
    let answered = if cors::is_preflight(request.method(), request.headers()) {
        Ok(request.into_response(cors::preflight(echoed.origin.is_some())))
    } else if place.is_none() && !is_health {
        Ok(request.into_response(response::failure(&busy())))
    } else if let Some(refused) = refused {
        Ok(request.into_response(response::failure(&refused)))
    } else {
        // The router needs the request to itself, so a failed handler has none to answer with: its answer is an error.
        match AssertUnwindSafe(next.call(request)).catch_unwind().await {
            Ok(Ok(response)) => Ok(response.map_into_boxed_body()),
            Ok(Err(error)) => Err(from_actix(&error)),
            Err(_) => Err(response::failure(&Error::new(
                ErrorCode::Internal,
                "The server could not complete the request.",
            ))),
        }
    };
    drop(place);

    let took = started.elapsed();
    let count = |label: Label, status: u16, client: &str| {
        app.metrics.count(label, status, took);
        log(label, status, took.as_micros(), echoed.request_id.to_str().unwrap_or_default(), client);
    };
    match answered {
        Ok(mut response) => {
            let label = response.response().extensions().get::<Label>().copied().unwrap_or(Label(0));
            let client = response.request().extensions().get::<Client>().map(|client| client.0.clone());
            count(label, response.status().as_u16(), client.as_deref().unwrap_or_default());
            echoed.write(response.headers_mut());
            Ok(response)
        }
        Err(mut response) => {
            count(Label(0), response.status().as_u16(), "");
            echoed.write(response.headers_mut());
            Err(InternalError::from_response("a handler failed", response).into())
        }
    }
}

/// What of a request its answer repeats.
struct Echoed {
    request_id: HeaderValue,
    correlation_id: Option<HeaderValue>,
    origin: Option<HeaderValue>,
}

impl Echoed {
    /// Writes it and the headers of every answer.
    fn write(self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.request_id);
        if let Some(correlation_id) = self.correlation_id {
            headers.insert(CORRELATION_ID, correlation_id);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if let Some(origin) = self.origin {
            cors::allow(origin, headers);
        }
    }
}

/// The client that proved who it is, which a handler leaves with the request for the log.
pub(crate) struct Client(pub(crate) Arc<str>);

/// One record a request: successes at level debug, the rest at info. No address, query, body, token or person.
fn log(interaction: Label, status: u16, micros: u128, request_id: &str, client: &str) {
    let interaction = interaction.name();
    if status < 400 {
        tracing::debug!(target: "access", interaction, status, micros, request_id, client);
    } else {
        tracing::info!(target: "access", interaction, status, micros, request_id, client);
    }
}

/// A caller's identifier, if it is short and plain enough to echo.
fn identifier(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let value = headers.get(name)?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    (1..=128).contains(&value.len()).then_some(())?;
    value.as_bytes().iter().all(plain).then(|| value.clone())
}

/// A UUIDv7 from this thread's own generator: the operating system's randomness would cost a system call a request.
fn new_identifier() -> HeaderValue {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or_default();
    let identifier = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
    let mut buffer = uuid::Uuid::encode_buffer();
    let text = identifier.as_hyphenated().encode_lower(&mut buffer);
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
