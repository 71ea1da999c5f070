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

/// A searched URI.
pub(crate) fn parse(text: &str, how: UriMatch) -> Test {
    let (uri, version) = split_canonical(text);
    let version = Some(version).filter(|version| !version.is_empty()).map(str::to_owned);
    Test::Uri { how, value: cut(uri).to_owned(), version }
}

/// Whether a stored URI passes.
pub(crate) fn matches(how: UriMatch, value: &str, version: Option<&str>, stored: (&str, &str)) -> bool {
    let (uri, stored_version) = stored;
    let passes = match how {
        UriMatch::Exact => uri == value,
        UriMatch::Below => is_below(uri, value),
        UriMatch::Above => is_below(value, uri),
    };
    passes && version.is_none_or(|version| version == stored_version)
}

/// Whether `uri` starts with `above`.
fn is_below(uri: &str, above: &str) -> bool {
    uri.starts_with(above)
}
