//! The authorization endpoint (`RFC 6749 §4.1.1`, SMART standalone launch), up to the redirect with a code.

use super::client::Client;
use super::grant::authorization_code::{CODE_LIFETIME, Code};
use super::user::User;
use super::{
    AuthorizationServer, ErrorType, Refusal, client, digest, grant, parameter, pkce, redirect, to_json,
};
use crate::access::scope::{Context, Scope};
use crate::error::Error;
use crate::store::authorization::{AuthorizationRead, AuthorizationWrite, Kind, Record};

/// A request that may be put before the person.
#[derive(Debug, Clone)]
pub struct AuthorizeRequest {
    /// Who asks.
    pub client: Client,
    /// Where the answer goes: registered.
    pub redirect_uri: String,
    /// Returned as it came.
    pub state: Option<String>,
    /// What can be granted of what was asked.
    pub scopes: Vec<String>,
    challenge: String,
    nonce: Option<String>,
}

impl AuthorizeRequest {
    /// Whether it takes a patient in context.
    pub fn needs_patient(&self) -> bool {
        self.scopes.iter().any(|scope| {
            scope == "launch/patient" || Scope::parse(scope).is_some_and(|s| s.context == Context::Patient)
        })
    }
}

/// What is wrong with an authorization request.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The client or its redirect URI is not known: told to the person, never redirected.
    Page(String),
    /// Told to the client by a redirect to this address.
    Redirect(String),
}

/// Judges an authorization request.
///
/// Errors: the outer ones are the store's.
pub fn check(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationRead,
    pairs: &[(String, String)],
) -> Result<Result<AuthorizeRequest, Fault>, Error> {
    let page = |text: &str| Ok(Err(Fault::Page(text.to_owned())));
    let (Ok(Some(client_id)), Ok(Some(asked))) =
        (parameter(pairs, "client_id"), parameter(pairs, "redirect_uri"))
    else {
        return page("The app did not say, or said twice, who it is or where to return to.");
    };
    let Some(client) = client::find(tx, client_id)? else {
        return page("The app is not registered here.");
    };
    if !client.redirect_uris.iter().any(|own| redirect::matches(own, asked)) {
        return page("The app asked to return to an address that is not registered for it.");
    }
    let state = parameter(pairs, "state").ok().flatten();
    match judged(server, pairs, &client) {
        Ok((challenge, scopes)) => Ok(Ok(AuthorizeRequest {
            nonce: parameter(pairs, "nonce").ok().flatten().map(str::to_owned),
            redirect_uri: asked.to_owned(),
            state: state.map(str::to_owned),
            scopes,
            challenge,
            client,
        })),
        Err(refusal) => Ok(Err(Fault::Redirect(error_redirect(server, asked, state, &refusal)))),
    }
}

/// What can be told by redirect: everything once client and redirect URI are known.
fn judged(
    server: &AuthorizationServer,
    pairs: &[(String, String)],
    client: &Client,
) -> Result<(String, Vec<String>), Refusal> {
    super::unrepeated(pairs)?;
    let value = |name: &str| parameter(pairs, name);
    if value("request")?.is_some() {
        return Err(Refusal::new(
            ErrorType::Extension("request_not_supported".into()),
            "Send plain parameters.",
        ));
    }
    if value("request_uri")?.is_some() {
        return Err(Refusal::new(
            ErrorType::Extension("request_uri_not_supported".into()),
            "Send plain parameters.",
        ));
    }
    if !client.grants.iter().any(|grant| grant == "authorization_code") {
        return Err(Refusal::new(
            ErrorType::UnauthorizedClient,
            "The client is not registered for authorization_code.",
        ));
    }
    match value("response_type")? {
        Some("code") => {}
        None => return Err(Refusal::invalid_request("The parameter response_type is missing: use code.")),
        Some(_) => {
            let error = ErrorType::Extension("unsupported_response_type".into());
            return Err(Refusal::new(error, "Use response_type code."));
        }
    }
    if value("response_mode")?.is_some_and(|mode| mode != "query") {
        return Err(Refusal::invalid_request("The response_mode is query."));
    }
    let challenge = value("code_challenge")?.filter(|challenge| pkce::is_challenge(challenge));
    let (Some(challenge), Some("S256")) = (challenge, value("code_challenge_method")?) else {
        return Err(Refusal::invalid_request("Send a PKCE code_challenge with code_challenge_method S256."));
    };
    if value("aud")?.map(|aud| aud.trim_end_matches('/')) != Some(server.base.as_str()) {
        return Err(Refusal::invalid_request(format!("The parameter aud must be {}.", server.base)));
    }
    if value("launch")?.is_some() {
        return Err(Refusal::invalid_request("The launch value is not known here."));
    }
    if value("nonce")?.is_some_and(|nonce| nonce.len() > 512) {
        return Err(Refusal::invalid_request("The nonce has more than 512 bytes."));
    }
    let asked = value("scope")?.unwrap_or_default();
    let scopes = grant::granted(asked, &client.scope, &[Context::Patient, Context::User])?;
    let has = |context| {
        scopes.iter().any(|scope| Scope::parse(scope).is_some_and(|scope| scope.context == context))
    };
    match (has(Context::Patient), has(Context::User)) {
        (false, false) if !scopes.contains(&"openid") => Err(Refusal::new(
            ErrorType::InvalidScope,
            "None of the scopes is one the client is registered for.",
        )),
        (true, true) => Err(Refusal::new(
            ErrorType::InvalidScope,
            "Ask for patient scopes or for user scopes, not for both.",
        )),
        _ => Ok((challenge.to_owned(), scopes.into_iter().map(str::to_owned).collect())),
    }
}

/// The address that tells the client of a refusal, with `state` and `iss` (`RFC 9207`).
fn error_redirect(server: &AuthorizationServer, uri: &str, state: Option<&str>, refusal: &Refusal) -> String {
    let error: &str = refusal.error.as_ref();
    let mut parameters = vec![("error", error), ("error_description", refusal.description.as_str())];
    parameters.extend(state.map(|state| ("state", state)));
    parameters.push(("iss", &server.issuer));
    redirect::with_parameters(uri, &parameters)
}

/// The person said no.
pub fn deny(server: &AuthorizationServer, request: &AuthorizeRequest) -> String {
    let refusal =
        Refusal::new(ErrorType::Extension("access_denied".into()), "The person did not allow access.");
    error_redirect(server, &request.redirect_uri, request.state.as_deref(), &refusal)
}

/// The person said yes in `session` (the cookie's value): the address with a code. `patient` is their choice among [`User::patients`]; the only one
/// is taken without asking.
pub fn approve(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    request: &AuthorizeRequest,
    (user, session): (&User, &str),
    patient: Option<&str>,
) -> Result<String, Error> {
    let choices = user.patients();
    let chosen = match (patient, choices.as_slice()) {
        _ if !request.needs_patient() => None,
        (Some(patient), _) => choices.iter().find(|id| id.as_str() == patient),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    if request.needs_patient() && chosen.is_none() {
        let refusal = Refusal::new(
            ErrorType::Extension("access_denied".into()),
            "The person has no patient record to share.",
        );
        return Ok(error_redirect(server, &request.redirect_uri, request.state.as_deref(), &refusal));
    }
    let secret = server.secret();
    let code = Code {
        client_id: request.client.id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        scope: request.scopes.join(" "),
        username: user.username.clone(),
        fhir_user: user.fhir_user.clone(),
        patient: chosen.map(|id| id.as_str().to_owned()),
        nonce: request.nonce.clone(),
        session: digest(session),
    };
    let expires = Some(server.clock.now().plus_seconds(CODE_LIFETIME));
    tx.put_authorization(Kind::Code, &Record { key: digest(&secret), body: to_json(&code)?, expires })?;
    let mut parameters = vec![("code", secret.as_str())];
    parameters.extend(request.state.as_deref().map(|state| ("state", state)));
    parameters.push(("iss", &server.issuer));
    Ok(redirect::with_parameters(&request.redirect_uri, &parameters))
}
