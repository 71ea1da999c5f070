//! Writes searchset and history Bundles around the stored bytes of the resources (`FHIR R4 bundle.html`), which are
//! neither parsed nor written anew unless a part of them is asked for.

use super::page::PARAMETER;
use crate::clock::Instant;
use crate::conformance::Definitions;
use crate::error::{ErrorCode, Issue, outcome};
use crate::index::contained;
use crate::interaction::Parameters;
use crate::resource::json::{Json, write_string};
use crate::resource::subset::{Role, Subset};
use crate::store::{HistoryPage, Matches, Method, Stored};

/// What a page says about itself.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// `Bundle.id`.
    pub id: &'a str,
    /// When the page was made.
    pub now: Instant,
    /// The server's FHIR base, without a slash at the end.
    pub base: &'a str,
    /// The path below it that was asked: `Patient`, `Patient/x/_history`, or nothing for the whole system.
    pub path: &'a str,
    /// The parameters that were processed.
    pub processed: &'a Parameters,
    /// The cursor of this page, if it is not the first.
    pub cursor: Option<&'a str>,
    /// The cursor of the page before, if there is one.
    pub previous: Option<&'a str>,
    /// The cursor of the next page, if there is one.
    pub next: Option<&'a str>,
    /// Which part of each resource is answered.
    pub subset: &'a Subset,
}

/// A page of matches. `warnings` become an `outcome` entry; so does a cut of the included resources.
pub fn searchset(head: &Head<'_>, matches: &Matches, warnings: &[Issue]) -> Vec<u8> {
    let bytes: usize =
        matches.matches.iter().chain(&matches.included).map(|stored| stored.body.len() + 200).sum();
    let mut out = Vec::with_capacity(bytes + 1024);
    begin(head, "searchset", matches.total, &mut out);
    let mut entries = Entries { out: &mut out, any: false };
    let none = Vec::new();
    for (role, mode, found, parts) in [
        (Role::Match, "match", &matches.matches, &matches.parts),
        (Role::Include, "include", &matches.included, &none),
    ] {
        for (stored, part) in found.iter().zip(parts.iter().copied().chain(std::iter::repeat(0))) {
            let contained = match part {
                0 => None,
                number => match Inner::of(stored, number) {
                    Some(inner) => Some(inner),
                    // Its row says that it is there.
                    None => continue,
                },
            };
            entries.next();
            match contained {
                None => resource(entries.out, head, role, stored),
                Some(inner) => inner.write(entries.out, head, stored),
            }
            entries.out.extend_from_slice(br#","search":{"mode":""#);
            entries.out.extend_from_slice(mode.as_bytes());
            entries.out.extend_from_slice(br#""}}"#);
        }
    }
    let mut issues = warnings.to_vec();
    if matches.included_cut {
        let message =
            "There are more included resources than one page holds; ask for fewer matches with '_count'.";
        issues.push(Issue::warning(ErrorCode::TooLarge, message));
    }
    if !issues.is_empty() {
        entries.next();
        entries.out.extend_from_slice(br#"{"resource":"#);
        entries.out.extend_from_slice(&outcome(&issues));
        entries.out.extend_from_slice(br#","search":{"mode":"outcome"}}"#);
    }
    entries.end();
    out
}

/// A page of a history, newest first (`FHIR R4 http.html#history`).
pub fn history(head: &Head<'_>, page: &HistoryPage) -> Vec<u8> {
    let bytes: usize = page.versions.iter().map(|stored| stored.body.len() + 400).sum();
    let mut out = Vec::with_capacity(bytes + 1024);
    begin(head, "history", page.total, &mut out);
    let mut entries = Entries { out: &mut out, any: false };
    for stored in &page.versions {
        entries.next();
        resource(entries.out, head, Role::Match, stored);
        let name = Definitions::r4().type_name(stored.type_);
        let (method, status) = match stored.method {
            Method::Create => ("POST", "201 Created"),
            Method::Update if stored.version == 1 => ("PUT", "201 Created"),
            Method::Update => ("PUT", "200 OK"),
            Method::Patch => ("PATCH", "200 OK"),
            Method::Delete => ("DELETE", "204 No Content"),
        };
        let id = if stored.method == Method::Create { String::new() } else { format!("/{}", stored.id) };
        let about = format!(
            r#","request":{{"method":"{method}","url":"{name}{id}"}},"response":{{"status":"{status}","etag":"W/\"{}\"","lastModified":"{}"}}}}"#,
            stored.version, stored.updated
        );
        entries.out.extend_from_slice(about.as_bytes());
    }
    entries.end();
    out
}

fn begin(head: &Head<'_>, type_: &str, total: Option<u64>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"resourceType":"Bundle","id":"#);
    write_string(head.id, out);
    out.extend_from_slice(format!(r#","meta":{{"lastUpdated":"{}"}},"type":"{type_}""#, head.now).as_bytes());
    if let Some(total) = total {
        out.extend_from_slice(format!(r#","total":{total}"#).as_bytes());
    }
    out.extend_from_slice(br#","link":[{"relation":"self","url":"#);
    write_string(&url(head, head.cursor), out);
    // Where one page is all, `self` is the first.
    let first = (head.cursor.is_some() || head.next.is_some()).then_some(None);
    let links = [
        (&br#"},{"relation":"first","url":"#[..], first),
        (br#"},{"relation":"previous","url":"#, head.previous.map(Some)),
        (br#"},{"relation":"next","url":"#, head.next.map(Some)),
    ];
    for (relation, cursor) in links {
        if let Some(cursor) = cursor {
            out.extend_from_slice(relation);
            write_string(&url(head, cursor), out);
        }
    }
    out.extend_from_slice(b"}]");
}

/// The start of an entry: `{"fullUrl":…,"resource":…`, the latter not for a deletion.
fn resource(out: &mut Vec<u8>, head: &Head<'_>, role: Role, stored: &Stored) {
    out.extend_from_slice(br#"{"fullUrl":"#);
    let (base, name) = (head.base, Definitions::r4().type_name(stored.type_));
    write_string(&format!("{base}/{name}/{}", stored.id), out);
    if stored.method != Method::Delete {
        out.extend_from_slice(br#","resource":"#);
        out.extend_from_slice(&head.subset.of(&stored.body, role));
    }
}

/// A contained resource as an answer of its own (`FHIR R4 search.html#contained`).
struct Inner {
    id: String,
    body: Vec<u8>,
}

impl Inner {
    /// The contained resource with this number.
    fn of(stored: &Stored, number: u32) -> Option<Inner> {
        let container = Json::parse(&stored.body).ok()?;
        let inner = contained::nth(&container, number)?;
        let id = inner.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
        let mut body = Vec::new();
        inner.write(&mut body);
        Some(Inner { id, body })
    }

    /// The start of its entry: its address is that of its container with its id as the fragment.
    fn write(&self, out: &mut Vec<u8>, head: &Head<'_>, stored: &Stored) {
        out.extend_from_slice(br#"{"fullUrl":"#);
        let (base, name) = (head.base, Definitions::r4().type_name(stored.type_));
        write_string(&format!("{base}/{name}/{}#{}", stored.id, self.id), out);
        out.extend_from_slice(br#","resource":"#);
        out.extend_from_slice(&head.subset.of(&self.body, Role::Match));
    }
}

/// The members of `entry`, which is left out when there is none: FHIR has no empty arrays.
struct Entries<'a> {
    out: &'a mut Vec<u8>,
    any: bool,
}

impl Entries<'_> {
    fn next(&mut self) {
        self.out.extend_from_slice(if self.any { b"," } else { br#","entry":["# });
        self.any = true;
    }

    fn end(self) {
        self.out.extend_from_slice(if self.any { b"]}" } else { b"}" });
    }
}

/// The address of a page.
fn url(head: &Head<'_>, cursor: Option<&str>) -> String {
    let mut url = head.base.to_owned();
    if !head.path.is_empty() {
        url.push('/');
        url.push_str(head.path);
    }
    let pairs = head.processed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (n, (name, value)) in pairs.chain(cursor.map(|cursor| (PARAMETER, cursor))).enumerate() {
        url.push(if n == 0 { '?' } else { '&' });
        encode(name, &mut url);
        url.push('=');
        encode(value, &mut url);
    }
    url
}

/// Percent-encodes what may not stand in a query (`RFC 3986 §3.4`) or would separate pairs there.
fn encode(text: &str, url: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/,$*@!()".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or('0');
            url.push('%');
            url.push(digit(byte >> 4));
            url.push(digit(byte & 15));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::TypeId;
    use crate::id::Id;

    fn stored(method: Method) -> Stored {
        let body = if method == Method::Delete {
            Vec::new()
        } else {
            br#"{"resourceType":"Patient","id":"a","x":1.10}"#.to_vec()
        };
        let type_ = Definitions::r4().type_id("Patient").unwrap_or(TypeId(0));
        Stored { row: 1, type_, id: Id::parse("a").unwrap(), version: 2, updated: Instant(0), method, body }
    }

    const BASE: &str = "https://x.example/FHIR/R4";

    fn head<'a>(processed: &'a Parameters, next: Option<&'a str>) -> Head<'a> {
        Head {
            id: "b",
            now: Instant(0),
            base: BASE,
            path: "Patient",
            processed,
            cursor: None,
            previous: None,
            next,
            subset: &Subset::Whole,
        }
    }

    #[test]
    fn a_searchset_holds_the_bytes_and_the_links() {
        let processed = vec![("name".to_owned(), "a&b|c é".to_owned())];
        let found = Matches {
            matches: vec![stored(Method::Create)],
            included: vec![stored(Method::Create)],
            parts: vec![0],
            included_cut: false,
            total: Some(7),
            previous: None,
            next: None,
        };
        let text = String::from_utf8(searchset(&head(&processed, Some("N")), &found, &[])).unwrap();
        let tree = Json::parse(text.as_bytes()).unwrap();
        assert!(text.contains(r#""total":7,"link":[{"relation":"self","url":"https://x.example/FHIR/R4/Patient?name=a%26b%7Cc%20%C3%A9"},{"relation":"first","url":"https://x.example/FHIR/R4/Patient?name=a%26b%7Cc%20%C3%A9"},{"relation":"next","url":"https://x.example/FHIR/R4/Patient?name=a%26b%7Cc%20%C3%A9&_cursor=N"}]"#), "{text}");
        assert!(text.contains(r#""fullUrl":"https://x.example/FHIR/R4/Patient/a","resource":{"resourceType":"Patient","id":"a","x":1.10},"search":{"mode":"match"}"#));
        assert_eq!(tree.get("entry").unwrap().each().len(), 2);
    }

    #[test]
    fn nothing_found_has_no_entry() {
        let found = Matches {
            matches: vec![],
            included: vec![],
            parts: vec![],
            included_cut: false,
            total: None,
            previous: None,
            next: None,
        };
        let text = searchset(&head(&Vec::new(), None), &found, &[]);
        assert!(Json::parse(&text).unwrap().get("entry").is_none());
    }

    #[test]
    fn a_history_tells_what_happened() {
        let page = HistoryPage {
            versions: vec![stored(Method::Delete), stored(Method::Update)],
            total: Some(2),
            next: None,
        };
        let text = history(&head(&Vec::new(), None), &page);
        let tree = Json::parse(&text).unwrap();
        let [deleted, updated] = tree.get("entry").unwrap().each() else { panic!() };
        assert!(deleted.get("resource").is_none() && updated.get("resource").is_some());
        assert_eq!(deleted.get("request").unwrap().get("method").unwrap().as_str(), Some("DELETE"));
        assert_eq!(updated.get("response").unwrap().get("etag").unwrap().as_str(), Some("W/\"2\""));
    }
}
