//! Token parameters (`FHIR R4 search.html#token`): codes, identifiers and flags, `code`, `system|code`, `|code`, `system|`.

use super::{Values, string};
use crate::index::hash::text_key;
use crate::index::{Facet, IndexValue};
use crate::resource::json::Json;
use crate::search::query::{SystemTest, Test};

/// The row of a token that has neither code nor system: it only tells that the element is there.
const PRESENT: IndexValue = IndexValue::Token { code: 0, system: 0 };

/// Indexes an element. `implied` is the code system that a binding implies for a `code`.
pub(crate) fn index(element: &Json<'_>, type_: &str, implied: Option<&str>, out: &mut Values) {
    match type_ {
        "CodeableConcept" => {
            let codings = element.get("coding").map(Json::each).unwrap_or_default();
            if codings.is_empty() {
                out.push((Facet::Value, PRESENT));
            }
            for coding in codings {
                index_coding(coding, out);
            }
            text(element, "text", out);
        }
        "Coding" => index_coding(element, out),
        "Identifier" => index_identifier(element, out),
        "ContactPoint" => out.push((Facet::Value, token(element, "value", None))),
        _ => match element {
            Json::Bool(value) => out.push((Facet::Value, simple(if *value { "true" } else { "false" }))),
            Json::String(code) => {
                let system = implied.map_or(0, text_key);
                out.push((Facet::Value, IndexValue::Token { code: text_key(code), system }));
            }
            Json::Number(number) => out.push((Facet::Value, simple(number))),
            Json::Object(_) if element.get("coding").is_some() => {
                index(element, "CodeableConcept", None, out)
            }
            _ => {}
        },
    }
}

/// The token of a code without system.
pub(crate) fn simple(code: &str) -> IndexValue {
    IndexValue::Token { code: text_key(code), system: 0 }
}

fn token(element: &Json<'_>, code: &str, system: Option<&str>) -> IndexValue {
    let key = |member: &str| element.get(member).and_then(Json::as_str).map_or(0, text_key);
    IndexValue::Token { code: key(code), system: system.map_or(0, key) }
}

fn index_coding(coding: &Json<'_>, out: &mut Values) {
    out.push((Facet::Value, token(coding, "code", Some("system"))));
    text(coding, "display", out);
}

/// An identifier: its value, its type's text for `:text`, its type's codes with the value for `:of-type`.
fn index_identifier(identifier: &Json<'_>, out: &mut Values) {
    out.push((Facet::Value, identifier_token(identifier)));
    let Some(type_) = identifier.get("type") else { return };
    text(type_, "text", out);
    let Some(value) = identifier.get("value").and_then(Json::as_str) else { return };
    for coding in type_.get("coding").map(Json::each).unwrap_or_default() {
        if let Some(code) = coding.get("code").and_then(Json::as_str) {
            let system = coding.get("system").and_then(Json::as_str).map_or(0, text_key);
            out.push((
                Facet::OfType,
                IndexValue::Token { code: text_key(&format!("{code}|{value}")), system },
            ));
        }
    }
}

/// The token of an Identifier.
pub(crate) fn identifier_token(identifier: &Json<'_>) -> IndexValue {
    token(identifier, "value", Some("system"))
}

fn text(element: &Json<'_>, member: &str, out: &mut Values) {
    if let Some(text) = element.get(member).and_then(Json::as_str) {
        out.push((Facet::Text, string::value(text)));
    }
}

/// A searched token, its parts already unescaped: `[code]`, `[system, code]`.
///
/// Errors: why it is none.
pub(crate) fn parse(parts: &[String]) -> Result<Test, String> {
    let key = |code: &str| (!code.is_empty()).then(|| text_key(code));
    match parts {
        [code] if !code.is_empty() => Ok(Test::Token { system: SystemTest::Any, code: key(code) }),
        [system, code] if system.is_empty() && !code.is_empty() => {
            Ok(Test::Token { system: SystemTest::None, code: key(code) })
        }
        [system, code] if !system.is_empty() => {
            Ok(Test::Token { system: SystemTest::Is(text_key(system)), code: key(code) })
        }
        _ => {
            Err("a token is 'code', 'system|code', '|code' or 'system|'; write a '|' inside a part as '\\|'"
                .to_owned())
        }
    }
}

/// A searched `:of-type` token, `system|code|value`.
///
/// Errors: why it is none.
pub(crate) fn parse_of_type(parts: &[String]) -> Result<Test, String> {
    match parts {
        [system, code, value] if !code.is_empty() && !value.is_empty() => Ok(Test::Token {
            system: if system.is_empty() { SystemTest::None } else { SystemTest::Is(text_key(system)) },
            code: Some(text_key(&format!("{code}|{value}"))),
        }),
        _ => Err("':of-type' takes 'system|code|value' of the identifier's type and value".to_owned()),
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
