//! `client_credentials` (`RFC 6749 §4.4`, SMART Backend Services): a client by itself, with `system/` scopes.

use super::{Granted, granted};
use crate::access::scope::Context;
use crate::authorization::access_token::Claims;
use crate::authorization::client::{Authentication, Client};
use crate::authorization::{AuthorizationServer, ErrorType, Refusal};

/// Seconds such a token lives.
const LIFETIME: i64 = 300;

/// The token such a client gets.
///
/// Errors: `unauthorized_client`, `invalid_scope`.
pub fn run(server: &AuthorizationServer, client: &Client, scope: Option<&str>) -> Result<Granted, Refusal> {
    if matches!(client.authentication, Authentication::Public) {
        return Err(Refusal::new(
            ErrorType::UnauthorizedClient,
            "A public client cannot use client_credentials.",
        ));
    }
    let asked = scope.unwrap_or_default();
    let granted = granted(asked, &client.scope, &[Context::System])?;
    if granted.is_empty() {
        return Err(Refusal::new(
            ErrorType::InvalidScope,
            "Ask for system scopes that the client is registered for, for example system/Patient.rs.",
        ));
    }
    let now = server.clock.now().seconds();
    let claims = Claims {
        iss: server.issuer.clone(),
        aud: server.base.clone(),
        sub: client.id.clone(),
        client_id: client.id.clone(),
        scope: granted.join(" "),
        patient: None,
        fhir_user: None,
        exp: now.saturating_add(LIFETIME),
        iat: now,
        jti: server.secret(),
        authorization: None,
    };
    Ok(Granted { claims, refresh_token: None, id_token: None })
}
