//! Introspection (`RFC 7662`, SMART App Launch 2.2 token introspection) and userinfo (`OpenID Connect Core 1.0 §5.3`):
//! what a token says, for those who may know.

use super::client::Authentication;
use super::grant::refresh_token::RefreshToken;
use super::token::{TokenRequest, authenticate};
use super::{AuthorizationServer, Refusal, access_token, client, digest, from_json, parameter};
use crate::error::{Error, ErrorCode};
use crate::store::authorization::{AuthorizationRead, AuthorizationWrite, Kind};
use serde_json::{Value, json};

/// What a token says: to a confidential client that proves itself, or to the bearer of an access token that such a client
/// got for itself. Anything that does not count is exactly `{"active":false}`.
///
/// Errors: `invalid_client`, `invalid_request`.
pub fn introspect(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    request: &TokenRequest,
) -> Result<Result<Value, Refusal>, Error> {
    if let Err(refusal) = super::unrepeated(&request.form) {
        return Ok(Err(refusal));
    }
    if !may_introspect(server, tx, request)? {
        return Ok(Err(Refusal::invalid_client()));
    }
    let token = match parameter(&request.form, "token") {
        Ok(Some(token)) => token,
        Ok(None) => return Ok(Err(Refusal::invalid_request("The parameter token is missing."))),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let inactive = json!({ "active": false });
    if let Ok(claims) = access_token::verify(server, token) {
        if access_token::check_current(tx, &claims).is_err() {
            return Ok(Ok(inactive));
        }
        let mut answer = serde_json::to_value(&claims).map_err(Error::internal)?;
        if let Some(members) = answer.as_object_mut() {
            members.remove("authorization");
            members.insert("active".into(), json!(true));
            members.insert("token_type".into(), json!("Bearer"));
            if let Some(user) = &claims.fhir_user {
                members.insert("fhirUser".into(), json!(server.fhir_user(user)));
            }
        }
        return Ok(Ok(answer));
    }
    Ok(Ok(refresh(server, tx, token)?.unwrap_or(inactive)))
}

/// What a refresh token that was not used yet says.
fn refresh(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    token: &str,
) -> Result<Option<Value>, Error> {
    let Some(record) = tx.authorization(Kind::RefreshToken, &digest(token))? else { return Ok(None) };
    let Some(expires) = record.expires.filter(|expires| *expires > server.clock.now()) else {
        return Ok(None);
    };
    let stored: RefreshToken = from_json(&record.body)?;
    let revoked = access_token::authorization_key(&stored.authorization);
    if tx.authorization(Kind::RevokedToken, &revoked)?.is_some()
        || client::find(tx, &stored.client_id)?.is_none()
    {
        return Ok(None);
    }
    Ok(Some(json!({
        "active": true, "client_id": stored.client_id, "scope": stored.scope, "sub": stored.username,
        "iss": server.issuer, "exp": expires.seconds(),
    })))
}

fn may_introspect(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    request: &TokenRequest,
) -> Result<bool, Error> {
    let header = request.authorization.as_deref().and_then(|header| header.split_once(' '));
    if let Some((_, token)) = header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
        let Ok(claims) = access_token::verify(server, token) else { return Ok(false) };
        return Ok(claims.authorization.is_none() && access_token::check_current(tx, &claims).is_ok());
    }
    let client = authenticate(server, tx, request)?;
    Ok(client.is_ok_and(|client| !matches!(client.authentication, Authentication::Public)))
}

/// Who the bearer of an access token with the scope `openid` is.
///
/// Errors: [`ErrorCode::Unauthenticated`]; [`ErrorCode::Forbidden`] without the scope.
pub fn userinfo(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationRead,
    token: &str,
) -> Result<Value, Error> {
    let claims = access_token::verify(server, token)?;
    access_token::check_current(tx, &claims)?;
    let has = |name: &str| claims.scope.split(' ').any(|scope| scope == name);
    if !has("openid") {
        return Err(Error::new(ErrorCode::Forbidden, "The access token does not have the scope openid."));
    }
    let mut answer = json!({ "sub": claims.sub });
    if let (Some(user), Some(members), true) = (&claims.fhir_user, answer.as_object_mut(), has("fhirUser")) {
        members.insert("fhirUser".into(), json!(server.fhir_user(user)));
    }
    Ok(answer)
}
