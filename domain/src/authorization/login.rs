//! Logging in: attempts counted before the password is looked at, sessions behind a random cookie.

use super::{AuthorizationServer, digest, user};
use crate::error::Error;
use crate::store::authorization::{AuthorizationRead, AuthorizationWrite, Kind, Record};

/// Seconds a failed login counts.
const WINDOW: i64 = 15 * 60;
/// Seconds a session lasts.
const SESSION: i64 = 60 * 60;

/// How many failures in 15 minutes are borne (`BINNACLE_LOGIN_FAILURES`); 0: any number.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Per account.
    pub account: usize,
    /// Per address.
    pub address: usize,
}

/// An attempt that may go on to the password.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The stored password, `None` when there is no such user.
    pub password: Option<String>,
    keys: Vec<String>,
    username: String,
}

/// Counts an attempt as failed until [`succeed`] says otherwise, so that attempts sent at once count too.
/// `None`: there were too many, for an account that exists or not.
pub fn begin(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    username: &str,
    address: &str,
    limits: Limits,
) -> Result<Option<Attempt>, Error> {
    let now = server.clock.now();
    let subjects =
        [("account", digest(username), limits.account), ("address", digest(address), limits.address)];
    let mut keys = Vec::new();
    for (what, subject, limit) in subjects {
        let prefix = format!("{what}:{subject}:");
        let failures = tx.authorizations(Kind::LoginFailure, &prefix)?;
        let recent = failures.iter().filter(|r| r.expires.is_some_and(|expires| expires > now)).count();
        if limit > 0 && recent >= limit {
            return Ok(None);
        }
        keys.push(format!("{prefix}{}", server.secret()));
    }
    for key in &keys {
        let expires = Some(now.plus_seconds(WINDOW));
        tx.put_authorization(Kind::LoginFailure, &Record { key: key.clone(), body: "{}".into(), expires })?;
    }
    let password = user::find(tx, username)?.map(|user| user.password);
    Ok(Some(Attempt { password, keys, username: username.to_owned() }))
}

/// After the right password: the attempt is forgotten and a new session begins. Returns the cookie's value.
pub fn succeed(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    attempt: &Attempt,
) -> Result<String, Error> {
    for key in &attempt.keys {
        tx.remove_authorization(Kind::LoginFailure, key)?;
    }
    let cookie = server.secret();
    let expires = Some(server.clock.now().plus_seconds(SESSION));
    let record = Record { key: digest(&cookie), body: attempt.username.clone(), expires };
    tx.put_authorization(Kind::Session, &record)?;
    Ok(cookie)
}

/// The user whose session `cookie` is.
pub fn session(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationRead,
    cookie: &str,
) -> Result<Option<user::User>, Error> {
    let record = tx.authorization(Kind::Session, &digest(cookie))?;
    match record.filter(|record| record.expires.is_some_and(|expires| expires > server.clock.now())) {
        Some(record) => user::find(tx, &record.body),
        None => Ok(None),
    }
}

/// The token that a form must carry to prove it was given to the holder of `cookie`.
pub fn csrf(cookie: &str) -> String {
    digest(&format!("csrf {cookie}"))
}
