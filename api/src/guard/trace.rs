//! The one layer around every handler: request ids, a place among the running, panics, origins, metrics, the access log.

use super::cors;
use crate::app::App;
use crate::fhir::response;
use crate::oauth;
use crate::operations::metrics::Label;
use crate::worker::busy;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::ConnectionType;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, web};
use domain::{Error, ErrorCode};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
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
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let speaker = Speaker::of(request.path());
    let refused = if is_health { None } else { app.rates.check_address(address).err() };
    let stopping = !is_health && !app.accepting.load(Ordering::Acquire);
    let answered = if stopping {
        let mut response = speaker.failure(&stopping_soon());
        response.head_mut().set_connection_type(ConnectionType::Close);
        Ok(request.into_response(response))
    } else if cors::is_preflight(request.method(), request.headers()) {
        Ok(request.into_response(cors::preflight(echoed.origin.is_some())))
    } else if place.is_none() && !is_health {
        Ok(request.into_response(speaker.failure(&busy())))
    } else if let Some(refused) = refused {
        Ok(request.into_response(speaker.failure(&refused)))
    } else {
        // The router needs the request to itself, so a failed handler has none to answer with: its answer is an error.
        match AssertUnwindSafe(next.call(request)).catch_unwind().await {
            Ok(Ok(response)) => Ok(response.map_into_boxed_body()),
            Ok(Err(error)) => Err(speaker.failure(&from_actix(&error))),
            Err(_) => {
                let message = "The server could not complete the request.";
                Err(speaker.failure(&Error::new(ErrorCode::Internal, message)))
            }
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
            if chunked && !response.request().extensions().contains::<BodyRead>() {
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            Ok(response)
        }
        Err(mut response) => {
            count(Label(0), response.status().as_u16(), "");
            echoed.write(response.headers_mut());
            if chunked {
                response.head_mut().set_connection_type(ConnectionType::Close);
            }
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

/// Left with a request whose body was read to its end. The rest of any other is not waited for: a body in chunks need not
/// have an end.
pub(crate) struct BodyRead;

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
    headers.get(name).filter(|value| is_plain(value.as_bytes())).cloned()
}

/// Whether a caller's identifier is short and plain enough to echo.
pub(crate) fn is_plain(value: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    (1..=128).contains(&value.len()) && value.iter().all(plain)
}

/// A UUIDv7 from this thread's own generator: the operating system's randomness would cost a system call a request.
fn new_identifier() -> HeaderValue {
    HeaderValue::from_str(&new_text()).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// The same as text.
pub(crate) fn new_text() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or_default();
    let identifier = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
    let mut buffer = uuid::Uuid::encode_buffer();
    identifier.as_hyphenated().encode_lower(&mut buffer).to_owned()
}

/// What actix refused by itself, as an OperationOutcome of the same status.
fn from_actix(error: &actix_web::Error) -> Error {
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
    Error::new(code, "The request could not be read.")
}

/// Who answers at an address, and so how a failure is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// FHIR, and everything that has no form of its own: an OperationOutcome.
    Fhir,
    /// An endpoint of the authorization server for programs: the JSON of `RFC 6749 §5.2`.
    OAuth,
}

impl Speaker {
    /// Who answers at `path`.
    pub(crate) fn of(path: &str) -> Speaker {
        match path {
            "/oauth2/token" | "/oauth2/revoke" | "/oauth2/introspect" | "/oauth2/userinfo" => Speaker::OAuth,
            _ => Speaker::Fhir,
        }
    }

    /// A failure as this one tells it.
    pub(crate) fn failure(self, error: &Error) -> HttpResponse {
        match self {
            Speaker::Fhir => response::failure(error),
            Speaker::OAuth => oauth::failure(error),
        }
    }
}

/// The refusal of what comes to a server that was asked to stop.
fn stopping_soon() -> Error {
    let mut error = Error::new(ErrorCode::Busy, "The server is stopping. Send the request again.");
    error.retry_after = Some(1);
    error
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
