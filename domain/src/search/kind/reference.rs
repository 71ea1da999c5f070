//! Reference parameters (`FHIR R4 search.html#reference`): `Type/id`, an id alone, absolute URLs, canonicals with
//! version. This server's own base makes an absolute URL local.

use super::{Values, token, uri};
use crate::conformance::{Definitions, TypeId};
use crate::id::Id;
use crate::index::hash::{resource_key, text_key};
use crate::index::{Facet, IndexValue, MAX_SORTED, cut};
use crate::resource::json::Json;
use crate::search::query::{Test, VersionTest};

/// Where a reference points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The type and id, where the reference ends in them.
    pub(crate) resource: Option<(TypeId, &'a str)>,
    /// Whether it is on this server.
    pub(crate) local: bool,
    /// The reference without version.
    pub(crate) url: &'a str,
    /// The version of `…/_history/v`, empty for none.
    pub(crate) version: &'a str,
}

/// Reads the text of a literal reference; `None` for a contained one and for no text.
pub(crate) fn target<'a>(text: &'a str, base: &str) -> Option<Target<'a>> {
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let (url, version) = text.split_once("/_history/").unwrap_or((text, ""));
    let relative = match url.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) if !base.is_empty() => Some(rest),
        _ if url.contains(':') => None,
        _ => Some(url),
    };
    if let Some((name, id)) = relative.and_then(|relative| relative.split_once('/')) {
        let resource = Definitions::r4().type_id(name).filter(|_| Id::is_valid(id)).map(|type_| (type_, id));
        return Some(Target { resource, local: resource.is_some(), url, version });
    }
    let mut segments = url.rsplit('/');
    let (id, name) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let resource = Definitions::r4().type_id(name).filter(|_| Id::is_valid(id)).map(|type_| (type_, id));
    Some(Target { resource, local: false, url, version })
}

impl Target<'_> {
    fn key(&self) -> i64 {
        match self.resource {
            Some((type_, id)) if self.local => resource_key(Definitions::r4().type_name(type_), id),
            _ => text_key(self.url),
        }
    }
}

/// Whether a Reference points to a resource of the type `name`: by its text, by the contained resource it names, or by
/// `Reference.type`.
pub(crate) fn points_to(element: &Json<'_>, name: &str, resource: &Json<'_>) -> bool {
    let Some(text) = element.get("reference").and_then(Json::as_str) else {
        return element.get("type").and_then(Json::as_str) == Some(name);
    };
    if let Some(id) = text.strip_prefix('#') {
        let contained = resource.get("contained").map(Json::each).unwrap_or_default();
        return contained.iter().any(|inner| {
            inner.get("id").and_then(Json::as_str) == Some(id) && inner.resource_type() == Some(name)
        });
    }
    let url = text.split_once("/_history/").map_or(text, |(url, _)| url);
    let mut segments = url.rsplit('/');
    segments.next();
    match segments.next() {
        Some(segment) if segment == name => true,
        // `urn:uuid:…` and the like do not tell; the type beside them does.
        _ => url.starts_with("urn:") && element.get("type").and_then(Json::as_str) == Some(name),
    }
}

/// The key of the Patient on this server that an element refers to.
pub(crate) fn local_patient(element: &Json<'_>, base: &str) -> Option<i64> {
    let target = target(element.get("reference").and_then(Json::as_str)?, base)?;
    let (type_, _) = target.resource.filter(|_| target.local)?;
    (Definitions::r4().type_name(type_) == "Patient").then(|| target.key())
}

/// `#id`, as far as an id may be long.
fn fragment(text: &str) -> &str {
    cut(text, MAX_SORTED + 1)
}

/// Indexes an element: a Reference, a canonical or URI, or a resource that stands in the element's place.
pub(crate) fn index(element: &Json<'_>, type_: &str, base: &str, out: &mut Values) {
    let row = |target_type, target, version: &str, url: &str| {
        let text = cut(url, MAX_SORTED).to_owned();
        (Facet::Value, IndexValue::Reference { target_type, target, version: version.to_owned(), text })
    };
    match element {
        Json::String(text) if type_ == "canonical" => {
            let (url, version) = uri::split_canonical(text);
            match text.strip_prefix('#') {
                Some(_) => out.push(row(None, 0, fragment(text), "")),
                None => {
                    let url = url.split_once('#').map_or(url, |(url, _)| url);
                    out.push(row(None, text_key(url), version, url));
                }
            }
        }
        Json::String(text) => out.push(row(None, text_key(text), "", text)),
        Json::Object(_) => {
            let literal = element.get("reference").and_then(Json::as_str).and_then(|text| target(text, base));
            let own = element.resource_type().and_then(|name| Definitions::r4().type_id(name));
            match (literal, own) {
                (Some(found), _) => {
                    let type_ = found.resource.map(|(type_, _)| type_);
                    let url = if found.local { "" } else { found.url };
                    out.push(row(type_, found.key(), found.version, url));
                }
                (None, Some(type_)) => {
                    let id = element.get("id").and_then(Json::as_str);
                    let key = id.map_or(0, |id| resource_key(Definitions::r4().type_name(type_), id));
                    out.push(row(Some(type_), key, "", ""));
                }
                // A contained or logical reference: there is something, but no address.
                (None, None) => {
                    let text = element.get("reference").and_then(Json::as_str);
                    let local = text.filter(|text| text.starts_with('#')).map_or("", fragment);
                    out.push(row(None, 0, local, ""));
                }
            }
            if let Some(identifier) = element.get("identifier") {
                out.push((Facet::Identifier, token::identifier_token(identifier)));
            }
        }
        _ => {}
    }
}

/// How a version that a reference names is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hierarchy {
    /// The same, if one is asked for.
    None,
    /// `:below`
    Below,
    /// `:above`
    Above,
}

/// The test of a canonical's version. A version is one of those that it begins with, up to a point.
fn version_test(version: &str, hierarchy: Hierarchy) -> VersionTest {
    match hierarchy {
        _ if version.is_empty() && hierarchy != Hierarchy::Above => VersionTest::Any,
        Hierarchy::None => VersionTest::Is(version.to_owned()),
        Hierarchy::Below => VersionTest::Below(version.to_owned()),
        Hierarchy::Above => {
            let points = version.match_indices('.').filter_map(|(at, _)| version.get(..at));
            let above = std::iter::once("").chain(points).chain([version]).map(str::to_owned);
            VersionTest::Above(above.collect())
        }
    }
}

/// A searched canonical of `:above` or `:below`.
///
/// Errors: why it is none.
pub(crate) fn parse_canonical(text: &str, hierarchy: Hierarchy, base: &str) -> Result<Test, String> {
    if !text.contains(':') {
        return Err(
            "with ':above' or ':below' it takes a canonical URL, with '|version' or without".to_owned()
        );
    }
    let (url, version) = uri::split_canonical(text);
    let mut targets = vec![text_key(url)];
    targets.extend(target(url, base).filter(|found| found.local).map(|found| found.key()));
    Ok(Test::Reference { targets, version: version_test(version, hierarchy) })
}

/// A searched reference. `types` are those it may have: the modifier's, or the parameter's targets; `canonical` tells
/// whether the parameter looks at canonicals or URIs, which are indexed by their text.
///
/// Errors: why it is none.
pub(crate) fn parse(text: &str, types: &[TypeId], canonical: bool, base: &str) -> Result<Test, String> {
    let definitions = Definitions::r4();
    if text.is_empty() || text.starts_with('#') {
        return Err("a reference is 'Type/id', an id or an absolute URL".to_owned());
    }
    if canonical && text.contains(':') {
        return parse_canonical(text, Hierarchy::None, base);
    }
    if !text.contains(['/', ':']) {
        if !Id::is_valid(text) {
            return Err(format!("'{text}' is not an id; a reference is 'Type/id', an id or an absolute URL"));
        }
        let every: Vec<TypeId>;
        let types = if types.is_empty() {
            every = definitions.endpoints().collect();
            &every
        } else {
            types
        };
        let mut targets: Vec<i64> =
            types.iter().map(|type_| resource_key(definitions.type_name(*type_), text)).collect();
        if canonical {
            let urls = types
                .iter()
                .map(|type_| text_key(&format!("{base}/{}/{text}", definitions.type_name(*type_))));
            targets.extend(urls);
        }
        return Ok(Test::Reference { targets, version: VersionTest::Any });
    }
    let found = target(text, base).ok_or("a reference is 'Type/id', an id or an absolute URL")?;
    if !found.local && !text.contains(':') {
        return Err(format!(
            "'{text}' names no resource type and id; a reference is 'Type/id', an id or an absolute URL"
        ));
    }
    if let Some((type_, _)) = found.resource
        && !types.is_empty()
        && !types.contains(&type_)
    {
        let names: Vec<&str> = types.iter().map(|type_| definitions.type_name(*type_)).collect();
        return Err(format!("it refers to {}, not to {}", names.join(", "), definitions.type_name(type_)));
    }
    let mut targets = vec![found.key()];
    if let Some((type_, id)) = found.resource.filter(|_| canonical && found.local) {
        targets.push(text_key(&format!("{base}/{}/{id}", definitions.type_name(type_))));
    }
    Ok(Test::Reference { targets, version: version_test(found.version, Hierarchy::None) })
}

/// Whether a stored reference passes.
pub(crate) fn matches(targets: &[i64], version: &VersionTest, stored: (i64, &str)) -> bool {
    let (target, stored) = stored;
    let right_version = match version {
        VersionTest::Any => true,
        VersionTest::Is(version) => stored == version,
        VersionTest::Below(version) => {
            stored.strip_prefix(version.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }
        VersionTest::Above(versions) => versions.iter().any(|version| version == stored),
    };
    targets.contains(&target) && right_version
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://x.example/FHIR/R4";

    #[test]
    fn local_references_share_a_key() {
        let patient = resource_key("Patient", "a");
        for text in ["Patient/a", "https://x.example/FHIR/R4/Patient/a", "Patient/a/_history/2"] {
            assert_eq!(target(text, BASE).unwrap().key(), patient, "{text}");
            assert!(matches!(local_patient_of(text), Some(key) if key == patient), "{text}");
        }
        for text in [
            "https://y.example/Patient/a",
            "urn:uuid:1",
            "Group/a",
            "#a",
            "https://x.example/FHIR/R4x/Patient/a",
            "Patient/a/b",
        ] {
            assert_eq!(local_patient_of(text), None, "{text}");
        }
    }

    fn local_patient_of(text: &str) -> Option<i64> {
        let text = format!(r#"{{"reference":"{text}"}}"#);
        local_patient(&Json::parse(text.as_bytes()).unwrap(), BASE)
    }
}
