//! `/oauth2/userinfo` (`OpenID Connect Core 1.0 §5.3`): who the bearer of a token is.

use crate::app::App;
use crate::fhir::response;
use crate::guard;
use actix_web::{HttpRequest, HttpResponse, web};
use domain::Error;
use domain::authorization::introspection;

/// Answers with `sub`, and `fhirUser` when the token has that scope.
pub(crate) async fn userinfo(http: HttpRequest, app: web::Data<App>) -> HttpResponse {
    match answer(&http, &app).await {
        Ok(response) => response,
        Err(error) => {
            let mut response = response::failure(&error);
            response::advise(&mut response, &error, http.path(), &app.settings);
            response::blame_token(&mut response, http.headers());
            response
        }
    }
}

async fn answer(http: &HttpRequest, app: &App) -> Result<HttpResponse, Error> {
    let token = guard::token(http)?.to_owned();
    let server = app.authority.server.clone();
    let claims = app.worker.read(move |tx| introspection::userinfo(&server, tx, &token)).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(claims))
}
