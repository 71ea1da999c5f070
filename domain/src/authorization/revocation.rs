//! Revocation (`RFC 7009`): a client gives back its tokens.

use super::grant::refresh_token::{self, RefreshToken};
use super::token::{TokenRequest, authenticate};
use super::{AuthorizationServer, Refusal, access_token, digest, from_json, parameter};
use crate::error::Error;
use crate::store::authorization::{AuthorizationWrite, Kind, Record};

/// Revokes the token of a request, if it is the client's own: a refresh token with all that was made from the same
/// authorization, an access token by itself. Whose or what the token was is not told.
///
/// Errors: `invalid_client`, `invalid_request`.
pub fn revoke(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    request: &TokenRequest,
) -> Result<Result<(), Refusal>, Error> {
    if let Err(refusal) = super::unrepeated(&request.form) {
        return Ok(Err(refusal));
    }
    let client = match authenticate(server, tx, request)? {
        Ok(client) => client,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let token = match parameter(&request.form, "token") {
        Ok(Some(token)) => token,
        Ok(None) => return Ok(Err(Refusal::invalid_request("The parameter token is missing."))),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let now = server.clock.now();
    if let Some(record) = tx.authorization(Kind::RefreshToken, &digest(token))? {
        let stored: RefreshToken = from_json(&record.body)?;
        if stored.client_id == client.id {
            tx.remove_authorization(Kind::RefreshToken, &record.key)?;
            refresh_token::revoke(tx, &stored.authorization, now)?;
        }
    } else if let Ok(claims) = access_token::verify(server, token)
        && claims.client_id == client.id
    {
        let seconds = claims.exp.saturating_sub(now.seconds()).max(0);
        let expires = Some(now.plus_seconds(seconds));
        tx.put_authorization(Kind::RevokedToken, &Record { key: claims.jti, body: "{}".into(), expires })?;
    }
    Ok(Ok(()))
}
