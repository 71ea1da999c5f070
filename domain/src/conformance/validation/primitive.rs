//! Values of primitive types: JSON type, format and range (`FHIR R4 datatypes.html#primitive`).

use super::date;
use crate::resource::json::Json;

/// `datatypes.html#string`: strings SHALL NOT exceed 1 MB.
const LONGEST_STRING: usize = 1024 * 1024;

/// Why a value is none of its type.
pub(super) enum Wrong {
    /// The JSON type, with what it should be.
    Kind(&'static str),
    /// The format or range, with what is right.
    Value(&'static str),
}

/// Checks a value of the primitive type `code`, `xhtml` aside.
pub(super) fn check(code: &str, value: &Json<'_>) -> Result<(), Wrong> {
    match code {
        "boolean" => match value {
            Json::Bool(_) => Ok(()),
            _ => Err(Wrong::Kind("true or false, without quotes")),
        },
        "integer" => integer(value, i64::from(i32::MIN), "an integer between -2147483648 and 2147483647"),
        "unsignedInt" => integer(value, 0, "an integer between 0 and 2147483647"),
        "positiveInt" => integer(value, 1, "an integer between 1 and 2147483647"),
        "decimal" => match value {
            Json::Number(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(()),
            Json::Number(_) => Err(Wrong::Value("a decimal that is not larger than 1.7e308")),
            _ => Err(Wrong::Kind("a number, without quotes")),
        },
        _ => match value {
            Json::String(text) => string(code, text).map_err(Wrong::Value),
            _ => Err(Wrong::Kind("a string")),
        },
    }
}

fn integer(value: &Json<'_>, least: i64, expected: &'static str) -> Result<(), Wrong> {
    let Json::Number(text) = value else { return Err(Wrong::Kind("a number, without quotes")) };
    // The JSON grammar leaves only a fraction, an exponent and -0 to refuse.
    let in_range = text.parse::<i64>().is_ok_and(|value| (least..=i64::from(i32::MAX)).contains(&value));
    if in_range && text != "-0" { Ok(()) } else { Err(Wrong::Value(expected)) }
}

fn string(code: &str, text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("not empty; leave the element out instead");
    }
    if text.len() > LONGEST_STRING && code != "base64Binary" {
        return Err("at most 1 MB long");
    }
    let (right, expected) = match code {
        "id" => (is_id(text), "1 to 64 letters, digits, '-' and '.'"),
        "code" => (is_code(text), "a code: no white space at the ends, and single spaces within"),
        "uri" | "url" | "canonical" => (is_uri(text), "a URI, which has no white space"),
        "oid" => (is_oid(text), "an OID like urn:oid:1.2.3"),
        "uuid" => (is_uuid(text), "a UUID like urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
        "date" => (date::is_date(text), "a date that exists: YYYY, YYYY-MM or YYYY-MM-DD"),
        "dateTime" => (
            date::is_date_time(text),
            "a date that exists, or a date and time with seconds and zone like 2015-02-07T13:28:17+02:00",
        ),
        "instant" => {
            (date::is_instant(text), "a date and time with seconds and zone like 2015-02-07T13:28:17Z")
        }
        "time" => (date::is_time(text), "a time hh:mm:ss without zone"),
        "base64Binary" => (is_base64(text), "base64"),
        // string, markdown: datatypes.html#string
        _ => (!text.bytes().any(is_control), "free of control characters other than tab and line ends"),
    };
    if right { Ok(()) } else { Err(expected) }
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Whether `text` is an R4 `id`.
fn is_id(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

fn is_code(text: &str) -> bool {
    let mut after_space = true;
    for character in text.chars() {
        let space = character.is_whitespace();
        if (space && after_space) || character.is_control() {
            return false;
        }
        after_space = space;
    }
    !after_space
}

fn is_uri(text: &str) -> bool {
    !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_oid(text: &str) -> bool {
    let Some(arcs) = text.strip_prefix("urn:oid:") else { return false };
    let is_arc = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|b| b.is_ascii_digit())
            && (arc.len() == 1 || !arc.starts_with('0'))
    };
    let mut arcs = arcs.split('.');
    matches!(arcs.next(), Some("0" | "1" | "2")) && arcs.clone().next().is_some() && arcs.all(is_arc)
}

fn is_uuid(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("urn:uuid:") else { return false };
    uuid.len() == 36
        && uuid.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Groups of four, padded at the end; R4 lets white space stand between.
fn is_base64(text: &str) -> bool {
    let (mut digits, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'=' => padding += 1,
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' if padding == 0 => digits += 1,
            _ => return false,
        }
    }
    digits > 0 && padding <= 2 && (digits + padding).is_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(code: &str, json: &str) -> bool {
        check(code, &Json::parse(json.as_bytes()).unwrap()).is_ok()
    }

    #[test]
    fn formats_and_ranges() {
        let good = [
            ("boolean", "true"),
            ("integer", "-2147483648"),
            ("unsignedInt", "0"),
            ("unsignedInt", "2147483647"),
            ("positiveInt", "1"),
            ("decimal", "1.10"),
            ("decimal", "-1E-7"),
            ("id", "\"a.B-9\""),
            ("code", "\"a b\""),
            ("uri", "\"urn:x\""),
            ("oid", "\"urn:oid:1.2.30\""),
            ("uuid", "\"urn:uuid:c757873d-ec9a-4326-a141-556f43239520\""),
            ("base64Binary", "\"QUJD\\nQUI=\""),
            ("string", "\"a\\r\\n\\tb\""),
            ("markdown", "\" * x\""),
        ];
        for (code, json) in good {
            assert!(right(code, json), "{code} {json}");
        }
        let bad = [
            ("boolean", "\"true\""),
            ("integer", "2147483648"),
            ("integer", "1.0"),
            ("integer", "1e2"),
            ("integer", "-0"),
            ("integer", "\"1\""),
            ("unsignedInt", "-1"),
            ("unsignedInt", "2147483648"),
            ("positiveInt", "0"),
            ("decimal", "1e400"),
            ("decimal", "\"1\""),
            ("id", "\"a_b\""),
            ("id", "\"\""),
            ("code", "\" a\""),
            ("code", "\"a  b\""),
            ("code", "\"a \""),
            ("uri", "\"a b\""),
            ("oid", "\"urn:oid:3.1\""),
            ("oid", "\"urn:oid:1.02\""),
            ("oid", "\"urn:oid:1\""),
            ("oid", "\"1.2.3\""),
            ("uuid", "\"c757873d-ec9a-4326-a141-556f43239520\""),
            ("base64Binary", "\"QUI\""),
            ("base64Binary", "\"Q=UI\""),
            ("base64Binary", "\"====\""),
            ("base64Binary", "\"QU-_\""),
            ("string", "\"\""),
            ("string", "\"a\\u0000\""),
            ("string", "\"\\u0007\""),
            ("string", "1"),
            ("string", "{}"),
            ("dateTime", "\"2023-02-29\""),
        ];
        for (code, json) in bad {
            assert!(!right(code, json), "{code} {json}");
        }
        assert!(!right("id", &format!("\"{}\"", "a".repeat(65))));
        assert!(!right("string", &format!("\"{}\"", "a".repeat(LONGEST_STRING + 1))));
    }
}
