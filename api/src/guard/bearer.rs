//! Who is asking: the bearer token of a request (`RFC 6750 §2.1`), from its header alone.

use super::trace::Client;
use crate::app::App;
use crate::oauth;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpMessage, HttpRequest};
use domain::access::actor::Actor;
use domain::authorization::access_token;
use domain::{Error, ErrorCode};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Longest token looked at, in bytes.
const LONGEST: usize = 8192;

/// Who is asking. Their client's id stays with the request, for the log.
///
/// Errors: [`ErrorCode::Unauthenticated`].
pub(crate) async fn actor(app: &App, request: &HttpRequest) -> Result<Arc<Actor>, Error> {
    if app.open {
        return Ok(Arc::new(Actor::open()));
    }
    let actor = bearer(app, request).await?;
    if let Some(client) = &actor.client {
        request.extensions_mut().insert(Client(client.as_str().into()));
    }
    Ok(actor)
}

async fn bearer(app: &App, request: &HttpRequest) -> Result<Arc<Actor>, Error> {
    let token = token(request)?;
    let server = &app.authority.server;
    let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    if let Some((actor, expires)) = app.authority.tokens.get(&key)
        && expires > server.clock.now().seconds()
    {
        return Ok(actor);
    }
    if access_token::names_unknown_key(server, token) {
        oauth::refresh_soon(app).await?;
    }
    let claims = access_token::verify(server, token)?;
    let actor = Arc::new(access_token::actor(&claims)?);
    let expires = claims.exp;
    app.worker.read(move |tx| access_token::check_current(tx, &claims)).await?;
    app.authority.tokens.insert(key, (Arc::clone(&actor), expires));
    Ok(actor)
}

/// The one token of the one `Authorization` header.
///
/// Errors: [`ErrorCode::Unauthenticated`].
pub(crate) fn token(request: &HttpRequest) -> Result<&str, Error> {
    let refuse = |why: &str| Err(Error::new(ErrorCode::Unauthenticated, why));
    let mut values = request.headers().get_all(AUTHORIZATION);
    let Some(value) = values.next() else {
        return refuse("This address asks for an access token.");
    };
    if values.next().is_some() {
        return refuse("There are several Authorization headers; send one.");
    }
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        let is_token = (1..=LONGEST).contains(&token.len()) && !token.contains([' ', ',']);
        (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
    });
    token.map_or_else(|| refuse("The Authorization header is not 'Bearer' and an access token."), Ok)
}
