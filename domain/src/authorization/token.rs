//! The token endpoint (`RFC 6749 §3.2`): who is the client, which grant, what comes back.

use super::client::{Authentication, Client};
use super::grant::{Granted, authorization_code, client_credentials, refresh_token};
use super::{
    AuthorizationServer, ErrorType, Refusal, access_token, assertion, client, digest, id_token, parameter,
    same, to_json,
};
use crate::error::Error;
use crate::store::authorization::AuthorizationWrite;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oauth2::basic::BasicTokenType;
use oauth2::{
    AccessToken, ExtraTokenFields, RefreshToken, Scope, StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};

/// What `grant_type` may be.
pub const GRANTS: [&str; 3] = ["authorization_code", "client_credentials", "refresh_token"];

/// A request to the token endpoint.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The form, decoded.
    pub form: Vec<(String, String)>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
}

/// What goes back: JSON, never to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAnswer {
    /// 200, 400 or 401.
    pub status: u16,
    /// JSON.
    pub body: String,
    /// Whether to send `WWW-Authenticate: Basic`.
    pub challenge: bool,
    /// Whether access tokens were revoked, so that a cache of them must be emptied.
    pub revoked: bool,
    /// The client that a token was issued to.
    pub client: Option<String>,
}

/// SMART's launch context and OpenID's identity token beside the access token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct LaunchContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}
impl ExtraTokenFields for LaunchContext {}

/// Answers a token request. What it spends (a `jti`, a code) stays spent when it refuses: commit in either case.
///
/// Errors: those of the store only; what is wrong with the request is an answer.
pub fn exchange(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    request: &TokenRequest,
) -> Result<TokenAnswer, Error> {
    match run(server, tx, request)? {
        Ok(granted) => {
            let (body, client) = (to_json(&response(server, &granted)?)?, Some(granted.claims.client_id));
            Ok(TokenAnswer { status: 200, body, challenge: false, revoked: false, client })
        }
        Err(refusal) => refuse(&refusal),
    }
}

fn response(
    server: &AuthorizationServer,
    granted: &Granted,
) -> Result<StandardTokenResponse<LaunchContext, BasicTokenType>, Error> {
    let claims = &granted.claims;
    let lifetime = u64::try_from(claims.exp.saturating_sub(claims.iat)).unwrap_or_default();
    let id_token = granted.id_token.as_ref().map(|claims| id_token::sign(server, claims)).transpose()?;
    let mut response = StandardTokenResponse::new(
        AccessToken::new(access_token::sign(server, claims)?),
        BasicTokenType::Extension("Bearer".into()),
        LaunchContext { patient: claims.patient.clone(), id_token },
    );
    response.set_expires_in(Some(&std::time::Duration::from_secs(lifetime)));
    response.set_scopes(Some(claims.scope.split(' ').map(|scope| Scope::new(scope.to_owned())).collect()));
    response.set_refresh_token(granted.refresh_token.clone().map(RefreshToken::new));
    Ok(response)
}

/// A refusal as the token endpoint's answer (`RFC 6749 §5.2`).
pub fn refuse(refusal: &Refusal) -> Result<TokenAnswer, Error> {
    let body = StandardErrorResponse::new(refusal.error.clone(), Some(refusal.description.clone()), None);
    let unauthenticated = refusal.error == ErrorType::InvalidClient;
    let status = if unauthenticated { 401 } else { 400 };
    let (body, revoked) = (to_json(&body)?, refusal.revokes);
    Ok(TokenAnswer { status, body, challenge: unauthenticated, revoked, client: None })
}

fn run(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    request: &TokenRequest,
) -> Result<Result<Granted, Refusal>, Error> {
    // `?` of both layers: the outer is the store's failure, the inner the caller's.
    macro_rules! granted {
        ($outcome:expr) => {
            match $outcome {
                Ok(value) => value,
                Err(refusal) => return Ok(Err(refusal)),
            }
        };
    }
    let form = &request.form;
    granted!(super::unrepeated(form));
    let grant = match granted!(parameter(form, "grant_type")) {
        None => return Ok(Err(Refusal::invalid_request("The parameter grant_type is missing."))),
        Some(grant) if GRANTS.contains(&grant) => grant,
        Some(_) => {
            let text = format!("The grant_type is not one of: {}.", GRANTS.join(", "));
            return Ok(Err(Refusal::new(ErrorType::UnsupportedGrantType, text)));
        }
    };
    let client = match unnamed(tx, request, grant)? {
        Some(client) => client,
        None => granted!(authenticate(server, tx, request)?),
    };
    // Refresh tokens continue what a code began.
    let registered = if grant == "refresh_token" { "authorization_code" } else { grant };
    if !client.grants.iter().any(|own| own == registered) {
        let text = "The client is not registered for this grant_type.";
        return Ok(Err(Refusal::new(ErrorType::UnauthorizedClient, text)));
    }
    if grant == "client_credentials" {
        return Ok(client_credentials::run(server, &client, granted!(parameter(form, "scope"))));
    }
    let required = |name: &str| {
        parameter(form, name)?
            .ok_or_else(|| Refusal::invalid_request(format!("The parameter {name} is missing.")))
    };
    if grant == "refresh_token" {
        let scope = granted!(parameter(form, "scope"));
        return refresh_token::run(server, tx, &client, granted!(required("refresh_token")), scope);
    }
    let exchange = authorization_code::Exchange {
        code: granted!(required("code")),
        redirect_uri: granted!(required("redirect_uri")),
        verifier: granted!(required("code_verifier")),
    };
    authorization_code::run(server, tx, &client, &exchange)
}

/// The public client of a refresh request that names none, as SMART's own library sends it: what is not authenticated only
/// MAY name itself (`RFC 6749 §3.2.1`, §6). The token says whose it is. `docs/decisions/0230-refresh-without-client-id.md`
fn unnamed(
    tx: &mut dyn AuthorizationWrite,
    request: &TokenRequest,
    grant: &str,
) -> Result<Option<Client>, Error> {
    let identifying = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
    let named = request.authorization.is_some()
        || request.form.iter().any(|(name, _)| identifying.contains(&name.as_str()));
    let secret = request.form.iter().find(|(name, _)| name == "refresh_token");
    match secret {
        Some((_, secret)) if grant == "refresh_token" && !named => {
            let client = refresh_token::client_of(tx, secret)?;
            Ok(client.filter(|client| matches!(client.authentication, Authentication::Public)))
        }
        _ => Ok(None),
    }
}

/// The client of a token request, proved in exactly one way (`RFC 6749 §2.3`).
///
/// Errors: `invalid_client`, `invalid_request`.
pub fn authenticate(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    request: &TokenRequest,
) -> Result<Result<Client, Refusal>, Error> {
    let form = &request.form;
    let value = |name: &str| parameter(form, name);
    let parts = || -> Result<_, Refusal> {
        Ok((
            value("client_id")?,
            value("client_secret")?,
            value("client_assertion")?,
            value("client_assertion_type")?,
        ))
    };
    let (id, secret, assertion, assertion_type) = match parts() {
        Ok(parts) => parts,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let ways = [request.authorization.is_some(), secret.is_some(), assertion.is_some()];
    if ways.iter().filter(|used| **used).count() > 1 {
        return Ok(Err(Refusal::invalid_request("Authenticate the client in one way only.")));
    }
    let outcome = if let Some(header) = &request.authorization {
        match basic(header) {
            Some((name, secret)) => by_secret(tx, &name, &secret)?,
            None => Err(Refusal::invalid_client()),
        }
    } else if let Some(assertion) = assertion {
        if assertion_type != Some(assertion::TYPE) {
            let text = format!("The client_assertion_type must be {}.", assertion::TYPE);
            return Ok(Err(Refusal::invalid_request(text)));
        }
        assertion::authenticate(server, tx, assertion)?
    } else if let (Some(id), Some(secret)) = (id, secret) {
        by_secret(tx, id, secret)?
    } else if let Some(id) = id {
        let client = client::find(tx, id)?;
        client
            .filter(|client| matches!(client.authentication, Authentication::Public))
            .ok_or_else(Refusal::invalid_client)
    } else {
        Err(Refusal::invalid_client())
    };
    // A client_id beside another proof must name the same client.
    Ok(outcome.and_then(|client| {
        if id.is_none_or(|id| id == client.id) { Ok(client) } else { Err(Refusal::invalid_client()) }
    }))
}

fn by_secret(
    tx: &mut dyn AuthorizationWrite,
    id: &str,
    secret: &str,
) -> Result<Result<Client, Refusal>, Error> {
    let client = client::find(tx, id)?;
    let given = digest(secret);
    Ok(match client {
        Some(client) if matches!(&client.authentication, Authentication::Secret(own) if same(own, &given)) => {
            Ok(client)
        }
        _ => Err(Refusal::invalid_client()),
    })
}

/// `client_id` and secret of a Basic header, both form-decoded (`RFC 6749 §2.3.1`).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
    };
    Some((decode(id)?, decode(secret)?))
}
