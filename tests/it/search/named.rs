//! Resources under short names, and tables of searches with the names that each must find.

use crate::http::{Http, ids, reference};
use crate::server::unique;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Resources that only this table's tag finds.
pub(super) struct Named {
    tag: String,
    names: BTreeMap<String, &'static str>,
}

impl Named {
    /// Stores `resources` by name.
    pub(super) fn new(http: &Http, resources: Vec<(&'static str, Value)>) -> Self {
        let tag = unique("named");
        let names = resources.into_iter().map(|(name, mut resource)| {
            resource["meta"] = json!({ "tag": [{ "system": "https://example.org/named", "code": tag }] });
            (reference(&http.create(&resource)), name)
        });
        Self { names: names.collect(), tag }
    }

    /// Stores `resources` under ids of their own, `mark-name`, so that they may refer to each other.
    pub(super) fn with_ids(http: &Http, mark: &str, resources: Vec<(&'static str, Value)>) -> Self {
        let names = resources.into_iter().map(|(name, mut resource)| {
            resource["meta"] = json!({ "tag": [{ "system": "https://example.org/named", "code": mark }] });
            resource["id"] = json!(format!("{mark}-{name}"));
            let place = reference(&resource);
            http.put(&place, &resource).expect(201);
            (place, name)
        });
        Self { names: names.collect(), tag: mark.to_owned() }
    }

    /// `Type/id` of a resource.
    pub(super) fn reference(&self, name: &str) -> &str {
        let found = self.names.iter().find(|(_, known)| **known == name);
        found.map(|(reference, _)| reference.as_str()).expect("a name of the table")
    }

    /// The code of the tag all its resources carry.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// The name of the resource at `Type/id`.
    #[track_caller]
    pub(super) fn name(&self, reference: &str) -> &'static str {
        self.names.get(reference).copied().unwrap_or_else(|| panic!("{reference} is not of the table"))
    }

    /// Asks every query (`Type?a=b`, not percent-encoded) and compares with the names it must find, which stand in one
    /// text with spaces between.
    #[track_caller]
    pub(super) fn expect(&self, http: &Http, cases: &[(&str, &str)]) {
        let mut wrong = Vec::new();
        for (query, expected) in cases {
            let (type_, pairs) = query.split_once('?').expect("Type?a=b");
            let pairs: Vec<String> = pairs.split('&').map(encoded).collect();
            let answer = http.get(&format!("{type_}?{}&_tag={}&_count=100", pairs.join("&"), self.tag));
            let expected: BTreeSet<&str> = expected.split_whitespace().collect();
            if answer.status != 200 {
                wrong.push(format!("{query}: {answer}"));
                continue;
            }
            let found = ids(&answer.json());
            let found: BTreeSet<&str> =
                found.iter().map(|id| self.names.get(id).copied().unwrap_or("?")).collect();
            if found != expected {
                wrong.push(format!("{query}: expected {expected:?}, found {found:?}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} queries:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }
}

/// Asserts that each query is refused with 400, and that the answer says `why`.
#[track_caller]
pub(super) fn refused(http: &Http, cases: &[(&str, &str)]) {
    for (query, why) in cases {
        let (type_, pairs) = query.split_once('?').expect("Type?a=b");
        let pairs: Vec<String> = pairs.split('&').map(encoded).collect();
        let outcome = http.get(&format!("{type_}?{}", pairs.join("&"))).expect_error(400);
        let said = outcome["issue"][0]["diagnostics"].as_str().unwrap_or_default();
        assert!(said.contains(why), "{query}: '{said}' does not say '{why}'");
    }
}

/// `name=value` as it stands in a URL.
fn encoded(pair: &str) -> String {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let text: String = url_encoded(value);
    format!("{name}={text}")
}

/// A value as it stands in a URL.
pub(super) fn url_encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}
