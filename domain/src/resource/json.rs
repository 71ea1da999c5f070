//! The tree of a FHIR JSON document: order, duplicate keys and numbers are kept as they were written.
//!
//! serde_json's `Value` would drop duplicate keys, which are a fault we must name, and write `1e3` as `1e+3`;
//! hence the small reader in `parse`.

use crate::error::Error;
use std::borrow::Cow;

/// A JSON value. Text is borrowed from the document where it has no escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written: `1.10` stays `1.10`.
    Number(Cow<'a, str>),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// A JSON object: its members in document order, duplicates included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// The deepest nesting a document may have.
pub const MAX_DEPTH: usize = 100;

impl<'a> Object<'a> {
    /// An object without members.
    pub const fn new() -> Self {
        Object(Vec::new())
    }

    /// The first member named `key`.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The first member named `key`, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json<'a>> {
        self.0.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text of the string member `key`.
    pub fn str(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Json::as_str)
    }

    /// Replaces the member `key`, or adds it at the end.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: Json<'a>) {
        let key = key.into();
        match self.get_mut(&key) {
            Some(old) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Puts a member at position `at` (or the end), without looking for one of the same name.
    pub fn insert_at(&mut self, at: usize, key: impl Into<Cow<'a, str>>, value: Json<'a>) {
        let at = at.min(self.0.len());
        self.0.insert(at, (key.into(), value));
    }

    /// Takes out every member named `key` and returns the first.
    pub fn remove(&mut self, key: &str) -> Option<Json<'a>> {
        let mut first = None;
        self.0.retain_mut(|(name, value)| {
            let hit = name == key;
            if hit && first.is_none() {
                first = Some(std::mem::replace(value, Json::Null));
            }
            !hit
        });
        first
    }

    /// Members in document order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// Members in document order, to change their values.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Json<'a>)> {
        self.0.iter_mut().map(|(key, value)| (&**key, value))
    }

    /// Adds a member at the end without looking for one of the same name.
    pub fn push(&mut self, key: impl Into<Cow<'a, str>>, value: Json<'a>) {
        self.0.push((key.into(), value));
    }

    /// How many members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Json<'a> {
    /// Parses one document (`RFC 8259`), which must be UTF-8 and end where the value ends.
    ///
    /// Errors: [`ErrorCode::MalformedBody`](crate::ErrorCode::MalformedBody), with line and column.
    pub fn parse(text: &'a [u8]) -> Result<Json<'a>, Error> {
        super::parse::parse(text)
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, to change it.
    pub fn as_object_mut(&mut self) -> Option<&mut Object<'a>> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Json<'a>]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The first member `key` of an object.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.as_object().and_then(|object| object.get(key))
    }

    /// `resourceType` of a resource.
    pub fn resource_type(&self) -> Option<&str> {
        self.get("resourceType").and_then(Json::as_str)
    }

    /// The values to iterate when an element may be single or repeated: an array's elements, or the value itself.
    pub fn each(&self) -> &[Json<'a>] {
        match self {
            Json::Array(items) => items,
            single => std::slice::from_ref(single),
        }
    }

    /// A copy that borrows nothing.
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Json::Null => Json::Null,
            Json::Bool(value) => Json::Bool(value),
            Json::Number(text) => Json::Number(Cow::Owned(text.into_owned())),
            Json::String(text) => Json::String(Cow::Owned(text.into_owned())),
            Json::Array(items) => Json::Array(items.into_iter().map(Json::into_owned).collect()),
            Json::Object(object) => Json::Object(Object(
                object
                    .0
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            )),
        }
    }

    /// Appends the document, without white space, to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Json::Null => out.extend_from_slice(b"null"),
            Json::Bool(true) => out.extend_from_slice(b"true"),
            Json::Bool(false) => out.extend_from_slice(b"false"),
            Json::Number(text) => out.extend_from_slice(text.as_bytes()),
            Json::String(text) => write_string(text, out),
            Json::Array(items) => {
                out.push(b'[');
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Json::Object(object) => {
                out.push(b'{');
                for (n, (key, value)) in object.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    write_string(key, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The document, without white space.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        self.write(&mut out);
        out
    }
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        Json::String(Cow::Borrowed(text))
    }
}

impl From<String> for Json<'_> {
    fn from(text: String) -> Self {
        Json::String(Cow::Owned(text))
    }
}

/// Appends `text` as a JSON string, quotes included.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..=0x1f => b"",
            _ => continue,
        };
        out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        if escape.is_empty() {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        } else {
            out.extend_from_slice(escape);
        }
        from = at + 1;
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn a_document_comes_back_as_written() {
        let text = r#"{"a":1.10,"b":[1e3,1E+3,-0.0,true,null,"x\"\\\n\u0001é😀"],"a":{"c":{}},"n":123456789012345678901234567890}"#;
        let tree = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(tree.to_vec()).unwrap(), text);
        assert_eq!(tree.get("a"), Some(&Json::Number("1.10".into())));
    }

    #[test]
    fn escapes_are_read() {
        let tree = Json::parse(br#" "\u00e9\/\ud83d\ude00\b\f\t" "#).unwrap();
        assert_eq!(tree.as_str(), Some("é/😀\u{8}\u{c}\t"));
    }

    #[test]
    fn what_is_not_one_json_document_is_refused() {
        let refused = [
            "",
            "{",
            "{} {}",
            "[1,]",
            "01",
            "+1",
            "-",
            "1.",
            ".5",
            "1e",
            "{a:1}",
            "\u{feff}{}",
            "\"\\ud800\"",
            "nul",
            "{\"a\"}",
            "{\"a\":1,}",
            "\"\\x\"",
            "\"\n\"",
            "\"abc",
            "[1 2]",
            "{\"a\":1 \"b\":2}",
            "\"\\ud800\\u0041\"",
            "truex",
            "\"\\u12g4\"",
        ];
        for text in refused {
            assert_eq!(Json::parse(text.as_bytes()).unwrap_err().code(), ErrorCode::MalformedBody, "{text}");
        }
        assert!(Json::parse(b"\"\xff\"").is_err());
        let deep = "[".repeat(100_000);
        assert!(Json::parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_fault_is_located() {
        let error = Json::parse(b"{\n  \"a\": tru\n}").unwrap_err();
        assert!(error.to_string().contains("line 2, column 8"), "{error}");
    }
}
