//! Which handler answers at which address. FHIR's own addresses are read by `domain::interaction::address`.

use crate::fhir::{self, response};
use crate::{oauth, operations};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::{Error, ErrorCode};

/// The path of the FHIR base.
pub(crate) const BASE: &str = "/FHIR/R4";

/// Mounts everything the server answers.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    // actix tries them in this order, and the patterns of the documents are regular expressions: a FHIR address, which
    // is compared with fixed texts alone, comes before them.
    config
        .route("/health/live", web::get().to(operations::live))
        .route("/health/ready", web::get().to(operations::ready))
        .route("/metrics", web::get().to(operations::metrics))
        .configure(oauth::configure)
        .service(web::scope(BASE).default_service(web::to(fhir::handle)))
        .configure(crate::docs::configure)
        .default_service(web::to(nothing_here));
}

/// An address that this server does not have.
async fn nothing_here(_request: HttpRequest) -> HttpResponse {
    response::failure(&Error::new(ErrorCode::NotFoundRoute, "There is nothing at this address."))
}
