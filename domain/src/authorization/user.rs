//! Local users: a name, a password as argon2id, and who they are in FHIR.

use super::{from_json, to_json};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::store::authorization::{AuthorizationRead, AuthorizationWrite, Kind, Record};
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// A local user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// The name typed at login.
    pub username: String,
    /// PHC string of argon2id.
    pub password: String,
    /// `Patient/x`, `Practitioner/y`, …
    pub fhir_user: String,
    /// Patients (`Patient/x`) the user may act for.
    pub may_act_for: Vec<String>,
}

impl User {
    /// The patients that may be in context: the user's own record first.
    pub fn patients(&self) -> Vec<Id> {
        let all = std::iter::once(&self.fhir_user).chain(&self.may_act_for);
        all.filter_map(|reference| Id::parse(reference.strip_prefix("Patient/")?).ok()).collect()
    }

    /// Judges a new user.
    ///
    /// Errors: [`ErrorCode::InvalidValue`].
    pub fn validate(&self) -> Result<(), Error> {
        let refuse = |text: &str| Err(Error::new(ErrorCode::InvalidValue, text));
        let reference = |text: &str, types: &[&str]| {
            text.split_once('/').is_some_and(|(type_, id)| types.contains(&type_) && Id::is_valid(id))
        };
        if !(1..=255).contains(&self.username.len()) || self.username.chars().any(char::is_control) {
            return refuse("A user name has 1 to 255 bytes and no control characters.");
        }
        if !reference(
            &self.fhir_user,
            &["Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"],
        ) {
            return refuse(
                "--fhir-user is Patient, Practitioner, PractitionerRole, RelatedPerson or Person and an id.",
            );
        }
        if !self.may_act_for.iter().all(|patient| reference(patient, &["Patient"])) {
            return refuse("--may-act-for is Patient/ and an id.");
        }
        Ok(())
    }
}

/// Hashes a password. Takes tens of milliseconds: keep it off the threads that serve requests.
pub fn hash(password: &str, salt: &[u8; 32]) -> Result<String, Error> {
    let salt = SaltString::encode_b64(salt.get(..16).unwrap_or(salt)).map_err(Error::internal)?;
    let hash =
        argon2::Argon2::default().hash_password(password.as_bytes(), &salt).map_err(Error::internal)?;
    Ok(hash.to_string())
}

/// What an unknown user's password is compared with, so that it takes as long as a known one's.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody", &[7; 32]).unwrap_or_default());

/// Whether the password is the user's; `None` (no such user) takes as long and is false.
pub fn verify(stored: Option<&str>, password: &str) -> bool {
    let text = stored.unwrap_or(&NOBODY);
    let right = PasswordHash::new(text)
        .is_ok_and(|hash| argon2::Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    right && stored.is_some()
}

/// The user of that name.
pub fn find(tx: &mut dyn AuthorizationRead, username: &str) -> Result<Option<User>, Error> {
    tx.authorization(Kind::User, username)?.map(|record| from_json(&record.body)).transpose()
}

/// Adds a user.
///
/// Errors: [`ErrorCode::Conflict`] when the name is taken; those of [`User::validate`].
pub fn add(tx: &mut dyn AuthorizationWrite, user: &User) -> Result<(), Error> {
    user.validate()?;
    let record = Record { key: user.username.clone(), body: to_json(user)?, expires: None };
    if tx.insert_authorization(Kind::User, &record)? {
        Ok(())
    } else {
        Err(Error::new(ErrorCode::Conflict, format!("A user named '{}' exists.", user.username)))
    }
}
