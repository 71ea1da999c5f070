//! One authorization code flow, taken apart so that each step can be done wrongly.

use super::endpoint::ask;
use crate::browser::{Browser, encode, form};
use crate::http::Answer;
use crate::server::{Server, unique};
use crate::token::{self, CALLBACK, PASSWORD};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// 64 characters.
pub(crate) const VERIFIER: &str = "0123456789-abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The challenge of a verifier (RFC 7636 §4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// An authorization request as pairs.
#[derive(Clone)]
pub(crate) struct Request(pub(crate) Vec<(String, String)>);

impl Request {
    /// A right request of a client for its callback.
    pub(crate) fn new(server: &Server, client: &str) -> Self {
        let pairs = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("scope", "launch/patient patient/*.rs"),
            ("state", &unique("state")),
            ("aud", &server.http().base()),
            ("code_challenge", &challenge(VERIFIER)),
            ("code_challenge_method", "S256"),
        ];
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }

    /// With one parameter set to another value.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.without(name);
        changed.0.push((name.into(), value.into()));
        changed
    }

    /// Without a parameter.
    pub(crate) fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(own, _)| own != name).cloned().collect())
    }

    /// With a parameter more, whether or not it is there.
    pub(crate) fn and(&self, name: &str, value: &str) -> Self {
        let mut changed = self.clone();
        changed.0.push((name.into(), value.into()));
        changed
    }

    /// As an address.
    pub(crate) fn address(&self) -> String {
        let pairs: Vec<(&str, &str)> =
            self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        format!("/oauth2/authorize?{}", encode(&pairs))
    }

    /// The value of a parameter.
    pub(crate) fn value(&self, name: &str) -> &str {
        &self.0.iter().find(|(own, _)| own == name).expect("a parameter").1
    }
}

/// A public app, a person who is Patient `p`, and what they agree on.
pub(crate) struct Flow<'a> {
    pub(crate) server: &'a Server,
    pub(crate) client: String,
    pub(crate) username: String,
    pub(crate) request: Request,
}

impl<'a> Flow<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        let client = token::public(server);
        let username = token::user(server, "Patient/p", &[]);
        let request = Request::new(server, &client);
        Self { server, client, username, request }
    }

    /// The same person and another request.
    pub(crate) fn asking(&self, request: Request) -> Self {
        Self { server: self.server, client: self.client.clone(), username: self.username.clone(), request }
    }

    /// Logs in; answers the browser and the approval page.
    pub(crate) fn logged_in(&self) -> (Browser, Answer) {
        let browser = Browser::new(self.server.http());
        let login = browser.open(&self.request.address()).expect(200);
        let filled = [("username", self.username.as_str()), ("password", PASSWORD)];
        let sent = browser.submit(&form(&login), &filled).expect(303);
        let approval = browser.open(&sent.header("location")).expect(200);
        (browser, approval)
    }

    /// A code that the person allowed.
    pub(crate) fn code(&self) -> String {
        let back = Browser::new(self.server.http()).allow(&self.request.address(), &self.username, PASSWORD);
        token::query(&back, "code").unwrap_or_else(|| panic!("no code in {back}"))
    }

    /// Exchanges a code as the app does.
    pub(crate) fn exchange(&self, code: &str) -> Answer {
        self.exchange_with(code, &[])
    }

    /// Exchanges a code with some fields set to other values; an empty one is left out.
    pub(crate) fn exchange_with(&self, code: &str, changed: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", self.client.as_str()),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        fields.retain(|(name, _)| !changed.iter().any(|(own, _)| own == name));
        fields.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
        ask(self.server, &fields)
    }
}

/// Asserts that an authorization request was answered by a redirect with this error, and with `state` and `iss` (46).
#[track_caller]
pub(crate) fn redirected(server: &Server, answer: Answer, request: &Request, error: &str) {
    let answer = answer.expect(303);
    let location = answer.header("location");
    assert!(location.starts_with(&format!("{CALLBACK}?")), "{answer}");
    assert_eq!(token::query(&location, "error").as_deref(), Some(error), "{answer}");
    assert!(token::query(&location, "error_description").is_some_and(|words| words.len() > 10), "{answer}");
    let states = request.0.iter().filter(|(name, _)| name == "state").count();
    if states == 1 {
        assert_eq!(token::query(&location, "state").as_deref(), Some(request.value("state")), "{answer}");
    }
    assert_eq!(token::query(&location, "iss").as_deref(), Some(server.http().origin()), "{answer}");
    assert_eq!(token::query(&location, "code"), None, "{answer}");
    assert!(!location.contains('#'), "{answer}");
}
