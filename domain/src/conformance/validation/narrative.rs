//! Narrative: the basic XHTML that R4 permits (`narrative.html`, txt-1, txt-2), with nothing active or from outside.

use super::place::Place;
use super::structure::Walk;
use crate::error::ErrorCode;
use quick_xml::Reader;
use quick_xml::escape::{resolve_html5_entity, unescape_with};
use quick_xml::events::{BytesStart, Event};

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Elements of txt-1, and those of HTML 4.0 chapters 7 to 11 and 15 that its XPath forgets.
const ELEMENTS: [&str; 57] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "area",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "map",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "font",
];

/// Attributes of txt-1, and the XML ones.
const ATTRIBUTES: [&str; 58] = [
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "bgcolor",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "clear",
    "colspan",
    "compact",
    "coords",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "hspace",
    "id",
    "lang",
    "longdesc",
    "name",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "title",
    "type",
    "usemap",
    "valign",
    "value",
    "vspace",
    "width",
    "xml:lang",
    "xml:space",
    "xmlns",
    "color",
    "face",
    "size",
    "target",
];

/// Deepest nesting of elements in one narrative.
const DEEPEST: usize = 100;

impl Walk<'_> {
    /// Checks the text of `Narrative.div`.
    pub(super) fn narrative(&mut self, div: &str, place: &Place<'_>) {
        if let Err(why) = check(div) {
            self.fault(ErrorCode::InvalidValue, place, || {
                format!("The narrative is not permitted XHTML: {why}.")
            });
        }
    }
}

/// Whether the text of a `Narrative.div` is permitted XHTML.
pub fn is_narrative(div: &str) -> bool {
    check(div).is_ok()
}

/// Why the narrative is refused.
type Fault = String;

fn check(div: &str) -> Result<(), Fault> {
    let mut reader = Reader::from_str(div.trim());
    let (mut depth, mut roots, mut has_content) = (0_usize, 0, false);
    loop {
        match reader.read_event().map_err(|error| format!("it is not well-formed ({error})"))? {
            Event::Start(tag) => {
                roots += u32::from(depth == 0);
                has_content |= element(&tag, depth)?;
                depth += 1;
                if depth > DEEPEST {
                    return Err(format!("it is nested more than {DEEPEST} levels deep"));
                }
            }
            Event::Empty(tag) => {
                roots += u32::from(depth == 0);
                has_content |= element(&tag, depth)?;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) => {
                let blank = text.iter().all(u8::is_ascii_whitespace);
                if depth == 0 && !blank {
                    return Err("there is text outside of the div".to_owned());
                }
                has_content |= !blank;
            }
            Event::GeneralRef(reference) => {
                if depth == 0 {
                    return Err("there is text outside of the div".to_owned());
                }
                has_content |= entity(&reference)?;
            }
            Event::CData(text) => {
                // Where XHTML is read as HTML, this is no text: the first '>' ends it, and markup follows.
                if text.iter().any(|byte| matches!(byte, b'<' | b'>')) {
                    return Err("it holds markup in a CDATA section".to_owned());
                }
                has_content |= !text.iter().all(u8::is_ascii_whitespace);
            }
            Event::Comment(text) => comment(&text)?,
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                return Err("it holds an XML declaration, DOCTYPE or processing instruction".to_owned());
            }
            Event::Eof => break,
        }
    }
    match (depth, roots, has_content) {
        (1.., _, _) => Err("an element is not closed".to_owned()),
        (_, 1, true) => Ok(()),
        (_, 1, false) => Err("it has neither text nor an image (txt-2)".to_owned()),
        _ => Err("it is one div element".to_owned()),
    }
}

/// Checks one start tag; whether it is an image, which counts as content.
fn element(tag: &BytesStart<'_>, depth: usize) -> Result<bool, Fault> {
    let name = tag.name();
    let name = std::str::from_utf8(name.as_ref()).unwrap_or_default();
    if !ELEMENTS.contains(&name) {
        return Err(format!("the element '{name}' is not allowed (txt-1)"));
    }
    if depth == 0 && name != "div" {
        return Err("it is one div element".to_owned());
    }
    let mut namespace = None;
    let mut has_source = false;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("it is not well-formed ({error})"))?;
        let key = std::str::from_utf8(attribute.key.as_ref()).unwrap_or_default();
        if !ATTRIBUTES.contains(&key) {
            return Err(format!("the attribute '{key}' is not allowed (txt-1)"));
        }
        let value = attribute
            .unescape_value_with(resolve_html5_entity)
            .map_err(|error| format!("the attribute '{key}' is not well-formed ({error})"))?;
        match key {
            "xmlns" => namespace = Some(value == XHTML),
            "src" => {
                has_source = true;
                source(&value)?;
            }
            "href" | "cite" | "longdesc" | "usemap" => link(&value)?,
            "style" => style(&value)?,
            _ => {}
        }
    }
    match namespace {
        Some(false) => Err(format!("its namespace is not {XHTML}")),
        None if depth == 0 => Err(format!("the div needs xmlns=\"{XHTML}\"")),
        _ => Ok(name == "img" && has_source),
    }
}

/// Refuses what ends a comment where XHTML is read as HTML, so that markup follows (`HTML 13.1.6`), and what XML forbids.
fn comment(text: &[u8]) -> Result<(), Fault> {
    let text = String::from_utf8_lossy(text);
    if text.starts_with('>') || text.starts_with("->") || text.contains("--") || text.ends_with('-') {
        return Err("a comment begins with '>' or holds '--'".to_owned());
    }
    Ok(())
}

/// Whether an entity is content; it is a character by its number, or by a name of HTML's.
fn entity(reference: &[u8]) -> Result<bool, Fault> {
    let reference = String::from_utf8_lossy(reference);
    let text = unescape_with(&format!("&{reference};"), resolve_html5_entity)
        .map_err(|error| format!("it holds a malformed entity ({error})"))?
        .into_owned();
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err("it holds a control character".to_owned());
    }
    Ok(!text.chars().all(char::is_whitespace))
}

/// A URL as a browser reads it: white space and control characters do not count.
fn plain(url: &str) -> String {
    url.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

/// The scheme of a [`plain`] URL.
fn scheme(url: &str) -> Option<String> {
    let end = url.find([':', '/', '?', '#'])?;
    (url.as_bytes().get(end) == Some(&b':')).then(|| url.get(..end).unwrap_or_default().to_ascii_lowercase())
}

/// An image comes from the resource or the server it is on, never from outside.
fn source(url: &str) -> Result<(), Fault> {
    let url = plain(url);
    let inside = match scheme(&url).as_deref() {
        Some("data") => url.get(..10).is_some_and(|head| head.eq_ignore_ascii_case("data:image")),
        Some(_) => false,
        None => !url.starts_with("//") && !url.contains('\\'),
    };
    if inside { Ok(()) } else { Err("an image comes from outside the resource".to_owned()) }
}

/// A link may lead anywhere a person can follow it, but runs nothing.
fn link(url: &str) -> Result<(), Fault> {
    match scheme(&plain(url)).as_deref() {
        Some("javascript" | "vbscript" | "data") => Err("a link holds a script".to_owned()),
        _ => Ok(()),
    }
}

/// Styles neither load nor run anything. Escapes and comments could hide that, so they are refused too.
fn style(style: &str) -> Result<(), Fault> {
    let plain: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    // An image that is in the style itself comes from nowhere else (HL7's own narratives have them).
    let plain =
        plain.replace("url(data:image/", "").replace("url('data:image/", "").replace("url(\"data:image/", "");
    let active = [
        "url(",
        "expression(",
        "javascript:",
        "@import",
        "behavior:",
        "-moz-binding",
        "\\",
        "/*",
        "image(",
        "image-set(",
        "src(",
    ];
    if active.iter().any(|part| plain.contains(part)) {
        return Err("a style loads or runs something".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrative(inner: &str) -> String {
        format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inner}</div>")
    }

    #[test]
    fn basic_formatting_is_permitted() {
        for inner in [
            "x",
            "<p class=\"a\" style=\"color: red\">a &amp; b&nbsp;&#233;</p>",
            "<img src=\"#pic\" alt=\"\"/>",
            "<a href=\"https://nhs.uk\">x</a>",
            "<img src=\"data:image/png;base64,AA==\"/>",
            "<!-- c -->x",
            "<table><tr><td colspan='2'>1</td></tr></table>",
            "<img src=\"pic.png\"/>",
            "<p style=\"background-image: url(data: image/png;base64,AA==)\">x</p>",
        ] {
            assert_eq!(check(&narrative(inner)), Ok(()), "{inner}");
        }
    }

    #[test]
    fn anything_active_external_or_malformed_is_refused() {
        for inner in [
            "<script>x</script>",
            "<p onclick=\"x\">x</p>",
            "<iframe src=\"x\"/>x",
            "<a href=\"javascript:x\">x</a>",
            "<a href=\"java&#10;script:x\">x</a>",
            "<a href=\" JaVaScRiPt:x\">x</a>",
            "<img src=\"http://x/y.png\"/>",
            "<img src=\"//x/y.png\"/>",
            "<img src=\"data:text/html,x\"/>",
            "<p style=\"background:url(x)\">x</p>",
            "<p style=\"width:e\\xpression(x)\">x</p>",
            "<p>x",
            "<p>x</b>",
            "",
            " \n ",
            "<form>x</form>",
            "<object/>x",
            "<P>x</P>",
            "<svg xmlns=\"http://www.w3.org/2000/svg\">x</svg>",
            "<style>x</style>",
            "x < y",
            "<p xmlns=\"urn:x\">x</p>",
            "<p a='1' a='2'>x</p>",
            "<x:p>x</x:p>",
            "<?php x ?>x",
        ] {
            assert!(check(&narrative(inner)).is_err(), "{inner}");
        }
        for whole in [
            "x",
            "",
            "<div>x</div>",
            "<p xmlns=\"http://www.w3.org/1999/xhtml\">x</p>",
            "<!DOCTYPE div [<!ENTITY a \"b\">]><div xmlns=\"http://www.w3.org/1999/xhtml\">&a;</div>",
            "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div><div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>",
        ] {
            assert!(check(whole).is_err(), "{whole}");
        }
        assert!(check(&narrative(&("<div>".repeat(200) + "x" + &"</div>".repeat(200)))).is_err());
    }
}
