//! What stands before every handler: limits, tracing, browsers' origins, and who is asking.

pub(crate) mod cors;
pub(crate) mod limit;
pub(crate) mod trace;

use crate::app::App;
use actix_web::HttpRequest;
use domain::access::actor::Actor;
use domain::{Error, ErrorCode};

/// Who is asking.
///
/// Errors: [`ErrorCode::Unauthenticated`].
pub(crate) async fn actor(app: &App, _request: &HttpRequest) -> Result<Actor, Error> {
    if app.open {
        return Ok(Actor::open());
    }
    Err(Error::new(ErrorCode::Unauthenticated, "This address asks for an access token."))
}
