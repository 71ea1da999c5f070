//! What clients post to: the token endpoint (`RFC 6749 §3.2`), revocation (`RFC 7009`) and introspection (`RFC 7662`).

use super::{fetch_keys, pairs};
use crate::app::App;
use crate::guard::limit;
use crate::guard::trace::Client;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use domain::authorization::token::{self, TokenRequest};
use domain::authorization::{Refusal, introspection, revocation};
use domain::{Error, ErrorCode};
use std::time::Duration;

/// Longest form taken, in bytes.
const LIMIT: usize = 64 << 10;

/// Answers a token request.
pub(crate) async fn token(http: HttpRequest, payload: web::Payload, app: web::Data<App>) -> HttpResponse {
    let request = match form(&http, payload, &app).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let server = app.authority.server.clone();
    match app.worker.write(move |tx| token::exchange(&server, tx, &request)).await {
        Ok(answer) => {
            if answer.revoked {
                app.authority.tokens.invalidate_all();
            }
            if let Some(client) = &answer.client {
                http.extensions_mut().insert(Client(client.as_str().into()));
            }
            let status = StatusCode::from_u16(answer.status).unwrap_or_default();
            json(status, answer.challenge).body(answer.body)
        }
        Err(error) => super::failure(&error),
    }
}

/// Revokes a token.
pub(crate) async fn revoke(http: HttpRequest, payload: web::Payload, app: web::Data<App>) -> HttpResponse {
    let request = match form(&http, payload, &app).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let server = app.authority.server.clone();
    let outcome = app.worker.write(move |tx| revocation::revoke(&server, tx, &request)).await;
    app.authority.tokens.invalidate_all();
    match outcome {
        Ok(Ok(())) => json(StatusCode::OK, false).finish(),
        Ok(Err(refusal)) => refused(None, &refusal),
        Err(error) => super::failure(&error),
    }
}

/// Says what a token stands for.
pub(crate) async fn introspect(
    http: HttpRequest,
    payload: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    let request = match form(&http, payload, &app).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let server = app.authority.server.clone();
    match app.worker.write(move |tx| introspection::introspect(&server, tx, &request)).await {
        Ok(Ok(answer)) => json(StatusCode::OK, false).body(answer.to_string()),
        Ok(Err(refusal)) => refused(None, &refusal),
        Err(error) => super::failure(&error),
    }
}

/// An answer that nobody stores (`RFC 6749 §5.1`).
fn json(status: StatusCode, challenge: bool) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((PRAGMA, "no-cache"))
        .insert_header((CONTENT_TYPE, "application/json"));
    if challenge {
        response.insert_header((WWW_AUTHENTICATE, "Basic realm=\"oauth2\""));
    }
    response
}

fn refused(status: Option<StatusCode>, refusal: &Refusal) -> HttpResponse {
    match token::refuse(refusal) {
        Ok(answer) => {
            let own = StatusCode::from_u16(answer.status).unwrap_or_default();
            json(status.unwrap_or(own), answer.challenge).body(answer.body)
        }
        Err(error) => super::failure(&error),
    }
}

/// The form of a request with its credentials, and the keys at hand that an assertion in it needs; what is not a form
/// is answered here.
async fn form(http: &HttpRequest, payload: web::Payload, app: &App) -> Result<TokenRequest, HttpResponse> {
    let refuse = |status: StatusCode, text: &str| refused(Some(status), &Refusal::invalid_request(text));
    if !http.query_string().is_empty() {
        let text = "Send the parameters in the body, not in the address.";
        return Err(refuse(StatusCode::BAD_REQUEST, text));
    }
    let content_type =
        http.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let text = "Send the parameters as application/x-www-form-urlencoded.";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let within = Duration::from_secs(app.settings.body_timeout);
    let body =
        limit::body(http.headers(), payload, LIMIT, within).await.map_err(|error: Error| {
            match error.code() {
                ErrorCode::TooLarge => refuse(StatusCode::PAYLOAD_TOO_LARGE, "The form is too long."),
                ErrorCode::SlowBody => refuse(StatusCode::REQUEST_TIMEOUT, "The form did not come in time."),
                _ => refuse(StatusCode::BAD_REQUEST, "The body broke off before its end."),
            }
        })?;
    let form = std::str::from_utf8(&body).ok().and_then(pairs);
    let mut headers = http.headers().get_all(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let authorization = headers.next().map(str::to_owned);
    match (form, headers.next()) {
        (Some(form), None) => {
            let request = TokenRequest { form, authorization };
            fetch_keys(app, &request).await.map_err(|error| super::failure(&error))?;
            Ok(request)
        }
        _ => {
            let text = "The body is not a form, or there are several Authorization headers.";
            Err(refuse(StatusCode::BAD_REQUEST, text))
        }
    }
}
