//! A FHIR caller: requests with the right headers, answers that explain themselves when an assertion fails.

use reqwest::Method;
use reqwest::blocking::{Client, ClientBuilder};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// The media type of FHIR JSON.
pub(crate) const FHIR_JSON: &str = "application/fhir+json";

/// One caller of one server, with or without a token.
#[derive(Clone)]
pub(crate) struct Http {
    origin: String,
    client: Client,
    token: Option<String>,
}

/// An answer, read whole.
#[derive(Clone)]
pub(crate) struct Answer {
    /// What was asked: method and URL.
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A client that follows no redirects. Its TLS is that of the server: the library brings none of its own.
pub(crate) fn builder() -> ClientBuilder {
    // Whoever was first has installed the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none())
}

impl Http {
    pub(crate) fn new(origin: &str) -> Self {
        let client = builder().timeout(Duration::from_secs(120)).build().expect("an HTTP client");
        Self { origin: origin.to_owned(), client, token: None }
    }

    /// The same caller with a bearer token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller on connections of its own.
    pub(crate) fn another(&self) -> Self {
        Self { token: self.token.clone(), ..Self::new(&self.origin) }
    }

    /// The token this caller sends; it must have one.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().expect("a caller with a token")
    }

    /// Scheme, host and port of the server.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The FHIR base, without a slash at its end.
    pub(crate) fn base(&self) -> String {
        format!("{}/FHIR/R4", self.origin)
    }

    /// Whether `path` answers 200 now.
    pub(crate) fn answers(&self, path: &str) -> bool {
        self.client.get(format!("{}{path}", self.origin)).send().is_ok_and(|answer| answer.status() == 200)
    }

    /// Sends any request. `path` is below the FHIR base, from the origin when it starts with `/`, or a whole URL.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        self.try_send(&method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: no whole answer: {error:?}"))
    }

    /// [`Http::send`] to a server that may end before it answers.
    pub(crate) fn try_send(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> reqwest::Result<Answer> {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else if path.starts_with('/') {
            format!("{}{path}", self.origin)
        } else {
            format!("{}/{path}", self.base())
        };
        let mut request = self.client.request(method.clone(), &url);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
            request = request.header("Accept", FHIR_JSON);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                request = request.header("Content-Type", FHIR_JSON);
            }
            request = request.body(body.to_vec());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes()?.to_vec();
        Ok(Answer { request: format!("{method} {url}"), status, headers, body })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], Some(body.to_string().as_bytes()))
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[], Some(body.to_string().as_bytes()))
    }

    pub(crate) fn put_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.send(Method::PUT, path, headers, Some(body.to_string().as_bytes()))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None)
    }

    /// Creates a resource, which must succeed, and answers it as stored, read back by its `Location`.
    pub(crate) fn create(&self, resource: &Value) -> Value {
        let kind = resource["resourceType"].as_str().expect("a resource type");
        let created = self.post(kind, resource).expect(201);
        self.get(&created.header("location")).expect(200).json()
    }

    /// Posts a Bundle to the base.
    pub(crate) fn bundle(&self, bundle: &Value) -> Answer {
        self.send(Method::POST, &self.base(), &[], Some(bundle.to_string().as_bytes()))
    }
}

impl Answer {
    /// Asserts the status; on a mismatch the whole answer is printed.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert!(self.status == status, "expected {status} from {self}");
        self
    }

    /// Asserts the status and that the body is an OperationOutcome with an error that says something, and answers it.
    #[track_caller]
    pub(crate) fn expect_error(self, status: u16) -> Value {
        let answer = self.expect(status);
        let outcome = answer.json();
        assert!(outcome["resourceType"] == "OperationOutcome", "expected an OperationOutcome from {answer}");
        let issues = outcome["issue"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(!issues.is_empty(), "an OperationOutcome without an issue from {answer}");
        for issue in issues {
            assert!(issue["severity"].is_string() && issue["code"].is_string(), "half an issue in {answer}");
            let said =
                issue["diagnostics"].as_str().or(issue["details"]["text"].as_str()).unwrap_or_default();
            assert!(said.len() > 10, "an issue that does not say what is wrong in {answer}");
        }
        outcome
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}) from {self}"))
    }

    /// A header that must be there.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {self}"));
        value.to_str().expect("a header in ASCII").to_owned()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {}", self.request, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "  {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(json) => write!(f, "{json:#}"),
            Err(_) => f.write_str(&String::from_utf8_lossy(&self.body)),
        }
    }
}

/// The `Type/id` of every entry of a Bundle whose `search.mode` is not `outcome`.
pub(crate) fn ids(bundle: &Value) -> BTreeSet<String> {
    assert_eq!(bundle["resourceType"], "Bundle", "a Bundle is expected: {bundle:#}");
    let entries = bundle["entry"].as_array().map_or(&[][..], Vec::as_slice);
    let all: Vec<String> = entries
        .iter()
        .filter(|entry| entry["search"]["mode"] != "outcome")
        .map(|entry| reference(&entry["resource"]))
        .collect();
    let set: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(all.len(), set.len(), "no resource stands twice in a Bundle: {all:?}");
    set
}

/// `Type/id` of a resource.
pub(crate) fn reference(resource: &Value) -> String {
    format!(
        "{}/{}",
        resource["resourceType"].as_str().expect("a resource type"),
        resource["id"].as_str().expect("an id")
    )
}

/// The URL of a Bundle's link, if it has one.
pub(crate) fn link<'a>(bundle: &'a Value, relation: &str) -> Option<&'a str> {
    let links = bundle["link"].as_array()?;
    links.iter().find(|link| link["relation"] == relation)?["url"].as_str()
}

/// `set` of string literals, for comparison with [`ids`].
pub(crate) fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
