//! URI parameters (`FHIR R4 search.html#uri`): the whole URI, `:below` and `:above`; canonicals with `|version`.

use super::Values;
use crate::index::{Facet, IndexValue, MAX_URI};
use crate::resource::json::Json;
use crate::search::query::{Test, UriMatch};

/// A canonical's URL and version (`FHIR R4 references.html#canonical`).
pub(crate) fn split_canonical(text: &str) -> (&str, &str) {
    text.split_once('|').unwrap_or((text, ""))
}

/// Cuts a URI to what is indexed.
fn cut(uri: &str) -> &str {
    crate::index::cut(uri, MAX_URI)
}

/// Indexes an element.
pub(crate) fn index(element: &Json<'_>, type_: &str, out: &mut Values) {
    let Some(text) = element.as_str().filter(|text| !text.is_empty()) else { return };
    let (uri, version) = if type_ == "canonical" { split_canonical(text) } else { (text, "") };
    out.push((Facet::Value, IndexValue::Uri { value: cut(uri).to_owned(), version: version.to_owned() }));
}

/// Parts of a searched URI between slashes, when the ones above it are asked for.
const MAX_PARTS: usize = 100;

/// A searched URI.
///
/// Errors: why it is none that can be searched so (`FHIR R4 search.html#uri`: `:above` and `:below` are for URLs).
pub(crate) fn parse(text: &str, how: UriMatch) -> Result<Test, String> {
    let (uri, version) = split_canonical(text);
    if how != UriMatch::Exact && uri.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:")) {
        return Err("a URN has nothing above or below it; ':above' and ':below' take URLs".to_owned());
    }
    if how == UriMatch::Above && uri.bytes().filter(|byte| *byte == b'/').count() > MAX_PARTS {
        return Err(format!("a URL with ':above' has {MAX_PARTS} slashes or fewer"));
    }
    let version = Some(version).filter(|version| !version.is_empty()).map(str::to_owned);
    Ok(Test::Uri { how, value: cut(uri).to_owned(), version })
}

/// A URL and those above it: up to each slash, with the slash and without.
pub fn above(url: &str) -> Vec<&str> {
    let path = url.find("://").map_or(0, |at| at + 3);
    let slashes = url.match_indices('/').map(|(at, _)| at).filter(|at| *at >= path);
    let mut found: Vec<&str> = slashes.flat_map(|at| [url.get(..at), url.get(..=at)]).flatten().collect();
    found.push(url);
    found.dedup();
    found
}

/// Whether a stored URI passes.
pub(crate) fn matches(how: UriMatch, value: &str, version: Option<&str>, stored: (&str, &str)) -> bool {
    let (uri, stored_version) = stored;
    let passes = match how {
        UriMatch::Exact => uri == value,
        // With a version it is the canonical's versions that are below it (`FHIR R4 search.html#versions`).
        UriMatch::Below if version.is_some() => uri == value,
        UriMatch::Below => uri.starts_with(value),
        UriMatch::Above => above(value).contains(&uri),
    };
    let is_below = |version: &str| {
        stored_version.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    passes
        && version.is_none_or(|version| match how {
            UriMatch::Below => is_below(version),
            UriMatch::Exact | UriMatch::Above => version == stored_version,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_are_the_url_and_those_it_begins_with_up_to_a_slash() {
        assert_eq!(
            above("http://x/a/b"),
            ["http://x", "http://x/", "http://x/a", "http://x/a/", "http://x/a/b"]
        );
        assert_eq!(above("x/"), ["x", "x/"]);
        assert_eq!(above("urn"), ["urn"]);
    }

    #[test]
    fn versions_are_below_a_canonical() {
        let passes =
            |version, stored| matches(UriMatch::Below, "http://x", Some(version), ("http://x", stored));
        assert!(passes("1", "1") && passes("1", "1.0") && !passes("1", "10") && !passes("1.0", "1"));
        assert!(!matches(UriMatch::Below, "http://x", Some("1"), ("http://x/y", "1")));
        assert!(
            parse("urn:oid:1.2", UriMatch::Below).is_err() && parse("urn:oid:1.2", UriMatch::Exact).is_ok()
        );
    }
}
