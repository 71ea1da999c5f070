//! Token parameters (`FHIR R4 search.html#token`): codes, identifiers and flags, `code`, `system|code`, `|code`, `system|`.
//!
//! Case tells codes apart only in code systems known for it: R4 asks servers to find too much where they are in doubt.

use super::{Values, string};
use crate::index::hash::text_key;
use crate::index::{Facet, IndexValue, MAX_SORTED, cut};
use crate::resource::json::Json;
use crate::search::query::{SystemTest, Test};
use std::borrow::Cow;

/// Code systems in which codes differ by case alone: units, and Read codes as GP systems hold them.
const CASE_SENSITIVE: [&str; 3] =
    ["http://unitsofmeasure.org", "http://read.info/readv2", "http://read.info/ctv3"];

/// The system of MIME types, whose parameters `:below` leaves out (`FHIR R4 search.html#mimetype`).
pub(crate) const MIME: &str = "urn:ietf:bcp:13";

/// A code as it is compared.
fn compared<'c>(system: Option<&str>, code: &'c str) -> Cow<'c, str> {
    let keeps = system.is_some_and(|system| CASE_SENSITIVE.contains(&system));
    if keeps || !code.chars().any(char::is_uppercase) {
        return Cow::Borrowed(code);
    }
    code.chars().flat_map(char::to_lowercase).collect()
}

/// The key of a code.
pub(crate) fn code_key(system: Option<&str>, code: &str) -> i64 {
    text_key(&compared(system, code))
}

/// The row of a code; without a code it only tells that the element is there.
fn row(system: Option<&str>, code: Option<&str>) -> IndexValue {
    let system_key = system.map_or(0, text_key);
    let Some(code) = code else {
        return IndexValue::Token { code: 0, system: system_key, text: String::new() };
    };
    let code = compared(system, code);
    let text = cut(&code, MAX_SORTED).to_owned();
    IndexValue::Token { code: text_key(&code), system: system_key, text }
}

/// A row that is never sorted by.
pub(crate) fn key_row(code: i64, system: i64) -> IndexValue {
    IndexValue::Token { code, system, text: String::new() }
}

/// Indexes an element. `implied` is the code system that a binding implies for a `code`.
pub(crate) fn index(element: &Json<'_>, type_: &str, implied: Option<&str>, out: &mut Values) {
    match type_ {
        "CodeableConcept" => {
            let codings = element.get("coding").map(Json::each).unwrap_or_default();
            if codings.is_empty() {
                out.push((Facet::Value, row(None, None)));
            }
            for coding in codings {
                index_coding(coding, out);
            }
            text(element, "text", out);
        }
        "Coding" => index_coding(element, out),
        "Identifier" => index_identifier(element, out),
        "ContactPoint" => out.push((Facet::Value, row(None, member(element, "value")))),
        _ => match element {
            Json::Bool(value) => out.push((Facet::Value, simple(if *value { "true" } else { "false" }))),
            Json::String(code) => {
                out.push((Facet::Value, row(implied, Some(code))));
                if implied == Some(MIME) {
                    let broader = code_key(implied, base_type(code));
                    out.push((Facet::Broader, key_row(broader, text_key(MIME))));
                }
            }
            Json::Number(number) => out.push((Facet::Value, simple(number))),
            Json::Object(_) if element.get("coding").is_some() => {
                index(element, "CodeableConcept", None, out)
            }
            _ => {}
        },
    }
}

/// A MIME type without parameters.
fn base_type(mime: &str) -> &str {
    mime.split(';').next().unwrap_or_default().trim()
}

/// The token of a code without system.
pub(crate) fn simple(code: &str) -> IndexValue {
    row(None, Some(code))
}

fn member<'j>(element: &'j Json<'_>, name: &str) -> Option<&'j str> {
    element.get(name).and_then(Json::as_str)
}

fn index_coding(coding: &Json<'_>, out: &mut Values) {
    out.push((Facet::Value, row(member(coding, "system"), member(coding, "code"))));
    text(coding, "display", out);
}

/// An identifier: its value, its type's text for `:text`, its type's codes with the value for `:of-type`.
fn index_identifier(identifier: &Json<'_>, out: &mut Values) {
    out.push((Facet::Value, row(member(identifier, "system"), member(identifier, "value"))));
    let Some(type_) = identifier.get("type") else { return };
    text(type_, "text", out);
    let Some(value) = member(identifier, "value") else { return };
    for coding in type_.get("coding").map(Json::each).unwrap_or_default() {
        if let Some(code) = member(coding, "code") {
            let system = member(coding, "system").map_or(0, text_key);
            out.push((Facet::OfType, key_row(typed_key(code, value), system)));
        }
    }
}

/// The key of an identifier's value with a code of its type.
fn typed_key(code: &str, value: &str) -> i64 {
    code_key(None, &format!("{code}|{value}"))
}

/// The token of the Identifier in a Reference.
pub(crate) fn identifier_token(identifier: &Json<'_>) -> IndexValue {
    let system = member(identifier, "system");
    key_row(
        member(identifier, "value").map_or(0, |value| code_key(system, value)),
        system.map_or(0, text_key),
    )
}

fn text(element: &Json<'_>, name: &str, out: &mut Values) {
    if let Some(text) = member(element, name) {
        out.push((Facet::Text, string::value(text)));
    }
}

/// A searched token, its parts already unescaped: `[code]`, `[system, code]`. One of the tests passes: without a system, a
/// code may be one whose case counts.
///
/// Errors: why it is none.
pub(crate) fn parse(parts: &[String]) -> Result<Vec<Test>, String> {
    let test = |system, code| Test::Token { system, code };
    match parts {
        [code] if !code.is_empty() => {
            let (compared, written) = (code_key(None, code), text_key(code));
            let mut tests = vec![test(SystemTest::Any, Some(compared))];
            if written != compared {
                tests.push(test(SystemTest::Any, Some(written)));
            }
            Ok(tests)
        }
        [system, code] if system.is_empty() && !code.is_empty() => {
            Ok(vec![test(SystemTest::None, Some(code_key(None, code)))])
        }
        [system, code] if !system.is_empty() => {
            let code = (!code.is_empty()).then(|| code_key(Some(system), code));
            Ok(vec![test(SystemTest::Is(text_key(system)), code)])
        }
        _ => {
            Err("a token is 'code', 'system|code', '|code' or 'system|'; write a '|' inside a part as '\\|'"
                .to_owned())
        }
    }
}

/// A searched MIME type of `:below`: itself and what has parameters besides.
///
/// Errors: why it is none.
pub(crate) fn parse_broader(parts: &[String]) -> Result<Test, String> {
    match parts {
        [code] if !base_type(code).is_empty() => Ok(Test::Token {
            system: SystemTest::Is(text_key(MIME)),
            code: Some(code_key(Some(MIME), base_type(code))),
        }),
        _ => Err("':below' takes a MIME type like 'text/xml' here".to_owned()),
    }
}

/// A searched `:of-type` token, `system|code|value`.
///
/// Errors: why it is none.
pub(crate) fn parse_of_type(parts: &[String]) -> Result<Test, String> {
    match parts {
        [system, code, value] if [system, code, value].iter().all(|part| !part.is_empty()) => {
            Ok(Test::Token { system: SystemTest::Is(text_key(system)), code: Some(typed_key(code, value)) })
        }
        _ => {
            Err("':of-type' takes 'system|code|value' of the identifier's type and value, all three"
                .to_owned())
        }
    }
}

/// Whether a stored token passes.
pub(crate) fn matches(system: SystemTest, code: Option<i64>, stored: (i64, i64)) -> bool {
    let (stored_code, stored_system) = stored;
    let system_passes = match system {
        SystemTest::Any => true,
        SystemTest::None => stored_system == 0,
        SystemTest::Is(key) => stored_system == key,
    };
    system_passes && code.is_none_or(|code| stored_code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_where_the_system_says_so() {
        let stored = |system, code| match row(system, Some(code)) {
            IndexValue::Token { code, system, .. } => (code, system),
            _ => (0, 0),
        };
        let finds = |searched: &str, stored: (i64, i64)| {
            let parts: Vec<String> = searched.split('|').map(str::to_owned).collect();
            parse(&parts).unwrap().iter().any(|test| match test {
                Test::Token { system, code } => matches(*system, *code, stored),
                _ => false,
            })
        };
        let (x, unit) = (stored(Some("s"), "Ab"), stored(Some("http://unitsofmeasure.org"), "Mg"));
        for searched in ["ab", "AB", "s|aB"] {
            assert!(finds(searched, x), "{searched}");
        }
        for searched in ["Mg", "http://unitsofmeasure.org|Mg"] {
            assert!(finds(searched, unit), "{searched}");
        }
        for searched in ["mg", "MG", "http://unitsofmeasure.org|mg"] {
            assert!(!finds(searched, unit), "{searched}");
        }
        assert_eq!(parse(&["mg".to_owned()]).unwrap().len(), 1);
    }
}
