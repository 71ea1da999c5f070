//! A browser without scripts: keeps cookies, opens pages, fills in and sends their forms, and stops before it leaves the
//! server.

use crate::http::{Answer, Http};
use reqwest::Method;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// One person's browser.
pub(crate) struct Browser {
    http: Http,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A form as its page offers it: where it goes, and the hidden fields that go with it.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Browser {
    /// A browser without cookies.
    pub(crate) fn new(http: &Http) -> Self {
        Self { http: http.clone(), cookies: Mutex::default() }
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// Sets a cookie, as one that another site or person planted.
    pub(crate) fn plant(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.into(), value.into());
    }

    /// Opens an address of the server.
    pub(crate) fn open(&self, address: &str) -> Answer {
        self.send(Method::GET, address, None)
    }

    /// Sends a form with more fields filled in.
    pub(crate) fn submit(&self, form: &Form, filled: &[(&str, &str)]) -> Answer {
        let mut fields: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.extend_from_slice(filled);
        self.send(Method::POST, &form.action, Some(encode(&fields)))
    }

    /// Logs in and allows access; answers the address that the app is called back at. `address` is the app's request.
    pub(crate) fn allow(&self, address: &str, username: &str, password: &str) -> String {
        let login = self.open(address).expect(200);
        let sent = self.submit(&form(&login), &[("username", username), ("password", password)]).expect(303);
        let approval = self.open(&sent.header("location")).expect(200);
        self.submit(&form(&approval), &[("decision", "allow")]).expect(303).header("location")
    }

    fn send(&self, method: Method, address: &str, body: Option<String>) -> Answer {
        let cookies: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("Accept", "text/html")];
        if !cookies.is_empty() {
            headers.push(("Cookie", &cookies));
        }
        if body.is_some() {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        let answer = self.http.send(method, address, &headers, body.as_deref().map(str::as_bytes));
        for value in answer.headers.get_all("set-cookie") {
            let pair = value.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.into(), value.into());
        }
        answer
    }
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://form").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

/// The one form of a page.
#[track_caller]
pub(crate) fn form(page: &Answer) -> Form {
    let html = std::str::from_utf8(&page.body).unwrap();
    let (_, rest) = html.split_once("<form ").unwrap_or_else(|| panic!("no form in {page}"));
    let (opening, rest) = rest.split_once('>').unwrap();
    let (inside, _) = rest.split_once("</form>").unwrap();
    assert_eq!(attribute(opening, "method").as_deref(), Some("post"));
    let hidden = |tag: &&str| attribute(tag, "type").as_deref() == Some("hidden");
    let fields = inside.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap()).filter(hidden);
    Form {
        action: attribute(opening, "action").unwrap(),
        fields: fields
            .map(|tag| (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap()))
            .collect(),
    }
}

/// The value of an attribute, its entities resolved.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let value = rest.split('"').next()?;
    let entities =
        [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    Some(entities.iter().fold(value.to_owned(), |text, (entity, character)| text.replace(entity, character)))
}
