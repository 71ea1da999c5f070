//! What the authorization server asks of a store: small records addressed by kind and key, some of them single-use.
//!
//! Nothing of this is ever joined or searched by content, so one table with five statements holds all of it
//! (`docs/decisions/0020-authorization-records.md`). What may happen once is an insert of a key that may exist once.

use crate::clock::Instant;
use crate::error::Error;

/// What a record is. The names are what a database stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A registered client, by `client_id`.
    Client,
    /// A local user, by user name.
    User,
    /// A signing key, by generation.
    Key,
    /// A key that signs `id_token`s, by generation.
    IdentityKey,
    /// An authorization code, by its SHA-256.
    Code,
    /// That a code was used, by its SHA-256, with the authorization it began.
    SpentCode,
    /// A refresh token that was not used yet, by its SHA-256. Removing it is using it.
    RefreshToken,
    /// That a refresh token was used, by its SHA-256, with what was issued for it.
    SpentRefreshToken,
    /// A `jti` seen, by the SHA-256 of issuer and `jti`.
    Jti,
    /// A login session, by the SHA-256 of its cookie.
    Session,
    /// A revoked access token, by its `jti`, or a revoked authorization, by `authorization ` and its id.
    RevokedToken,
    /// A failed (or not yet finished) login, by account or address.
    LoginFailure,
    /// The key that seals page cursors; there is one.
    CursorKey,
}

impl Kind {
    /// The name under which a database stores it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Client => "client",
            Kind::User => "user",
            Kind::Key => "key",
            Kind::IdentityKey => "identity-key",
            Kind::RefreshToken => "refresh-token",
            Kind::SpentRefreshToken => "spent-refresh-token",
            Kind::Code => "code",
            Kind::SpentCode => "spent-code",
            Kind::Jti => "jti",
            Kind::Session => "session",
            Kind::RevokedToken => "revoked-token",
            Kind::LoginFailure => "login-failure",
            Kind::CursorKey => "cursor-key",
        }
    }
}

/// One record of the authorization server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Unique within its kind.
    pub key: String,
    /// What it says, as JSON.
    pub body: String,
    /// From when on it no longer counts and may be removed; `None`: never.
    pub expires: Option<Instant>,
}

/// Reading the authorization server's state. Expired records may still be returned; the reader checks.
pub trait AuthorizationRead {
    /// The record of `kind` under `key`.
    fn authorization(&mut self, kind: Kind, key: &str) -> Result<Option<Record>, Error>;

    /// The records of `kind` whose key begins with `prefix`, by key.
    fn authorizations(&mut self, kind: Kind, prefix: &str) -> Result<Vec<Record>, Error>;
}

/// Changing the authorization server's state.
pub trait AuthorizationWrite: AuthorizationRead {
    /// Inserts a record unless its key is taken: `false` then, and nothing changes. Of any number of callers at the
    /// same time exactly one gets `true`: the compare-and-set on which single use stands.
    fn insert_authorization(&mut self, kind: Kind, record: &Record) -> Result<bool, Error>;

    /// Inserts a record or replaces the one under its key.
    fn put_authorization(&mut self, kind: Kind, record: &Record) -> Result<(), Error>;

    /// Removes the record under `key`; `false` when there was none.
    fn remove_authorization(&mut self, kind: Kind, key: &str) -> Result<bool, Error>;

    /// Removes every record that expired before `before`.
    fn purge_authorizations(&mut self, before: Instant) -> Result<(), Error>;
}
