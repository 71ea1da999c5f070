//! Random changes to the structure of a resource, of the kinds that programs and people make.

use crate::resource::json::{Json, Object};
use std::borrow::Cow;
use tests::storm::Random;

/// Values put in the place of others.
const VALUES: [&str; 40] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1",
    "-0",
    "1.0",
    "1.50",
    "1e2",
    "1e400",
    "2147483648",
    "4294967296",
    "99999999999999999999",
    "\"\"",
    "\"x\"",
    "\" \"",
    "\"a b\"",
    "\"true\"",
    "\"1\"",
    "\"\\u0000\"",
    "\"\\n\"",
    "\"2020\"",
    "\"2020-13\"",
    "\"2020-02-30\"",
    "\"2020-01-01T10:00:00Z\"",
    "\"10:00\"",
    "\"10:00:00\"",
    "\"urn:oid:1\"",
    "\"urn:uuid:1\"",
    "\"####\"",
    "\"QUI=\"",
    "[]",
    "{}",
    "[null]",
    "[{}]",
    "[[\"x\"]]",
    "{\"id\":\"x\"}",
    "{\"resourceType\":\"Patient\"}",
    "{\"extension\":[{\"url\":\"urn:x\",\"valueCode\":\"y\"}]}",
];

/// Endings of choice types, and of what is none.
const TYPES: [&str; 22] = [
    "String",
    "Boolean",
    "Integer",
    "Decimal",
    "Code",
    "Coding",
    "CodeableConcept",
    "Quantity",
    "Period",
    "Range",
    "Ratio",
    "DateTime",
    "Date",
    "Time",
    "Instant",
    "Reference",
    "Attachment",
    "Identifier",
    "Uri",
    "Age",
    "Timing",
    "Nothing",
];

/// Member names that stand in many places.
const NAMES: [&str; 14] = [
    "id",
    "extension",
    "modifierExtension",
    "resourceType",
    "_id",
    "_extension",
    "contained",
    "text",
    "meta",
    "value",
    "_value",
    "fhir_comments",
    "reference",
    "valueString",
];

/// Makes one random change somewhere in `tree`.
pub(super) fn change(tree: &mut Json<'_>, random: &mut Random) {
    let subtree = node(tree, random.below(size(tree))).clone().into_owned();
    let name = some_name(tree, random);
    let at = random.below(size(tree));
    match (random.below(9), node(tree, at)) {
        (0..=5, Json::Object(object)) if !object.is_empty() => members(object, random, name, subtree),
        (0..=5, Json::Array(items)) => elements(items, random, subtree),
        (_, place) => value(place, random, subtree),
    }
}

/// A member of an object goes, changes its name, comes twice, changes places, gets a companion, or is added.
fn members<'a>(object: &mut Object<'a>, random: &mut Random, name: String, subtree: Json<'static>) {
    let names: Vec<String> = object.iter().map(|(name, _)| name.to_owned()).collect();
    let chosen = random.of(&names).clone();
    let take = |object: &mut Object<'a>| object.remove(&chosen).unwrap_or(Json::Null);
    match random.below(9) {
        0 => drop(take(object)),
        1 => {
            let value = take(object);
            object.push(name, value);
        }
        2 => {
            let stem = chosen.rfind(|c: char| c.is_ascii_uppercase()).map_or(&*chosen, |at| &chosen[..at]);
            let renamed = format!("{stem}{}", random.of(&TYPES));
            let value = take(object);
            object.push(renamed, value);
        }
        3 => {
            let copy = object.get(&chosen).cloned().unwrap_or(Json::Null);
            object.push(chosen, copy);
        }
        4 => {
            let (value, other) = (take(object), random.of(&names).clone());
            let swapped = object.remove(&other).unwrap_or(Json::Null);
            object.push(other, value);
            object.push(chosen, swapped);
        }
        5 => {
            let companion = Json::parse(random.of(&VALUES).as_bytes()).unwrap();
            let list = matches!(object.get(&chosen), Some(Json::Array(_)));
            object.push(format!("_{chosen}"), if list { Json::Array(vec![companion]) } else { companion });
        }
        6 => object.push(name, subtree),
        7 => object.push(name, Json::parse(random.of(&VALUES).as_bytes()).unwrap()),
        _ => {
            let value = take(object);
            object.push(chosen.to_uppercase(), value);
        }
    }
}

/// An element of an array goes, comes twice, is null, or another joins it; or all go.
fn elements<'a>(items: &mut Vec<Json<'a>>, random: &mut Random, subtree: Json<'static>) {
    match (random.below(5), items.first().cloned()) {
        (0, Some(first)) => items.push(first),
        (1, Some(_)) => drop(items.pop()),
        (2, _) => items.push(Json::Null),
        (3, _) => items.push(subtree),
        _ => items.clear(),
    }
}

/// A value becomes another, a list, no list, or slightly different text.
fn value<'a>(place: &mut Json<'a>, random: &mut Random, subtree: Json<'static>) {
    let old = std::mem::replace(place, Json::Null);
    *place = match (random.below(6), old) {
        (0, old) => Json::Array(vec![old]),
        (1, Json::Array(items)) => items.into_iter().next().unwrap_or(Json::Null),
        (1, _) => subtree,
        (2, Json::String(text)) => {
            Json::from(format!("{text}{}", random.of(&[" ", "x", "\n", "#", "/", "-01", "Z", "é"])))
        }
        (3, Json::String(text)) => Json::String(Cow::Owned(text.chars().skip(1).collect())),
        (4, Json::String(text)) => Json::from(text.to_uppercase()),
        (4, Json::Number(text)) => Json::from(text.into_owned()),
        _ => Json::parse(random.of(&VALUES).as_bytes()).unwrap(),
    };
}

/// The name of a member: one that the resource has somewhere, or a common one.
fn some_name(tree: &mut Json<'_>, random: &mut Random) -> String {
    let at = random.below(size(tree));
    match node(tree, at) {
        Json::Object(object) if !object.is_empty() => {
            let at = random.below(object.len());
            object.iter().nth(at).map(|(name, _)| name.to_owned()).unwrap()
        }
        _ => (*random.of(&NAMES)).to_owned(),
    }
}

/// How many values a tree has, itself included.
fn size(tree: &Json<'_>) -> usize {
    1 + match tree {
        Json::Array(items) => items.iter().map(size).sum(),
        Json::Object(object) => object.iter().map(|(_, value)| size(value)).sum(),
        _ => 0,
    }
}

/// The value `at` of a tree, in the order of the document.
fn node<'t, 'a>(tree: &'t mut Json<'a>, at: usize) -> &'t mut Json<'a> {
    let inside: Option<(usize, usize)> = if at == 0 { None } else { find(tree, at) };
    match (inside, tree) {
        (Some((child, rest)), Json::Array(items)) => node(&mut items[child], rest),
        (Some((child, rest)), Json::Object(object)) => node(object.iter_mut().nth(child).unwrap().1, rest),
        (_, tree) => tree,
    }
}

/// Which child of `tree` the value `at` is in, and its place there.
fn find(tree: &Json<'_>, at: usize) -> Option<(usize, usize)> {
    let sizes: Vec<usize> = match tree {
        Json::Array(items) => items.iter().map(size).collect(),
        Json::Object(object) => object.iter().map(|(_, value)| size(value)).collect(),
        _ => return None,
    };
    let mut before = 1;
    for (child, size) in sizes.into_iter().enumerate() {
        if at < before + size {
            return Some((child, at - before));
        }
        before += size;
    }
    None
}
