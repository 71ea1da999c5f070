//! The grants (`RFC 6749 §1.3`), and which of the scopes asked for are granted.

pub mod authorization_code;
pub mod client_credentials;

use super::{ErrorType, Refusal};
use crate::access::scope::{Context, Scope};

/// Whether this server can grant `scope` at all.
pub fn is_known(scope: &str) -> bool {
    scope == "launch/patient" || Scope::parse(scope).is_some()
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
    let own = Scope::parse_all(registered);
    let mut granted: Vec<&str> = Vec::new();
    for text in asked.split(' ') {
        let covered = match Scope::parse(text) {
            Some(scope) => contexts.contains(&scope.context) && scope.covered_by(&own),
            None => {
                text == "launch/patient"
                    && contexts.contains(&Context::Patient)
                    && own.iter().any(|scope| scope.context == Context::Patient)
            }
        };
        if covered && !granted.contains(&text) {
            granted.push(text);
        }
    }
    Ok(granted)
}
