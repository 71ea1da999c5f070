//! `POST /oauth2/token` (`RFC 6749 §3.2`).

use super::pairs;
use crate::app::App;
use crate::fhir::response;
use crate::guard::limit;
use crate::guard::trace::Client;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use domain::authorization::Refusal;
use domain::authorization::token::{self, TokenAnswer, TokenRequest};
use domain::{Error, ErrorCode};

/// Longest form taken, in bytes.
const LIMIT: usize = 64 << 10;

/// Answers a token request.
pub(crate) async fn token(http: HttpRequest, payload: web::Payload, app: web::Data<App>) -> HttpResponse {
    match answer(&http, payload, &app).await {
        Ok((status, answer)) => {
            if answer.revoked {
                app.authority.tokens.invalidate_all();
            }
            if let Some(client) = &answer.client {
                http.extensions_mut().insert(Client(client.as_str().into()));
            }
            let status = status.unwrap_or(StatusCode::from_u16(answer.status).unwrap_or_default());
            let mut response = HttpResponse::build(status);
            response
                .insert_header((CACHE_CONTROL, "no-store"))
                .insert_header((PRAGMA, "no-cache"))
                .insert_header((CONTENT_TYPE, "application/json"));
            if answer.challenge {
                response.insert_header((WWW_AUTHENTICATE, "Basic realm=\"oauth2\""));
            }
            response.body(answer.body)
        }
        Err(error) => response::failure(&error),
    }
}

/// Any method but `POST` (`RFC 6749 §3.2`).
pub(crate) async fn other_method() -> HttpResponse {
    let mut response = HttpResponse::MethodNotAllowed();
    response.insert_header((ALLOW, "POST")).insert_header((CACHE_CONTROL, "no-store")).finish()
}

async fn answer(
    http: &HttpRequest,
    payload: web::Payload,
    app: &App,
) -> Result<(Option<StatusCode>, TokenAnswer), Error> {
    let refuse = |text: &str| token::refuse(&Refusal::invalid_request(text));
    if !http.query_string().is_empty() {
        return Ok((None, refuse("Send the parameters in the body, not in the address.")?));
    }
    let content_type =
        http.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let answer = refuse("Send the parameters as application/x-www-form-urlencoded.")?;
        return Ok((Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), answer));
    }
    let body = match limit::body(http.headers(), payload, LIMIT).await {
        Ok(body) => body,
        Err(error) if error.code() == ErrorCode::TooLarge => {
            let answer = refuse("The form is too long.")?;
            return Ok((Some(StatusCode::PAYLOAD_TOO_LARGE), answer));
        }
        Err(_) => return Ok((None, refuse("The body broke off before its end.")?)),
    };
    let form = std::str::from_utf8(&body).ok().and_then(pairs);
    let mut headers = http.headers().get_all(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let authorization = headers.next().map(str::to_owned);
    let (Some(form), None) = (form, headers.next()) else {
        return Ok((None, refuse("The body is not a form, or there are several Authorization headers.")?));
    };
    let request = TokenRequest { form, authorization };
    let server = app.authority.server.clone();
    let answer = app.worker.write(move |tx| token::exchange(&server, tx, &request)).await?;
    Ok((None, answer))
}
