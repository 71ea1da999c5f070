//! Logging in: attempts counted before the password is looked at, sessions behind a random cookie.

use super::{AuthorizationServer, digest, user};
use crate::error::Error;
use crate::store::authorization::{AuthorizationRead, AuthorizationWrite, Kind, Record};
use std::collections::HashSet;

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
    let subjects =
        [("account", digest(username), limits.account), ("address", digest(address), limits.address)];
    let mut keys = Vec::new();
    for (what, subject, limit) in subjects {
        if limit == 0 {
            continue;
        }
        match slot(server, tx, &format!("{what}:{subject}:"), limit)? {
            Some(key) => keys.push(key),
            None => {
                // The attempt does not take place, so it does not count anywhere.
                for key in &keys {
                    tx.remove_authorization(Kind::LoginFailure, key)?;
                }
                return Ok(None);
            }
        }
    }
    let password = user::find(tx, username)?.map(|user| user.password);
    Ok(Some(Attempt { password, keys, username: username.to_owned() }))
}

/// Takes one of `limit` places for failures below `prefix`; `None` when all are taken. A place is an insert that can be
/// made once, so that attempts in several processes do not share one.
fn slot(
    server: &AuthorizationServer,
    tx: &mut dyn AuthorizationWrite,
    prefix: &str,
    limit: usize,
) -> Result<Option<String>, Error> {
    let now = server.clock.now();
    let mut taken = HashSet::new();
    for failure in tx.authorizations(Kind::LoginFailure, prefix)? {
        if failure.expires.is_some_and(|expires| expires > now) {
            taken.insert(failure.key);
        } else {
            tx.remove_authorization(Kind::LoginFailure, &failure.key)?;
        }
    }
    for key in (0..limit).map(|place| format!("{prefix}{place}")).filter(|key| !taken.contains(key)) {
        let record = Record { key, body: "{}".into(), expires: Some(now.plus_seconds(WINDOW)) };
        if tx.insert_authorization(Kind::LoginFailure, &record)? {
            return Ok(Some(record.key));
        }
    }
    Ok(None)
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
