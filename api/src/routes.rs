//! Which handler answers at which address. FHIR's own addresses are read by `domain::interaction::address`.

use crate::fhir::{self, response};
use crate::{oauth, operations};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::{Error, ErrorCode};

/// The path of the FHIR base.
pub(crate) const BASE: &str = "/FHIR/R4";

/// Mounts everything the server answers.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .configure(crate::docs::configure)
        .route("/health/live", web::get().to(operations::live))
        .route("/health/ready", web::get().to(operations::ready))
        .route("/metrics", web::get().to(operations::metrics))
        .configure(oauth::configure)
        .service(web::resource([BASE, "/FHIR/R4/{address:.*}"]).to(fhir::handle))
        .default_service(web::to(nothing_here));
}

/// An address that this server does not have.
async fn nothing_here(_request: HttpRequest) -> HttpResponse {
    response::failure(&Error::new(ErrorCode::NotFoundRoute, "There is nothing at this address."))
}
