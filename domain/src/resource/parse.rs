//! Reads JSON text (`RFC 8259`) into the tree of [`json`](super::json): strictly, to a bounded depth, borrowing where it can.

use super::json::{Json, MAX_DEPTH, Object};
use crate::error::{Error, ErrorCode};
use std::borrow::Cow;

/// Parses one document that fills `text`.
///
/// Errors: [`ErrorCode::MalformedBody`] with line and column.
pub(super) fn parse(text: &[u8]) -> Result<Json<'_>, Error> {
    let text = std::str::from_utf8(text)
        .map_err(|e| malformed(format!("byte {} is not UTF-8", e.valid_up_to() + 1)))?;
    let mut reader = Reader { text, at: 0 };
    let document = reader.value(0).and_then(|value| {
        reader.space();
        if reader.at == text.len() {
            Ok(value)
        } else {
            Err("there is text after the end of the document".into())
        }
    });
    document.map_err(|why| {
        let before = text.get(..reader.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        malformed(format!("line {line}, column {column}: {why}"))
    })
}

fn malformed(why: String) -> Error {
    Error::new(ErrorCode::MalformedBody, format!("The body is not valid JSON: {why}."))
}

/// Why the text is not JSON.
type Fault = Cow<'static, str>;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Goes past `byte` after white space.
    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        self.space();
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(match self.peek() {
            None => "the document ends too early".into(),
            Some(_) => format!("expected '{}'", char::from(byte)).into(),
        })
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, Fault> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} levels deep").into());
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err("expected a value".into()),
            None => Err("the document ends too early".into()),
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, Fault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err("expected a value".into());
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, Fault> {
        self.at += 1;
        let mut object = Object::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(object));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err("expected a member name in double quotes".into());
            }
            let name = self.string()?;
            self.expect(b':')?;
            let value = self.value(depth + 1)?;
            object.push(name, value);
            self.space();
            if self.peek() == Some(b',') {
                self.at += 1;
            } else {
                self.expect(b'}')?;
                return Ok(Json::Object(object));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json<'a>, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.peek() == Some(b',') {
                self.at += 1;
            } else {
                self.expect(b']')?;
                return Ok(Json::Array(items));
            }
        }
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err("expected a digit".into()) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Json<'a>, Fault> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err("a number may not start with 0".into());
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Json::Number(Cow::Borrowed(self.text.get(from..self.at).unwrap_or_default())))
    }

    /// Reads a string, whose opening quote is next; copies only if it has escapes.
    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.at += 1;
        let mut from = self.at;
        let mut copy: Option<String> = None;
        loop {
            let run = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.at += run.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20).unwrap_or(run.len());
            let text = self.text.get(from..self.at).unwrap_or_default();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(match copy {
                        None => Cow::Borrowed(text),
                        Some(copy) => Cow::Owned(copy + text),
                    });
                }
                Some(b'\\') => {
                    let copy = copy.get_or_insert_default();
                    copy.push_str(text);
                    self.at += 1;
                    copy.push(self.escape()?);
                    from = self.at;
                }
                Some(_) => return Err("a string holds a control character; write it as an escape".into()),
                None => return Err("a string does not end".into()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let byte = self.peek();
        self.at += 1;
        Ok(match byte {
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(b),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(),
            _ => return Err("there is no such escape".into()),
        })
    }

    /// The character of `\uXXXX`, or of a surrogate pair.
    fn code_point(&mut self) -> Result<char, Fault> {
        let lone = || Fault::from("a surrogate stands alone");
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff => {
                if self.text.get(self.at..self.at + 2) != Some("\\u") {
                    return Err(lone());
                }
                self.at += 2;
                let second = self.hex4()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(lone());
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(lone)
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        self.at += 4;
        digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| "\\u needs four hexadecimal digits".into())
    }
}
