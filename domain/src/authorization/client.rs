//! Registered clients (`RFC 6749 §2`): who they are, how they authenticate, what they may ask for.

use super::{from_json, redirect, to_json};
use crate::error::{Error, ErrorCode};
use crate::store::authorization::{AuthorizationRead, AuthorizationWrite, Kind, Record};
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};

/// A registered client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// What the approval page calls it.
    pub name: Option<String>,
    /// How it proves who it is.
    pub authentication: Authentication,
    /// Grant types it may use: `authorization_code`, `client_credentials`.
    pub grants: Vec<String>,
    /// Where its codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Origins its pages are served from (CORS).
    pub origins: Vec<String>,
    /// The widest scope it may ask for, space-separated.
    pub scope: String,
    /// The FHIR reference under which it stands in audit and consent.
    pub actor: Option<String>,
    /// Whether it is refused everywhere.
    pub disabled: bool,
}

/// How a client authenticates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Authentication {
    /// It cannot: an app on a person's device.
    Public,
    /// `client_secret_basic` or `client_secret_post`, by the secret's SHA-256 in base64url.
    Secret(String),
    /// `private_key_jwt` with one of these keys.
    Keys(JwkSet),
    /// `private_key_jwt` with one of the keys at this address (`jwks_uri`, `RFC 7591 §2`).
    KeysAt(String),
}

/// Grant types this server has.
pub const GRANTS: [&str; 2] = ["authorization_code", "client_credentials"];

impl Client {
    /// The client's registration without its secret, for people to read.
    pub fn to_public_json(&self) -> serde_json::Value {
        let method = match self.authentication {
            Authentication::Public => "none",
            Authentication::Secret(_) => "client_secret_basic client_secret_post",
            Authentication::Keys(_) | Authentication::KeysAt(_) => "private_key_jwt",
        };
        let jwks_uri = match &self.authentication {
            Authentication::KeysAt(address) => Some(address),
            _ => None,
        };
        serde_json::json!({
            "client_id": self.id, "client_name": self.name, "token_endpoint_auth_method": method,
            "jwks_uri": jwks_uri,
            "grant_types": self.grants, "redirect_uris": self.redirect_uris, "origins": self.origins,
            "scope": self.scope, "actor": self.actor, "disabled": self.disabled,
        })
    }

    /// Judges a registration.
    ///
    /// Errors: [`ErrorCode::InvalidValue`] with a sentence for the operator.
    pub fn validate(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::new(ErrorCode::InvalidValue, text));
        let id_is_valid = (1..=255).contains(&self.id.len())
            && self.id.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\:<>".contains(&b));
        if !id_is_valid {
            return refuse(
                "A client id has 1 to 255 printable characters without space, quotes, ':', '<', '>'.".into(),
            );
        }
        if self.grants.is_empty() {
            return refuse("Name at least one --grant.".into());
        }
        if let Some(grant) = self.grants.iter().find(|grant| !GRANTS.contains(&grant.as_str())) {
            return refuse(format!("The grant '{grant}' is not one of: {}.", GRANTS.join(", ")));
        }
        let has = |grant: &str| self.grants.iter().any(|own| own == grant);
        if has("client_credentials") && matches!(self.authentication, Authentication::Public) {
            return refuse("A public client cannot use client_credentials; give it a secret or keys.".into());
        }
        if has("authorization_code") && self.redirect_uris.is_empty() {
            return refuse("The grant authorization_code needs a --redirect-uri.".into());
        }
        for uri in &self.redirect_uris {
            redirect::validate(uri).or_else(&refuse)?;
        }
        for origin in &self.origins {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            let is_host = |host: &str| {
                let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:[]".contains(&b);
                !host.is_empty() && host.bytes().all(plain)
            };
            if !host.is_some_and(is_host) {
                return refuse(format!("The origin '{origin}' is not scheme://host[:port] in lower case."));
            }
        }
        for scope in self.scope.split(' ').filter(|scope| !scope.is_empty()) {
            if !super::grant::is_known(scope) {
                return refuse(format!("The scope '{scope}' is not one this server can grant."));
            }
        }
        match &self.authentication {
            Authentication::Keys(set) => super::assertion::check_keys(set).or_else(refuse),
            Authentication::KeysAt(address) => super::remote_keys::check_address(address).or_else(refuse),
            Authentication::Public | Authentication::Secret(_) => Ok(()),
        }
    }
}

/// The client `id`, if it is registered and not disabled.
pub fn find(tx: &mut dyn AuthorizationRead, id: &str) -> Result<Option<Client>, Error> {
    let record = tx.authorization(Kind::Client, id)?;
    let client = record.map(|record| from_json::<Client>(&record.body)).transpose()?;
    Ok(client.filter(|client| !client.disabled))
}

/// All clients, by id.
pub fn list(tx: &mut dyn AuthorizationRead) -> Result<Vec<Client>, Error> {
    tx.authorizations(Kind::Client, "")?.iter().map(|record| from_json(&record.body)).collect()
}

/// Registers a client.
///
/// Errors: [`ErrorCode::Conflict`] when the id is taken; those of [`Client::validate`].
pub fn add(tx: &mut dyn AuthorizationWrite, client: &Client) -> Result<(), Error> {
    client.validate()?;
    let record = Record { key: client.id.clone(), body: to_json(client)?, expires: None };
    if tx.insert_authorization(Kind::Client, &record)? {
        Ok(())
    } else {
        Err(Error::new(ErrorCode::Conflict, format!("A client with the id '{}' exists.", client.id)))
    }
}

/// Disables a client: no new token, and its tokens are refused within a minute.
///
/// Errors: [`ErrorCode::NotFound`].
pub fn disable(tx: &mut dyn AuthorizationWrite, id: &str) -> Result<Client, Error> {
    let found = tx.authorization(Kind::Client, id)?;
    let Some(record) = found else {
        return Err(Error::new(ErrorCode::NotFound, format!("There is no client '{id}'.")));
    };
    let client = Client { disabled: true, ..from_json(&record.body)? };
    tx.put_authorization(Kind::Client, &Record { key: id.into(), body: to_json(&client)?, expires: None })?;
    Ok(client)
}
