//! The grants (`RFC 6749 §1.3`), and which of the scopes asked for are granted.

pub mod authorization_code;
pub mod client_credentials;
pub mod refresh_token;

use super::{ErrorType, Refusal, access_token, id_token};
use crate::access::scope::{Context, Scope};

/// Seconds a person's access token lives.
const LIFETIME: i64 = 3600;

/// Scopes that are about the person and the session, not about resources.
const PLAIN: [&str; 5] = ["openid", "fhirUser", "launch/patient", "online_access", "offline_access"];

/// What a grant gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// What the access token says.
    pub claims: access_token::Claims,
    /// The refresh token.
    pub refresh_token: Option<String>,
    /// What the identity token says.
    pub id_token: Option<id_token::Claims>,
}

/// Whether this server can grant `scope` at all.
pub fn is_known(scope: &str) -> bool {
    PLAIN.contains(&scope) || Scope::parse(scope).is_some()
}

/// Whether `scope` is one of `registered` or narrower than they.
fn covered(scope: &str, registered: &str) -> bool {
    let own = Scope::parse_all(registered);
    match Scope::parse(scope) {
        Some(scope) => scope.covered_by(&own),
        None if !PLAIN.contains(&scope) => false,
        None => {
            registered.split(' ').any(|own| own == scope)
                || (scope == "launch/patient" && own.iter().any(|scope| scope.context == Context::Patient))
        }
    }
}

/// Longest scope in bytes: a token carries it in a header of every request.
const LONGEST: usize = 4096;

/// The scopes of `asked` that the registration covers and `contexts` allow, as written and in order, each once.
///
/// Errors: `invalid_scope` when it is too long.
pub fn granted<'a>(asked: &'a str, registered: &str, contexts: &[Context]) -> Result<Vec<&'a str>, Refusal> {
    if asked.len() > LONGEST {
        let text = format!("The scope has more than {LONGEST} bytes. Ask for wildcards.");
        return Err(Refusal::new(ErrorType::InvalidScope, text));
    }
    let mut granted: Vec<&str> = Vec::new();
    for text in asked.split(' ') {
        let scope = Scope::parse(text);
        if scope.is_none() && text.contains('?') {
            // A constraint that is not understood is never dropped: it would look granted, or be wider than meant.
            let text = "A scope with search parameters is one type and the letters r and s, and its parameters are \
                        tokens, URIs or text of that type, as in patient/Observation.rs?category=laboratory.";
            return Err(Refusal::new(ErrorType::InvalidScope, text));
        }
        let fits = match scope {
            Some(scope) => contexts.contains(&scope.context),
            // They need a person.
            None => contexts.contains(&Context::User),
        };
        if fits && covered(text, registered) && !granted.contains(&text) {
            granted.push(text);
        }
    }
    Ok(granted)
}
