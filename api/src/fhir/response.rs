//! From an answer or an error to HTTP.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use domain::conformance::Definitions;
use domain::interaction::Answer;
use domain::interaction::address::Address;
use domain::{Error, ErrorCode};

const JSON: &str = "application/fhir+json; charset=utf-8";

/// Headers of the caller that come back as they were.
const ECHOED: [&str; 2] = ["x-request-id", "x-correlation-id"];

/// Writes the response.
pub(super) fn write(http: &HttpRequest, base: &str, answered: Result<Answer, Error>) -> HttpResponse {
    let status = answered.as_ref().map_or_else(Error::status, |answer| answer.status);
    let mut response =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response
        .insert_header(("cache-control", "no-store"))
        .insert_header(("x-content-type-options", "nosniff"));
    for name in ECHOED {
        if let Some(value) = http.headers().get(name).filter(|value| value.len() <= 128) {
            response.insert_header((name, value.clone()));
        }
    }
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) => {
            if let Some(seconds) = error.retry_after {
                response.insert_header(("retry-after", seconds.to_string()));
            }
            if error.code() == ErrorCode::MethodNotAllowed
                && let Some(allow) = allowed(http)
            {
                response.insert_header(("allow", allow));
            }
            return response.content_type(JSON).body(error.to_outcome());
        }
    };
    if let Some(version) = &answer.version {
        response.insert_header(("etag", format!("W/\"{}\"", version.version)));
        response.insert_header(("last-modified", version.updated.http_date()));
        if answer.location {
            let name = Definitions::r4().type_name(version.type_);
            let location = format!("{base}/{name}/{}/_history/{}", version.id, version.version);
            response.insert_header(("location", location));
        }
    }
    match answer.body {
        Some(body) => response.content_type(JSON).body(body),
        None => response.finish(),
    }
}

fn allowed(http: &HttpRequest) -> Option<String> {
    let path = http.uri().path().strip_prefix("/FHIR/R4")?;
    Address::parse(path).ok().map(|address| address.methods().join(", "))
}
