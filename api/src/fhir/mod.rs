//! The FHIR base: every request below it becomes an interaction, every answer a response.

mod request;
mod response;

use crate::worker::Worker;
use actix_web::{HttpRequest, HttpResponse, web};
use domain::access::actor::Actor;
use domain::server::Server;
use domain::{Error, ErrorCode};
use std::sync::Arc;

/// Largest body that is read.
pub(crate) const MAX_BODY: usize = 64 * 1024 * 1024;

/// What every request needs.
pub(crate) struct State {
    /// The domain's door.
    pub(crate) server: Arc<Server>,
    /// The store's threads.
    pub(crate) worker: Worker,
}

/// Answers a request below the FHIR base.
pub(crate) async fn answer(http: HttpRequest, state: web::Data<State>, body: web::Payload) -> HttpResponse {
    let answered = perform(&http, &state, body).await;
    response::write(&http, &state.server.settings.base, answered)
}

async fn perform(
    http: &HttpRequest,
    state: &State,
    body: web::Payload,
) -> Result<domain::interaction::Answer, Error> {
    let body = body.to_bytes_limited(MAX_BODY).await.map_err(|_| {
        Error::new(
            ErrorCode::TooLarge,
            format!("The body may have {MAX_BODY} bytes. Send less in one request."),
        )
    })?;
    let body = body.map_err(|_| Error::new(ErrorCode::MalformedBody, "The body ended early."))?;
    let request = request::read(http, &body)?;
    let actor = Actor::open();
    let server = Arc::clone(&state.server);
    let prepared = server.prepare(&actor, request)?;
    if prepared.writes() {
        state.worker.write(move |tx| server.perform_write(tx, &actor, &prepared)).await
    } else {
        state.worker.read(move |tx| server.perform_read(tx, &actor, &prepared)).await
    }
}

/// `/health/ready`: whether the store answers.
pub(crate) async fn ready(state: web::Data<State>) -> HttpResponse {
    match state.worker.read(|_| Ok(())).await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

/// What is at no address at all.
pub(crate) async fn nothing_here(http: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let error =
        Error::new(ErrorCode::NotFoundRoute, "There is nothing at this address. FHIR is below /FHIR/R4.");
    response::write(&http, &state.server.settings.base, Err(error))
}
