//! What operators and their tools ask: is it alive, is it ready, what does it do.

pub(crate) mod metrics;

use crate::app::App;
use actix_web::{HttpResponse, web};
use std::sync::atomic::Ordering;

/// `GET /health/live`: the process answers.
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("live\n")
}

/// `GET /health/ready`: requests are wanted and the store answers.
pub(crate) async fn ready(app: web::Data<App>) -> HttpResponse {
    let answers = app.accepting.load(Ordering::Acquire) && app.worker.read(|_| Ok(())).await.is_ok();
    let body = if answers { format!("ready\n{}", app.jobs.lines()) } else { "not ready\n".to_owned() };
    let mut response = if answers { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.content_type("text/plain; charset=utf-8").body(body)
}

/// `GET /metrics`: Prometheus' text format, without anything of a person.
pub(crate) async fn metrics(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(app.metrics.render(app.running.count()) + &app.jobs.metrics())
}
