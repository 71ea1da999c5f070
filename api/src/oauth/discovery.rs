//! Keys and metadata, which are public.

use crate::app::App;
use actix_web::{HttpResponse, web};
use domain::authorization::discovery;
use serde_json::Value;

fn document(value: &Value) -> HttpResponse {
    HttpResponse::Ok().json(value)
}

/// The JWK Set of the access tokens' keys.
pub(crate) async fn jwks(app: web::Data<App>) -> HttpResponse {
    document(app.authority.server.keys.current().jwks())
}

/// Authorization Server Metadata (`RFC 8414`).
pub(crate) async fn metadata(app: web::Data<App>) -> HttpResponse {
    document(&discovery::metadata(&app.authority.server))
}

/// SMART's configuration document.
pub(crate) async fn smart_configuration(app: web::Data<App>) -> HttpResponse {
    document(&discovery::smart_configuration(&app.authority.server))
}
