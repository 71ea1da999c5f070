//! The words of a resource, for `_text` and `_content` (`FHIR R4 search.html#text`), as index rows: those of the narrative,
//! and those of everything else that is written for people to read.
//!
//! Resources of one kind say much the same, so that a set of words is kept once, and a resource has one row for each of its
//! two sets (`docs/decisions/0112`).
//!
//! Read are elements of the types string, markdown and xhtml, extensions and contained resources among them; not codes,
//! dates, numbers, ids, URLs and `Reference.reference`. A word is a run of letters and digits, without case and accents.

use super::hash::{text_key, words_key};
use super::{Facet, IndexEntry, IndexValue, Part};
use crate::conformance::definitions::Shape;
use crate::conformance::{Definitions, ParameterId};
use crate::resource::json::Json;
use crate::search::kind::string::folded;
use quick_xml::escape::{resolve_html5_entity, unescape_with};
use std::collections::BTreeSet;

/// Words of one resource that are indexed at most.
pub const MAX_WORDS: usize = 10_000;

/// The parameters whose rows hold the words: of the narrative, and of all the rest.
#[derive(Debug, Clone, Copy)]
pub struct Parameters {
    /// `_text`
    pub narrative: ParameterId,
    /// `_content`
    pub rest: ParameterId,
}

impl Parameters {
    /// Those of R4.
    pub fn r4() -> Option<Parameters> {
        let number = |code| Definitions::r4().common_parameter(code).map(|parameter| parameter.id);
        Some(Parameters { narrative: number("_text")?, rest: number("_content")? })
    }
}

/// Calls `visit` with the words of a text, one after the other.
pub(crate) fn words(text: &str, visit: &mut dyn FnMut(&str)) {
    let mut word = String::new();
    folded(text, &mut |letter| {
        if letter.is_alphanumeric() {
            word.push(letter);
        } else if !word.is_empty() {
            visit(&word);
            word.clear();
        }
    });
    if !word.is_empty() {
        visit(&word);
    }
}

/// The text of XHTML: tags and comments stand for white space.
fn plain(xhtml: &str) -> String {
    let mut out = String::with_capacity(xhtml.len());
    for (number, piece) in xhtml.split('<').enumerate() {
        // What a `>` closes is a tag; text before the first `<` is none.
        let text = if number == 0 { piece } else { piece.split_once('>').map_or("", |(_, text)| text) };
        match unescape_with(text, resolve_html5_entity) {
            Ok(text) => out.push_str(&text),
            Err(_) => out.push_str(text),
        }
        out.push(' ');
    }
    out
}

/// Adds the rows of a resource's words.
pub(super) fn index(
    definitions: &'static Definitions,
    shape: &'static Shape,
    resource: &Json<'_>,
    out: &mut Vec<IndexEntry>,
) {
    let Some(parameters) = Parameters::r4() else { return };
    let mut run = Run { definitions, found: BTreeSet::new() };
    if let Some(div) = resource.get("text").and_then(|text| text.get("div")).and_then(Json::as_str) {
        run.add(&plain(div));
    }
    run.keep(parameters.narrative, out);
    run.walk(shape, resource, true);
    run.keep(parameters.rest, out);
}

struct Run {
    definitions: &'static Definitions,
    found: BTreeSet<i64>,
}

impl Run {
    fn add(&mut self, text: &str) {
        let found = &mut self.found;
        words(text, &mut |word| {
            if found.len() < MAX_WORDS {
                found.insert(text_key(word));
            }
        });
    }

    /// Makes the row of the words found so far.
    fn keep(&mut self, parameter: ParameterId, out: &mut Vec<IndexEntry>) {
        let words: Vec<i64> = std::mem::take(&mut self.found).into_iter().collect();
        if !words.is_empty() {
            let value = IndexValue::Words { set: words_key(&words), words };
            out.push(IndexEntry { parameter, facet: Facet::Value, part: Part::Itself, value });
        }
    }

    /// Adds the text below `node`. The narrative of the resource itself has been read.
    fn walk(&mut self, shape: &'static Shape, node: &Json<'_>, is_root: bool) {
        let Some(object) = node.as_object() else { return };
        for (name, value) in object.iter() {
            let Some((element, type_, key)) = shape.member(name) else { continue };
            let inner = self.definitions.shape(type_.shape);
            for item in value.each() {
                match (type_.code, item) {
                    _ if key.companion => self.extensions(item),
                    _ if element.name == "reference" && shape.name == "Reference" => {}
                    ("string" | "markdown", Json::String(text)) => self.add(text),
                    ("xhtml", Json::String(text)) => self.add(&plain(text)),
                    ("Narrative", _) if is_root => {}
                    ("Resource", _) => self.contained(item),
                    (_, Json::Object(_)) => self.walk(inner, item, false),
                    _ => {}
                }
            }
        }
    }

    fn contained(&mut self, resource: &Json<'_>) {
        let shape = resource.resource_type().and_then(|name| self.definitions.shape_named(name));
        if let Some(shape) = shape {
            self.walk(shape, resource, false);
        }
    }

    /// The extensions of a primitive, in the companion of its member.
    fn extensions(&mut self, companion: &Json<'_>) {
        let Some(shape) = self.definitions.shape_named("Extension") else { return };
        for extension in companion.get("extension").map(Json::each).unwrap_or_default() {
            self.walk(shape, extension, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> (Vec<i64>, Vec<i64>) {
        let tree = Json::parse(text.as_bytes()).unwrap();
        let definitions = Definitions::r4();
        let shape = definitions.shape_named(tree.resource_type().unwrap()).unwrap();
        let mut out = Vec::new();
        index(definitions, shape, &tree, &mut out);
        let of = |parameter: ParameterId| {
            let entry = out.iter().find(|entry| entry.parameter == parameter).unwrap();
            match &entry.value {
                IndexValue::Words { words, .. } => words.clone(),
                _ => Vec::new(),
            }
        };
        let parameters = Parameters::r4().unwrap();
        (of(parameters.narrative), of(parameters.rest))
    }

    fn keys(words: &str) -> Vec<i64> {
        let mut keys: Vec<i64> = words.split(' ').filter(|word| !word.is_empty()).map(text_key).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn words_are_those_that_people_read() {
        let (narrative, rest) = rows(
            r##"{"resourceType":"Condition","id":"ignored","text":{"status":"generated",
            "div":"<div xmlns=\"x\"><p>Bone<br/>Métastases &amp; caf&eacute; &#52;2</p><!-- no --></div>"},
            "code":{"coding":[{"system":"http://x","code":"c","display":"Liver BONE"}],"text":"O'Neill"},
            "subject":{"reference":"Patient/p","display":"Ann","_display":{"extension":[{"url":"u","valueString":"hidden"}]}},
            "contained":[{"resourceType":"Patient","name":[{"family":"Inner"}],"gender":"male"}],
            "note":[{"text":"7.5 mg"}]}"##,
        );
        assert_eq!(narrative, keys("bone metastases cafe 42"));
        assert_eq!(rest, keys("liver bone o neill ann hidden inner 7 5 mg"));
    }

    #[test]
    fn a_tag_that_does_not_end_is_no_text() {
        assert_eq!(plain("a<b>c<d"), "a c  ");
    }
}
