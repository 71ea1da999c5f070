//! Values to search for, read from a resource along the members that a parameter's expression names: plainer than
//! extraction, and of its own.

use super::pick::Pick;
use domain::conformance::SearchKind;
use domain::resource::json::Json;

/// The elements that the expression of a parameter of `type_` leads to, followed by its members alone.
pub(super) fn elements<'j>(expression: &str, type_: &str, tree: &'j Json<'j>) -> Vec<&'j Json<'j>> {
    let mut found = Vec::new();
    for branch in expression.split(" | ") {
        let branch = branch.trim_matches([' ', '(', ')']);
        let branch = branch.split(" as ").next().unwrap_or(branch).split(" and ").next().unwrap_or(branch);
        let mut members = members(branch);
        if members.first().is_some_and(|first| first.starts_with(char::is_uppercase)) {
            let base = members.remove(0);
            if ![type_, "Resource", "DomainResource"].contains(&base.as_str()) {
                continue;
            }
        }
        let mut here = vec![tree];
        for member in members {
            here = here.into_iter().flat_map(|node| below(node, &member)).collect();
        }
        found.extend(here);
    }
    found
}

/// The names of a path, without its functions.
fn members(path: &str) -> Vec<String> {
    let (mut members, mut depth, mut name) = (Vec::new(), 0, String::new());
    for letter in path.chars().chain(['.']) {
        match letter {
            '(' => {
                depth += 1;
                name.clear();
            }
            ')' => {
                depth -= 1;
                name.clear();
            }
            _ if depth > 0 => {}
            '.' => {
                if !name.is_empty() && name != "%resource" {
                    members.push(std::mem::take(&mut name));
                }
                name.clear();
            }
            '[' | ']' | ' ' => {}
            letter => name.push(letter),
        }
    }
    members
}

/// What a member holds, of whatever type where there is a choice.
fn below<'j>(node: &'j Json<'j>, member: &str) -> Vec<&'j Json<'j>> {
    let Some(object) = node.as_object() else { return Vec::new() };
    let is = |name: &str| {
        name == member
            || name
                .strip_prefix(member)
                .is_some_and(|rest| rest.starts_with(char::is_uppercase) && member != "multiple")
    };
    object.iter().filter(|(name, _)| is(name)).flat_map(|(_, value)| value.each()).collect()
}

/// A value that a parameter of `kind` may find `element` by, or narrowly not.
pub(super) fn of(kind: SearchKind, element: &Json<'_>, pick: &mut Pick) -> Option<String> {
    match kind {
        SearchKind::String => text(element, pick),
        SearchKind::Token => token(element, pick),
        SearchKind::Reference => reference(element, pick),
        SearchKind::Date => date(element, pick),
        SearchKind::Number => number(element, pick),
        SearchKind::Quantity => quantity(element, pick),
        SearchKind::Uri => element.as_str().map(|text| cut(escape(text).as_str(), pick)),
        SearchKind::Composite | SearchKind::Special => None,
    }
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if ['\\', ',', '$', '|'].contains(&letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// Often the whole, else what it begins with or a little more.
fn cut(text: &str, pick: &mut Pick) -> String {
    match pick.below(8) {
        0 => format!("{text}/x"),
        1 => {
            let length = text.chars().count();
            let kept: String = text.chars().take(1 + pick.below(length)).collect();
            kept.trim_end_matches(['\\', '/']).to_owned()
        }
        _ => text.to_owned(),
    }
}

/// All texts in an element.
pub(super) fn texts<'j>(element: &'j Json<'j>, found: &mut Vec<&'j str>) {
    match element {
        Json::String(text) => found.push(text),
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Json::Object(object) => object.iter().for_each(|(_, value)| texts(value, found)),
        _ => {}
    }
}

/// What `:text` looks at: a text, a display, or what an identifier's type says; often without its end.
pub(super) fn shown(element: &Json<'_>, pick: &mut Pick) -> Option<String> {
    let codings = element.get("coding").map(Json::each).unwrap_or_default();
    let type_ = element.get("type").and_then(|type_| type_.get("coding")).map(Json::each).unwrap_or_default();
    let displays = codings.iter().chain(type_).chain([element]).filter_map(|coding| coding.get("display"));
    let all: Vec<&Json<'_>> = element.get("text").into_iter().chain(displays).collect();
    pick.of(&all).and_then(|shown| text(shown, pick))
}

/// A text of an element as it is written.
pub(super) fn whole(element: &Json<'_>, pick: &mut Pick) -> Option<String> {
    let mut all = Vec::new();
    texts(element, &mut all);
    pick.of(&all).map(|text| escape(text)).filter(|text| !text.trim().is_empty())
}

/// A URI that one is below, or that is above it; sometimes by a letter not.
pub(super) fn around(text: &str, modifier: &str, pick: &mut Pick) -> String {
    let (url, version) = text.split_once('|').map_or((text, None), |(url, version)| (url, Some(version)));
    if modifier == ":above" {
        let further = pick.text(&["", "/more", "/more/still", "more"]);
        return escape(&format!("{url}{further}"));
    }
    // The version of a canonical stands after a bar of its own.
    if let Some(version) = version.filter(|_| pick.one_in(2)) {
        let length = 1 + pick.below(version.len());
        return format!("{}|{}", escape(url), version.get(..length).unwrap_or(version));
    }
    let parts: Vec<&str> = url.split('/').collect();
    let kept = 3 + pick.below(parts.len().saturating_sub(2));
    escape(&parts.into_iter().take(kept).collect::<Vec<_>>().join("/"))
}

fn text(element: &Json<'_>, pick: &mut Pick) -> Option<String> {
    let mut all = Vec::new();
    texts(element, &mut all);
    let whole: String = (*pick.of(&all)?).chars().take(60).collect();
    let words: Vec<&str> = whole.split_whitespace().collect();
    Some(match pick.below(6) {
        0 => escape(&whole),
        1 => escape(&whole.to_uppercase()),
        2 => escape(pick.of(&words)?),
        _ => {
            let length = whole.chars().count();
            escape(whole.chars().take(1 + pick.below(length.min(6))).collect::<String>().trim())
        }
    })
    .filter(|text| !text.trim().is_empty())
}

fn token(element: &Json<'_>, pick: &mut Pick) -> Option<String> {
    let part = |name: &str| element.get(name).and_then(Json::as_str).map(escape);
    if let Some(codings) = element.get("coding") {
        return token(pick.of(codings.each())?, pick);
    }
    let code = match element {
        Json::String(text) => escape(text),
        Json::Bool(value) => value.to_string(),
        _ => part("code").or_else(|| part("value")).or_else(|| part("reference"))?,
    };
    let system = part("system");
    Some(match (pick.below(6), system) {
        (0, Some(system)) => format!("{system}|"),
        (1 | 2, Some(system)) => format!("{system}|{code}"),
        (3, _) => format!("|{code}"),
        _ => code,
    })
}

fn reference(element: &Json<'_>, pick: &mut Pick) -> Option<String> {
    let text = element.as_str().or_else(|| element.get("reference").and_then(Json::as_str))?;
    // The bar before a canonical's version is none of its text.
    let text = escape(text).replace("\\|", "|");
    Some(match pick.below(4) {
        0 => text.rsplit('/').next().unwrap_or_default().to_owned(),
        1 if !text.contains("://") => format!("{}/{text}", super::super::world::BASE),
        _ => text,
    })
    .filter(|text| !text.is_empty())
}

const PREFIXES: [&str; 12] = ["", "", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

fn date(element: &Json<'_>, pick: &mut Pick) -> Option<String> {
    let mut all = Vec::new();
    texts(element, &mut all);
    let dates: Vec<&str> = all
        .into_iter()
        .filter(|text| text.get(..4).is_some_and(|year| year.parse::<u16>().is_ok()))
        .collect();
    let date = *pick.of(&dates)?;
    let length = [4, 7, 10, date.len()];
    let cut = date.get(..*pick.of(&length)?).unwrap_or(date);
    // A time zone's plus is a plus here: nothing is decoded.
    Some(format!("{}{cut}", pick.text(&PREFIXES)))
}

fn amount(text: &str, pick: &mut Pick) -> String {
    let text = match pick.below(5) {
        0 => text.split('.').next().unwrap_or(text).to_owned(),
        1 if text.contains('.') => format!("{text}0"),
        2 if !text.contains(['e', 'E']) => format!("{text}e0"),
        _ => text.to_owned(),
    };
    format!("{}{text}", pick.text(&PREFIXES))
}

fn number(element: &Json<'_>, pick: &mut Pick) -> Option<String> {
    match element {
        Json::Number(text) => Some(amount(text, pick)),
        Json::Object(object) => {
            let inner: Vec<&Json<'_>> = object.iter().map(|(_, value)| value).collect();
            let inner = pick.of(&inner)?;
            number(inner, pick)
        }
        _ => None,
    }
}

fn quantity(element: &Json<'_>, pick: &mut Pick) -> Option<String> {
    let Some(Json::Number(value)) = element.get("value") else {
        let inner = element.get(pick.text(&["low", "high", "numerator"]))?;
        return quantity(inner, pick);
    };
    let part = |name: &str| element.get(name).and_then(Json::as_str).map(escape);
    let value = amount(value, pick);
    Some(match (pick.below(3), part("system"), part("code").or(part("unit"))) {
        (0, Some(system), Some(code)) => format!("{value}|{system}|{code}"),
        (1, _, Some(code)) => format!("{value}||{code}"),
        _ => value,
    })
}
