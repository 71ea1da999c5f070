//! From the text of an expression to tokens (`FHIRPath N1 §Lexical Elements`).

use super::fault::{Fault, FaultKind};
use super::temporal::Temporal;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// `12`
    Integer(String),
    /// `1.50`
    Decimal(String),
    /// `'text'`, unescaped.
    String(String),
    /// `@2015-02`, `@T14:30`
    Temporal(Temporal),
    /// `name`
    Identifier(String),
    /// `` `name` ``, unescaped: never a keyword.
    Delimited(String),
    /// `%name`
    Variable(String),
    /// `$this`, `$index`, `$total`, without the sign.
    Special(&'static str),
    /// An operator or bracket.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// Operators and brackets; of two with the same start, the longer first.
const SYMBOLS: [&str; 26] = [
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "|", "&", "<", ">",
    "=", "~", ":", ";", "?", "!",
];

/// The tokens of `text` with the byte at which each begins; the last is [`Token::End`].
///
/// Errors: [`FaultKind::Syntax`].
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Fault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.space()?;
        let from = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push((from, token));
        if end {
            return Ok(tokens);
        }
    }
}

/// A syntax fault at byte `at` of `text`.
pub(super) fn syntax(text: &str, at: usize, message: impl Into<String>) -> Fault {
    let position = text.get(..at).map_or(0, |before| before.chars().count()) + 1;
    Fault { position: Some(position), ..Fault::new(FaultKind::Syntax, message) }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fault(&self, message: &str) -> Fault {
        syntax(self.text, self.at, message)
    }

    /// Goes past the longest start whose characters all satisfy `wanted`, and returns it.
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let taken: String = self.rest().chars().take_while(|&c| wanted(c)).collect();
        self.at += taken.len();
        taken
    }

    /// Goes past white space and comments.
    fn space(&mut self) -> Result<(), Fault> {
        loop {
            self.take(|c| c.is_whitespace());
            if self.rest().starts_with("//") {
                self.take(|c| c != '\n' && c != '\r');
            } else if self.rest().starts_with("/*") {
                match self.rest().find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return Err(self.fault("a comment does not end")),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, Fault> {
        let Some(first) = self.rest().chars().next() else { return Ok(Token::End) };
        match first {
            '0'..='9' => Ok(self.number()),
            'A'..='Z' | 'a'..='z' | '_' => Ok(Token::Identifier(self.word())),
            '\'' => self.quoted('\'').map(Token::String),
            '`' => self.quoted('`').map(Token::Delimited),
            '@' => self.temporal(),
            '$' => {
                self.at += 1;
                match self.word().as_str() {
                    "this" => Ok(Token::Special("this")),
                    "index" => Ok(Token::Special("index")),
                    "total" => Ok(Token::Special("total")),
                    _ => Err(self.fault("only $this, $index and $total begin with $")),
                }
            }
            '%' => {
                self.at += 1;
                match self.rest().chars().next() {
                    Some('`') => self.quoted('`').map(Token::Variable),
                    Some('\'') => self.quoted('\'').map(Token::Variable),
                    Some('A'..='Z' | 'a'..='z' | '_') => Ok(Token::Variable(self.word())),
                    _ => Err(self.fault("expected the name of a variable after %")),
                }
            }
            _ => match SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol)) {
                Some(symbol) => {
                    self.at += symbol.len();
                    Ok(Token::Symbol(symbol))
                }
                None => Err(self.fault("there is no such sign in FHIRPath")),
            },
        }
    }

    fn word(&mut self) -> String {
        self.take(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn number(&mut self) -> Token {
        let mut number = self.take(|c| c.is_ascii_digit());
        let mut after = self.rest().chars();
        // `1.abs()` is an integer and a call.
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            number.push('.');
            number += &self.take(|c| c.is_ascii_digit());
            return Token::Decimal(number);
        }
        Token::Integer(number)
    }

    /// Text between two `quote`s, whose first is next.
    fn quoted(&mut self, quote: char) -> Result<String, Fault> {
        let begin = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            text += &self.take(|c| c != quote && c != '\\');
            match self.rest().chars().next() {
                Some('\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => {
                    self.at += 1;
                    return Ok(text);
                }
                None => return Err(syntax(self.text, begin, "a quoted text does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let Some(kind) = self.rest().chars().next() else { return Err(self.fault("an escape does not end")) };
        self.at += kind.len_utf8();
        Ok(match kind {
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' | '/' | '\'' | '"' | '`' => kind,
            'u' => return self.code_point(),
            _ => return Err(self.fault("there is no such escape")),
        })
    }

    /// The character of `\uXXXX`, or of a surrogate pair.
    fn code_point(&mut self) -> Result<char, Fault> {
        let first = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            self.at += 2;
            let second = self.hex4()?;
            0x10000 + ((first - 0xd800) << 10) + second.wrapping_sub(0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.fault("a surrogate stands alone"))
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let code = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.fault("\\u needs four hexadecimal digits"))
    }

    /// `@2015`, `@2015-02-04T14:34:28.123+10:00`, `@2015T`, `@T14:34`
    fn temporal(&mut self) -> Result<Token, Fault> {
        let begin = self.at;
        self.at += 1;
        let mut text = String::new();
        let time_only = self.rest().starts_with('T');
        if !time_only {
            text += &self.take(|c| c.is_ascii_digit() || c == '-');
        }
        if self.rest().starts_with('T') {
            self.at += 1;
            text.push('T');
            text += &self.take(|c| c.is_ascii_digit() || c == ':');
            let fraction = text.len() > 1
                && self.rest().starts_with('.')
                && self.rest().chars().nth(1).is_some_and(|c| c.is_ascii_digit());
            if fraction {
                self.at += 1;
                text.push('.');
                text += &self.take(|c| c.is_ascii_digit());
            }
            if !time_only && self.rest().starts_with('Z') {
                self.at += 1;
                text.push('Z');
            } else if !time_only && self.offset_follows() {
                text += self.rest().get(..6).unwrap_or_default();
                self.at += 6;
            }
        }
        Temporal::literal(&text).map(Token::Temporal).ok_or_else(|| {
            syntax(self.text, begin, format!("'@{text}' is not a date, time or date with time"))
        })
    }

    /// Whether `+10:00` is next: `-` may also be the operator.
    fn offset_follows(&self) -> bool {
        let form = self.rest().bytes().take(6).map(|b| match b {
            b'0'..=b'9' => b'0',
            b'-' => b'+',
            other => other,
        });
        form.eq(*b"+00:00")
    }
}
