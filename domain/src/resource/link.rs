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
use crate::id::Id;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// The links of one transaction: `fullUrl` → `Type/id`.
#[derive(Debug, Default)]
pub struct Links {
    targets: HashMap<String, Target>,
    /// Search URIs in place of references that were met (`FHIR R4 http.html#trules`).
    searches: RefCell<BTreeMap<String, Searched>>,
    /// The entry whose links are being rewritten.
    entry: Cell<usize>,
    /// What makes a stand-in one that nobody else can have written; without it search URIs stay as they are.
    nonce: Option<Id>,
}

/// A search URI that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// What stands for its match.
    pub stand_in: String,
    /// The first entry that has it.
    pub entry: usize,
}

/// What a link to an entry becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `Type/id`.
    pub text: String,
    /// `Type/id/_history/version`, for a link to a version: whichever it named, it gets the one that is made
    /// (`FHIR R4 http.html#trules`). `None` keeps what it names.
    pub versioned: Option<String>,
    /// Whether `text` stands for what only the store knows, and is rewritten once more.
    pub provisional: bool,
    /// The same of `versioned`.
    pub provisional_version: bool,
}

impl Links {
    /// Adds an entry. `false` if another entry has the same `full_url`.
    pub fn add(&mut self, full_url: &str, target: Target) -> bool {
        match self.targets.entry(full_url.to_owned()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(target);
                true
            }
        }
    }

    /// No links yet; search URIs and links to versions get stand-ins that `nonce` makes unique.
    pub fn provisional(nonce: Id) -> Links {
        Links { nonce: Some(nonce), ..Links::default() }
    }

    /// An address of `type_name` that stands for what `meaning` will be, until the store says.
    pub fn stand_in(&self, type_name: &str, meaning: &str) -> String {
        let nonce = self.nonce.as_ref().map_or("", Id::as_str);
        let hash = blake3::hash(format!("{nonce}\n{meaning}").as_bytes()).to_hex();
        format!("{type_name}/{}", hash.get(..32).unwrap_or_default())
    }

    /// What is rewritten from here on is of entry `index`.
    pub fn begin(&self, index: usize) {
        self.entry.set(index);
    }

    /// The search URIs met.
    pub fn into_searches(self) -> BTreeMap<String, Searched> {
        self.searches.into_inner()
    }

    /// Rewrites the links of one step in `resource`, which stands in the Bundle under `full_url`: a relative reference in it is
    /// relative to the base of that URL (`FHIR R4 bundle.html#references`).
    pub fn rewrite(&self, step: Step, resource: &mut Json<'_>, full_url: Option<&str>) -> Left {
        if self.targets.is_empty() && self.nonce.is_none() {
            return Left::default();
        }
        let base = full_url.filter(|url| url.starts_with("http")).and_then(|url| {
            let (type_url, _id) = url.rsplit_once('/')?;
            let (base, _type) = type_url.rsplit_once('/')?;
            Some(base)
        });
        let rewriter = Rewriter { links: self, step, base, left: Cell::new(Left::default()) };
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

/// What a step has left to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    /// [`Step::AfterCheck`] has links to rewrite.
    pub oids_and_uuids: bool,
    /// Links were rewritten to what is provisional.
    pub provisional: bool,
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
        let ends = [link.find(['#', '|']), link.find("/_history/")];
        let end = ends.into_iter().flatten().min().unwrap_or(link.len());
        let (url, rest) = link.split_at(end);
        let found = self.links.targets.get(url).or_else(|| {
            let base = self.base.filter(|_| !url.contains(':') && !url.is_empty())?;
            self.links.targets.get(&format!("{base}/{url}"))
        })?;
        if let (Some(versioned), Some(version)) = (&found.versioned, rest.strip_prefix("/_history/")) {
            self.is_provisional(found.provisional_version);
            let after = version.find('#').and_then(|at| version.get(at..)).unwrap_or_default();
            return Some(format!("{versioned}{after}"));
        }
        self.is_provisional(found.provisional);
        Some(format!("{}{rest}", found.text))
    }

    /// What a reference becomes: a search URI is a link to its match.
    fn reference(&self, link: &str) -> Option<String> {
        let type_name = link.split_once('?').map(|(name, _)| name);
        let searched = type_name.filter(|name| Definitions::r4().endpoint(name).is_some());
        let Some(name) = searched.filter(|_| self.links.nonce.is_some()) else {
            return self.target(link);
        };
        self.is_provisional(true);
        let mut searches = self.links.searches.borrow_mut();
        let searched = searches.entry(link.to_owned()).or_insert_with(|| Searched {
            stand_in: self.links.stand_in(name, link),
            entry: self.links.entry.get(),
        });
        Some(searched.stand_in.clone())
    }

    /// Whether `link` names an entry.
    fn knows(&self, link: &str) -> bool {
        let left = self.left.get();
        let known = self.target(link).is_some();
        self.left.set(left);
        known
    }

    fn is_provisional(&self, provisional: bool) {
        let left = self.left.get();
        self.left.set(Left { provisional: left.provisional || provisional, ..left });
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
                    "oid" | "uuid" if self.step == Step::BeforeCheck => {
                        if self.knows(text) {
                            self.left.set(Left { oids_and_uuids: true, ..self.left.get() });
                        }
                        None
                    }
                    "oid" | "uuid" => self.target(text),
                    _ if self.step == Step::AfterCheck => None,
                    "uri" | "url" => self.target(text),
                    "string" if name == "reference" && owner.name == "Reference" => self.reference(text),
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
        let mut links = Links::provisional(Id::parse("n").unwrap());
        let target = |text: &str| Target {
            text: text.to_owned(),
            versioned: Some(format!("{text}/_history/1")),
            provisional: false,
            provisional_version: false,
        };
        assert!(links.add("urn:uuid:1", target("Patient/p")));
        assert!(links.add("http://other/fhir/Patient/7", target("Patient/q")));
        assert!(!links.add("urn:uuid:1", target("Patient/r")));
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
    fn a_link_to_a_version_gets_the_version_that_is_made() {
        let sent = r#"{"resourceType":"Observation","subject":{"reference":"urn:uuid:1/_history/9"},"performer":[{"reference":"Patient/7/_history/3#x"}]}"#;
        let stored = r#"{"resourceType":"Observation","subject":{"reference":"Patient/p/_history/1"},"performer":[{"reference":"Patient/q/_history/1#x"}]}"#;
        assert_eq!(rewritten(sent, Some("http://other/fhir/Observation/1")), stored);
    }

    #[test]
    fn a_search_stands_in_references_only() {
        let links = Links::provisional(Id::parse("n").unwrap());
        let uri = "Patient?identifier=s|1";
        let sent = format!(
            r#"{{"resourceType":"Observation","implicitRules":"{uri}","subject":{{"reference":"{uri}"}},"focus":[{{"reference":"No?x=1"}}]}}"#
        );
        let mut tree = Json::parse(sent.as_bytes()).unwrap();
        assert!(links.rewrite(Step::BeforeCheck, &mut tree, None).provisional);
        let stand_in = links.stand_in("Patient", uri);
        let expected = format!(
            r#"{{"resourceType":"Observation","implicitRules":"{uri}","subject":{{"reference":"{stand_in}"}},"focus":[{{"reference":"No?x=1"}}]}}"#
        );
        assert_eq!(String::from_utf8(tree.to_vec()).unwrap(), expected);
        assert_eq!(links.into_searches(), [(uri.to_owned(), Searched { stand_in, entry: 0 })].into());
    }

    #[test]
    fn strings_and_canonicals_are_no_links() {
        let sent = r#"{"resourceType":"CarePlan","instantiatesCanonical":["urn:uuid:1"],"title":"urn:uuid:1","identifier":[{"value":"urn:uuid:1"}]}"#;
        assert_eq!(rewritten(sent, None), sent);
    }
}
