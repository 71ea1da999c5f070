//! Keys and metadata: public, and readable by the scripts of every origin.

use crate::app::App;
use actix_web::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use actix_web::{HttpResponse, web};
use domain::authorization::discovery;
use serde_json::Value;

fn document(value: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*")).json(value)
}

/// The JWK Set of the access tokens' keys.
pub(crate) async fn jwks(app: web::Data<App>) -> HttpResponse {
    document(app.authority.server.keys.jwks())
}

/// Authorization Server Metadata (`RFC 8414`).
pub(crate) async fn metadata(app: web::Data<App>) -> HttpResponse {
    document(&discovery::metadata(&app.authority.server))
}

/// SMART's configuration document.
pub(crate) async fn smart_configuration(app: web::Data<App>) -> HttpResponse {
    document(&discovery::smart_configuration(&app.authority.server))
}
