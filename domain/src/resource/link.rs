//! Links between the entries of a transaction, rewritten to the ids they get (`FHIR R4 http.html#trules`).
//!
//! Rewritten are `Reference.reference`, elements of type uri, url, oid and uuid, and `href` and `src` in narrative,
//! wherever they stand: in extensions and contained resources too. Canonicals are not links to entries.
//!
//! A uuid that has become `Patient/1` is no uuid any more: what was sent is checked before the oids and uuids in it are
//! rewritten ([`Step`]).

use super::json::{Json, Object};
use crate::conformance::Definitions;
use crate::conformance::definitions::{Shape, ShapeKind};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The links of one transaction: `fullUrl` → `Type/id`.
#[derive(Debug, Default)]
pub struct Links {
    targets: HashMap<String, String>,
}

impl Links {
    /// Adds an entry. `false` if another entry has the same `full_url`.
    pub fn add(&mut self, full_url: &str, target: String) -> bool {
        match self.targets.entry(full_url.to_owned()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(target);
                true
            }
        }
    }

    /// Rewrites the links of one step in `resource`, which stands in the Bundle under `full_url`: a relative reference in it is
    /// relative to the base of that URL (`FHIR R4 bundle.html#references`).
    pub fn rewrite(&self, step: Step, resource: &mut Json<'_>, full_url: Option<&str>) -> Left {
        if self.targets.is_empty() {
            return Left::Nothing;
        }
        let base = full_url.filter(|url| url.starts_with("http")).and_then(|url| {
            let (type_url, _id) = url.rsplit_once('/')?;
            let (base, _type) = type_url.rsplit_once('/')?;
            Some(base)
        });
        let rewriter = Rewriter { links: self, step, base, left: Cell::new(Left::Nothing) };
        rewriter.resource(resource);
        rewriter.left.get()
    }
}

/// When a link is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before the resource is checked: all but oids and uuids.
    BeforeCheck,
    /// After it: oids and uuids.
    AfterCheck,
}

/// What a step has left to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// All links are rewritten.
    Nothing,
    /// [`Step::AfterCheck`] has links to rewrite.
    OidsAndUuids,
}

struct Rewriter<'l> {
    links: &'l Links,
    step: Step,
    base: Option<&'l str>,
    left: Cell<Left>,
}

impl Rewriter<'_> {
    /// What `link` becomes, if it names an entry; a fragment or version at its end is kept.
    fn target(&self, link: &str) -> Option<String> {
        let (url, rest) = match link.find(['#', '|']).or_else(|| link.find("/_history/")) {
            Some(at) => link.split_at(at),
            None => (link, ""),
        };
        let found = self.links.targets.get(url).or_else(|| {
            let base = self.base.filter(|_| !url.contains(':') && !url.is_empty())?;
            self.links.targets.get(&format!("{base}/{url}"))
        })?;
        Some(format!("{found}{rest}"))
    }

    fn resource(&self, resource: &mut Json<'_>) {
        let shape = resource.resource_type().and_then(|name| Definitions::r4().shape_named(name));
        if let (Some(shape), Json::Object(object)) = (shape, resource) {
            self.object(object, shape);
        }
    }

    fn object(&self, object: &mut Object<'_>, shape: &Shape) {
        let definitions = Definitions::r4();
        for (name, value) in object.iter_mut() {
            let Some((_, type_, key)) = shape.member(name) else { continue };
            let below = definitions.shape(type_.shape);
            match value {
                Json::Array(items) => {
                    items.iter_mut().for_each(|item| self.value(item, (shape, name), below, key.companion))
                }
                single => self.value(single, (shape, name), below, key.companion),
            }
        }
    }

    fn value(&self, value: &mut Json<'_>, (owner, name): (&Shape, &str), shape: &Shape, companion: bool) {
        match value {
            Json::String(text) if !companion => {
                let rewritten = match shape.name {
                    "oid" | "uuid" => self.target(text).filter(|_| {
                        let now = self.step == Step::AfterCheck;
                        if !now {
                            self.left.set(Left::OidsAndUuids);
                        }
                        now
                    }),
                    _ if self.step == Step::AfterCheck => None,
                    "uri" | "url" => self.target(text),
                    "string" if name == "reference" && owner.name == "Reference" => self.target(text),
                    "xhtml" => self.narrative(text),
                    _ => None,
                };
                if let Some(rewritten) = rewritten {
                    *text = Cow::Owned(rewritten);
                }
            }
            Json::Object(_) if shape.kind == ShapeKind::Resource => self.resource(value),
            Json::Object(object) => self.object(object, shape),
            _ => {}
        }
    }

    /// `href="…"` and `src="…"` in narrative.
    fn narrative(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = attribute(rest) {
            let (before, value) = rest.split_at(at);
            out.push_str(before);
            rest = value;
            let Some(quote @ ('"' | '\'')) = value.chars().next() else { continue };
            let Some(link) = value.get(1..).and_then(|value| value.split_once(quote)).map(|(link, _)| link)
            else {
                break;
            };
            if let Some(target) = self.target(link) {
                out.push(quote);
                out.push_str(&target);
                rest = value.get(1 + link.len()..).unwrap_or_default();
            }
        }
        out.push_str(rest);
        (out != text).then_some(out)
    }
}

/// Where the value of the first `href` or `src` begins, its quote included: white space may stand around the `=`.
fn attribute(text: &str) -> Option<usize> {
    let value_at = |(at, name): (usize, &str)| {
        let after = text.get(at + name.len()..)?;
        let value = after.trim_start().strip_prefix('=')?.trim_start();
        let begins = text.get(..at)?.ends_with(|c: char| c.is_ascii_whitespace());
        begins.then(|| text.len() - value.len())
    };
    ["href", "src"].iter().filter_map(|name| text.match_indices(*name).find_map(value_at)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str, full_url: Option<&str>) -> String {
        let mut links = Links::default();
        assert!(links.add("urn:uuid:1", "Patient/p".into()));
        assert!(links.add("http://other/fhir/Patient/7", "Patient/q".into()));
        assert!(!links.add("urn:uuid:1", "Patient/r".into()));
        let mut tree = Json::parse(text.as_bytes()).unwrap();
        links.rewrite(Step::BeforeCheck, &mut tree, full_url);
        links.rewrite(Step::AfterCheck, &mut tree, full_url);
        String::from_utf8(tree.to_vec()).unwrap()
    }

    #[test]
    fn links_are_rewritten_wherever_the_rules_name() {
        let sent = r#"{"resourceType":"Observation","contained":[{"resourceType":"Media","subject":{"reference":"urn:uuid:1"}}],"extension":[{"url":"x","valueUri":"urn:uuid:1"}],"text":{"div":"<div><a class='c' href=\"urn:uuid:1#x\">a</a><img src='urn:uuid:9'/></div>"},"subject":{"reference":"urn:uuid:1"},"performer":[{"reference":"urn:uuid:2"},{"reference":"http://other/fhir/Patient/7"}]}"#;
        let stored = r#"{"resourceType":"Observation","contained":[{"resourceType":"Media","subject":{"reference":"Patient/p"}}],"extension":[{"url":"x","valueUri":"Patient/p"}],"text":{"div":"<div><a class='c' href=\"Patient/p#x\">a</a><img src='urn:uuid:9'/></div>"},"subject":{"reference":"Patient/p"},"performer":[{"reference":"urn:uuid:2"},{"reference":"Patient/q"}]}"#;
        assert_eq!(rewritten(sent, None), stored);
    }

    #[test]
    fn relative_links_are_relative_to_the_base_of_the_full_url() {
        let sent = r#"{"resourceType":"Observation","subject":{"reference":"Patient/7"}}"#;
        let stored = r#"{"resourceType":"Observation","subject":{"reference":"Patient/q"}}"#;
        assert_eq!(rewritten(sent, Some("http://other/fhir/Observation/1")), stored);
        assert_eq!(rewritten(sent, Some("urn:uuid:2")), sent);
    }

    #[test]
    fn strings_and_canonicals_are_no_links() {
        let sent = r#"{"resourceType":"CarePlan","instantiatesCanonical":["urn:uuid:1"],"title":"urn:uuid:1","identifier":[{"value":"urn:uuid:1"}]}"#;
        assert_eq!(rewritten(sent, None), sent);
    }
}
