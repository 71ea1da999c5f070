//! String parameters (`FHIR R4 search.html#string`): text is compared from its start, without case, accents and
//! surplus white space; `:contains` anywhere, `:exact` as written.

use super::Values;
use crate::index::{CUT, Facet, IndexValue, MAX_FOLDED, cut};
use crate::resource::json::Json;
use crate::search::query::{Prefix, Test, TextMatch};
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Text as it is compared: lower case, without accents, letters of the Latin script in their basic form, white space
/// collapsed.
pub fn fold_whole(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    folded(text, &mut |character| {
        if character.is_whitespace() {
            space = !out.is_empty();
            return;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        out.push(character);
    });
    out
}

/// The same, of at most [`MAX_FOLDED`] bytes.
pub fn fold(text: &str) -> String {
    shortened(fold_whole(text))
}

/// Whether a folded text is longer than what the index holds of it.
pub fn is_long(folded: &str) -> bool {
    folded.len() > MAX_FOLDED
}

/// A folded text as the index holds it.
pub fn shortened(folded: String) -> String {
    if is_long(&folded) { long_key(&folded) } else { folded }
}

/// Bytes of a folded text that the index holds of a longer one too.
pub const MAX_COMMON: usize = MAX_FOLDED - CUT.len_utf8();

/// How the index begins a long text that starts with `folded`, which has more than [`MAX_COMMON`] bytes.
pub fn long_key(folded: &str) -> String {
    let mut short = cut(folded, MAX_COMMON).to_owned();
    short.push(CUT);
    short
}

/// Calls `visit` with the letters of a text as they are compared, white space as it is.
pub(crate) fn folded(text: &str, visit: &mut dyn FnMut(char)) {
    if text.is_ascii() {
        text.chars().map(|c| c.to_ascii_lowercase()).for_each(visit);
        return;
    }
    let lower = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    // Some letters decompose into marks only once they are lower case ('İ').
    lower.filter(|c| !is_combining_mark(*c)).flat_map(basic).for_each(visit);
}

/// The basic letters of a lower-case letter that Unicode does not decompose, as names are transcribed.
fn basic(letter: char) -> impl Iterator<Item = char> {
    let (first, second) = match letter {
        'ø' => ('o', None),
        'ł' => ('l', None),
        'đ' | 'ð' => ('d', None),
        'ħ' => ('h', None),
        'ŧ' => ('t', None),
        'ı' => ('i', None),
        'ŋ' => ('n', None),
        'ς' => ('σ', None),
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'þ' => ('t', Some('h')),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

/// The index value of a text.
pub(crate) fn value(text: &str) -> IndexValue {
    IndexValue::String { folded: fold(text), exact: text.to_owned() }
}

/// Indexes an element: a string, or every part of a HumanName or Address.
pub(crate) fn index(element: &Json<'_>, type_: &str, out: &mut Values) {
    let parts: &[&str] = match type_ {
        "HumanName" => &["text", "family", "given", "prefix", "suffix"],
        "Address" => &["text", "line", "city", "district", "state", "postalCode", "country"],
        "CodeableConcept" => &["text"],
        "Coding" => &["display"],
        "Annotation" => &["text"],
        _ => {
            add(element, out);
            return;
        }
    };
    for part in parts {
        for text in element.get(part).map(Json::each).unwrap_or_default() {
            add(text, out);
        }
    }
}

fn add(text: &Json<'_>, out: &mut Values) {
    let Some(text) = text.as_str() else { return };
    let whole = fold_whole(text);
    let long = is_long(&whole).then(|| whole.clone());
    let folded = shortened(whole);
    out.extend(long.map(|exact| (Facet::Long, IndexValue::String { folded: folded.clone(), exact })));
    out.push((Facet::Value, IndexValue::String { folded, exact: text.to_owned() }));
}

/// A searched text, folded whole.
pub(crate) fn parse(text: &str, how: TextMatch) -> Test {
    let text = match how {
        TextMatch::Exact => Cow::Borrowed(text),
        TextMatch::Starts
        | TextMatch::Contains
        | TextMatch::Ends
        | TextMatch::Ordered(_)
        | TextMatch::Long => Cow::Owned(fold_whole(text)),
    };
    Test::Text { how, text: text.into_owned() }
}

/// Whether a stored text passes. Of a long text its value and its whole are stored, and both are looked at.
pub(crate) fn matches(how: TextMatch, text: &str, folded: &str, exact: &str) -> bool {
    match how {
        TextMatch::Starts => folded.starts_with(text),
        // What is written has no folded text that is not in the folded one.
        TextMatch::Contains => folded.contains(text) || folded.ends_with(CUT) && exact.contains(text),
        TextMatch::Exact => exact == text,
        TextMatch::Ends => folded.ends_with(text) || folded.ends_with(CUT) && exact.ends_with(text),
        TextMatch::Long => folded == long_key(text) && exact.starts_with(text),
        TextMatch::Ordered(prefix) => {
            let order = folded.cmp(text);
            match prefix {
                Prefix::Ne => order.is_ne(),
                Prefix::Gt => order.is_gt(),
                Prefix::Lt => order.is_lt(),
                Prefix::Ge => order.is_ge(),
                Prefix::Le => order.is_le(),
                Prefix::Eq | Prefix::Sa | Prefix::Eb | Prefix::Ap | Prefix::Holds => order.is_eq(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_removes_case_accents_and_white_space() {
        assert_eq!(fold("  Siân   O'Néill\t"), "sian o'neill");
        assert_eq!(fold("ＡＢＣ ﬁ"), "abc fi");
        assert_eq!(fold("Łódź İ"), "lodz i");
        assert_eq!(fold("Øystein Þór Strauß ẞ Æsop œuvre Đặng"), "oystein thor strauss ss aesop oeuvre dang");
        assert_eq!(fold("ΟΔΥΣΣΕΥΣ"), fold("Οδυσσεύς"));
        assert_eq!(fold(&"é".repeat(1500)), "e".repeat(996) + "\u{10fffe}");
        assert_eq!(fold(&"é".repeat(1000)), "e".repeat(1000));
    }

    #[test]
    fn a_name_is_found_by_each_part() {
        let name = Json::parse(r#"{"family":"Óg","given":["Ann","Bea"],"use":"usual"}"#.as_bytes()).unwrap();
        let mut out = Vec::new();
        index(&name, "HumanName", &mut out);
        assert_eq!(out.len(), 3);
        assert_eq!(out.first().unwrap().1, IndexValue::String { folded: "og".into(), exact: "Óg".into() });
    }
}
