//! Escapes in search values (`FHIR R4 search.html#escaping`): `\,`, `\|`, `\$` and `\\`.

/// Splits `text` at every `separator` without a backslash before it. Escapes stay.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut escaped = false;
    let mut from = 0;
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == separator {
            parts.push(text.get(from..at).unwrap_or_default());
            from = at + character.len_utf8();
        }
    }
    parts.push(text.get(from..).unwrap_or_default());
    parts
}

/// What is wrong with the escapes of a value: a backslash stands before `,`, `|`, `$` or `\\` alone.
pub(super) fn fault(text: &str) -> Option<&'static str> {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' && !matches!(characters.next(), Some(',' | '|' | '$' | '\\')) {
            return Some(
                "a backslash escapes ',', '|', '$' or another backslash; write '\\\\' for one that stands for itself",
            );
        }
    }
    None
}

/// Takes the escapes out. A backslash before anything else stands for itself.
pub(super) fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\\'
            && let Some(next) = characters.next_if(|next| matches!(next, ',' | '|' | '$' | '\\'))
        {
            out.push(next);
        } else {
            out.push(character);
        }
    }
    out
}

/// Splits at `|` and takes the escapes out of the parts.
pub(super) fn parts(text: &str) -> Vec<String> {
    split(text, '|').into_iter().map(unescape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_separators_do_not_separate() {
        assert_eq!(split(r"a\,b,c\\,d", ','), [r"a\,b", r"c\\", "d"]);
        assert_eq!(parts(r"http://x|a\|b\$"), ["http://x", "a|b$"]);
        assert_eq!(unescape(r"a\nb\"), r"a\nb\");
        assert_eq!(split("", ','), [""]);
    }
}
