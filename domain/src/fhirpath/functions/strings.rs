//! Strings and regular expressions (`FHIRPath N1 §String Manipulation`). Places are counted in characters; regular
//! expressions take time in proportion to the text.

use super::Invocation;
use crate::fhirpath::MAX_STRING;
use crate::fhirpath::evaluation::{Evaluation, string};
use crate::fhirpath::expression::Expr;
use crate::fhirpath::fault::Fault;
use crate::fhirpath::item::{Collection, Value, count, maybe, text, truth};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use regex::{Regex, RegexBuilder};
use std::borrow::Cow;

/// Most memory of a compiled regular expression, in bytes.
const MAX_REGEX: usize = 1 << 20;

type Answer<'a> = Result<Collection<'a>, Fault>;

/// A subject and an argument.
type Two<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The string that a function is called on, and its first argument.
fn both<'a>(work: &mut Evaluation<'_, 'a>, call: &Invocation<'_, '_, 'a>) -> Result<Option<Two<'a>>, Fault> {
    let (subject, argument) = (string(&call.input)?, call.string(work, 0)?);
    work.spend(subject.as_ref().map_or(0, |subject| subject.len() / 64))?;
    Ok(subject.zip(argument))
}

fn place(text: &str, at: Option<usize>) -> i32 {
    at.and_then(|at| i32::try_from(text.get(..at)?.chars().count()).ok()).unwrap_or(-1)
}

pub(super) fn index_of<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let found = both(work, &call)?.map(|(text, part)| place(&text, text.find(&*part)));
    Ok(maybe(found.map(Value::Integer)))
}

pub(super) fn last_index_of<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let found = both(work, &call)?.map(|(text, part)| place(&text, text.rfind(&*part)));
    Ok(maybe(found.map(Value::Integer)))
}

pub(super) fn substring<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let (subject, start) = (string(&call.input)?, call.integer(work, 0)?);
    let length = call.integer(work, 1)?;
    let (Some(subject), Some(start)) = (subject, start) else { return Ok(Vec::new()) };
    let Ok(start) = usize::try_from(start) else { return Ok(Vec::new()) };
    if start >= subject.chars().count() {
        return Ok(Vec::new());
    }
    let length = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    work.text(subject.chars().skip(start).take(length).collect())
}

pub(super) fn test<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: &Invocation<'_, '_, 'a>,
    of: fn(&str, &str) -> bool,
) -> Answer<'a> {
    Ok(both(work, call)?.map(|(text, part)| truth(of(&text, &part))).unwrap_or_default())
}

pub(super) fn mapped<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: &Invocation<'_, '_, 'a>,
    to: fn(&str) -> String,
) -> Answer<'a> {
    match string(&call.input)? {
        Some(subject) => work.text(to(&subject)),
        None => Ok(Vec::new()),
    }
}

pub(super) fn replace<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let (found, by) = (both(work, &call)?, call.string(work, 1)?);
    let (Some((subject, part)), Some(by)) = (found, by) else { return Ok(Vec::new()) };
    bounded(subject.len(), subject.matches(&*part).count(), by.len())?;
    work.text(subject.replace(&*part, &by))
}

/// Refuses a replacement before it is made, if it would be too long.
fn bounded(length: usize, times: usize, each: usize) -> Result<(), Fault> {
    if length.saturating_add(times.saturating_mul(each)) > MAX_STRING { Err(Fault::limit()) } else { Ok(()) }
}

pub(super) fn matches<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: &Invocation<'_, '_, 'a>,
    full: bool,
) -> Answer<'a> {
    let Some((subject, pattern)) = both(work, call)? else { return Ok(Vec::new()) };
    let flags = call.string(work, 1)?;
    let pattern = if full { format!("^(?:{pattern})$").into() } else { pattern };
    with_regex(call, &pattern, flags.as_deref(), |regex| truth(regex.is_match(&subject)))
}

pub(super) fn replace_matches<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let (found, by) = (both(work, &call)?, call.string(work, 1)?);
    let (Some((subject, pattern)), Some(by)) = (found, by) else { return Ok(Vec::new()) };
    if pattern.is_empty() {
        return Ok(text(subject));
    }
    // `$1` ends where its digits end.
    let by = Regex::new(r"\$(\d+)")
        .map(|group| group.replace_all(&by, "$${$1}").into_owned())
        .map_err(|_| Fault::limit())?;
    let flags = call.string(work, 2)?;
    let replaced = with_regex(&call, &pattern, flags.as_deref(), |regex| {
        let times = regex.find_iter(&subject).count();
        // A group may put the whole text in for each match.
        let each = if by.contains('$') {
            by.len().saturating_mul(subject.len() / times.max(1) + 1)
        } else {
            by.len()
        };
        bounded(subject.len(), times, each).map(|()| regex.replace_all(&subject, &*by).into_owned())
    })?;
    work.text(replaced?)
}

/// What `of` gives of the compiled pattern, which is kept with the call if it is a literal.
fn with_regex<T>(
    call: &Invocation<'_, '_, '_>,
    pattern: &str,
    flags: Option<&str>,
    of: impl FnOnce(&Regex) -> T,
) -> Result<T, Fault> {
    let literal = matches!(call.argument(0), Some(Expr::Literal(_))) && flags.is_none();
    if let Some(regex) = call.call.regex.get().filter(|_| literal) {
        return Ok(of(regex));
    }
    let has = |flag| flags.is_some_and(|flags| flags.contains(flag));
    let regex = RegexBuilder::new(pattern)
        .dot_matches_new_line(true)
        .case_insensitive(has('i'))
        .multi_line(has('m'))
        .size_limit(MAX_REGEX)
        .dfa_size_limit(MAX_REGEX)
        .nest_limit(50)
        .build()
        .map_err(|refused| {
            let why = refused.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Fault::execution(format!("the regular expression is not understood: {why}"))
        })?;
    let result = of(&regex);
    if literal {
        // A race sets it twice to the same.
        let _ = call.call.regex.set(regex);
    }
    Ok(result)
}

pub(super) fn length<'a>(_: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    Ok(string(&call.input)?.map(|subject| count(subject.chars().count())).unwrap_or_default())
}

pub(super) fn to_chars<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let Some(subject) = string(&call.input)? else { return Ok(Vec::new()) };
    work.spend(subject.len())?;
    Ok(subject.chars().flat_map(|c| text(c.to_string())).collect())
}

pub(super) fn split<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let Some((subject, separator)) = both(work, &call)? else { return Ok(Vec::new()) };
    work.spend(subject.matches(&*separator).count())?;
    Ok(subject.split(&*separator).flat_map(|part| text(part.to_owned())).collect())
}

pub(super) fn join<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let separator = call.string(work, 0)?.unwrap_or_default();
    let mut joined = String::new();
    for (at, item) in call.input.iter().enumerate() {
        if at > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&string(std::slice::from_ref(item))?.unwrap_or_default());
        bounded(joined.len(), 0, 0)?;
    }
    if call.input.is_empty() { Ok(Vec::new()) } else { work.text(joined) }
}

pub(super) fn encode<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let Some((subject, form)) = both(work, &call)? else { return Ok(Vec::new()) };
    let encoded = match &*form {
        "hex" => subject.bytes().map(|byte| format!("{byte:02x}")).collect(),
        "base64" => STANDARD.encode(subject.as_bytes()),
        "urlbase64" => URL_SAFE.encode(subject.as_bytes()),
        other => return Err(Fault::execution(format!("there is no encoding '{other}'"))),
    };
    work.text(encoded)
}

/// Empty for what is not encoded in this form, or is no text.
pub(super) fn decode<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let Some((subject, form)) = both(work, &call)? else { return Ok(Vec::new()) };
    let bytes = match &*form {
        "hex" => unhex(&subject),
        "base64" => STANDARD.decode(subject.as_bytes()).ok(),
        "urlbase64" => URL_SAFE.decode(subject.as_bytes()).ok(),
        other => return Err(Fault::execution(format!("there is no encoding '{other}'"))),
    };
    match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(decoded) => work.text(decoded),
        None => Ok(Vec::new()),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect()
}

pub(super) fn escape<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let Some((subject, form)) = both(work, &call)? else { return Ok(Vec::new()) };
    let escaped = match &*form {
        "html" => HTML.iter().fold(subject.into_owned(), |text, (sign, name)| text.replace(sign, name)),
        "json" => {
            let mut quoted = Vec::new();
            crate::resource::json::write_string(&subject, &mut quoted);
            let quoted = String::from_utf8(quoted).unwrap_or_default();
            quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
        }
        other => return Err(Fault::execution(format!("there is no escape '{other}'"))),
    };
    work.text(escaped)
}

/// Signs of HTML and their names; `&` first, so that names are not escaped again.
const HTML: [(&str, &str); 5] =
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];

/// A JSON string of text whose quotes need not be escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut escaped = false;
    for c in text.chars() {
        if c == '"' && !escaped {
            quoted.push('\\');
        }
        escaped = c == '\\' && !escaped;
        quoted.push(c);
    }
    quoted + "\""
}

/// Empty for what is not escaped in this form.
pub(super) fn unescape<'a>(work: &mut Evaluation<'_, 'a>, call: Invocation<'_, '_, 'a>) -> Answer<'a> {
    let Some((subject, form)) = both(work, &call)? else { return Ok(Vec::new()) };
    let plain = match &*form {
        "html" => quick_xml::escape::unescape(&subject).ok().map(Cow::into_owned),
        "json" => {
            let quoted = quoted(&subject);
            crate::resource::json::Json::parse(quoted.as_bytes())
                .ok()
                .and_then(|json| Some(json.as_str()?.to_owned()))
        }
        other => return Err(Fault::execution(format!("there is no escape '{other}'"))),
    };
    match plain {
        Some(plain) => work.text(plain),
        None => Ok(Vec::new()),
    }
}
