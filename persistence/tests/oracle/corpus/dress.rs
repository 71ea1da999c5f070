//! What published resources seldom have and searches look for: typed identifiers, logical references, versioned
//! canonicals, positions, tags, and Lists, Groups and ValueSets of what is in the ward.

use super::pick::Pick;
use super::ward::{Resource, resource};
use domain::resource::json::{Json, Object, write_string};

/// What ValueSets are made to list, by where each stands.
const SETS: usize = 4;

/// Lists and Groups, each.
const LISTS: usize = 3;

/// Adds to some elements of a resource what they may have.
pub(super) fn dress(mut tree: Json<'static>, pick: &mut Pick) -> Json<'static> {
    inner(&mut tree, pick);
    let Some(object) = tree.as_object_mut() else { return tree };
    if pick.one_in(3) {
        let tag = pick.text(&["red", "green", "blue"]);
        let meta = format!(
            r#"{{"tag":[{{"system":"urn:tag","code":"{tag}","display":"Tagged {tag}"}}],"source":"http://feed.example/{tag}/1",
                "profile":["http://p.example/{tag}{}"],"security":[{{"code":"{}"}}]}}"#,
            pick.text(&["", "|1.2", "|1.3"]),
            pick.text(&["R", "V", "N"]),
        );
        object.set("meta", json(&meta));
    }
    if object.str("resourceType") == Some("Location") {
        object.set("position", position(pick));
    }
    tree
}

fn json(text: &str) -> Json<'static> {
    Json::parse(text.as_bytes()).unwrap().into_owned()
}

/// Somewhere near Leeds, or beside the date line.
fn position(pick: &mut Pick) -> Json<'static> {
    let east = pick.text(&["-1.54", "-1.55", "-1.6", "-1.49"]);
    let (north, east) = match pick.below(5) {
        0 => (pick.text(&["0", "0.01"]), pick.text(&["179.99", "-179.99"])),
        _ => (pick.text(&["53.80", "53.81", "53.85", "53.9"]), east),
    };
    json(&format!(r#"{{"longitude":{east},"latitude":{north}}}"#))
}

fn inner(node: &mut Json<'static>, pick: &mut Pick) {
    match node {
        Json::Array(items) => items.iter_mut().for_each(|item| inner(item, pick)),
        Json::Object(object) => {
            object.iter_mut().for_each(|(_, value)| inner(value, pick));
            let refers = object.str("reference").is_some() && object.get("identifier").is_none();
            if refers && pick.one_in(6) {
                let number = pick.below(4);
                object.set("identifier", json(&format!(r#"{{"system":"urn:o","value":"{number}"}}"#)));
                if pick.one_in(3) {
                    object.remove("reference");
                }
            }
            // Identifiers and what looks like them: ContactPoints have a code for a system.
            let system = object.str("system").is_some_and(|system| system.contains(':'));
            if system && object.str("value").is_some() && object.get("type").is_none() && pick.one_in(3) {
                let code = pick.text(&["MR", "SS"]);
                let type_ = format!(
                    r#"{{"coding":[{{"system":"urn:y","code":"{code}","display":"Number {code}"}}]}}"#
                );
                object.set("type", json(&type_));
            }
            canonicals(object, pick);
        }
        _ => {}
    }
}

/// Versions on canonicals that have none.
fn canonicals(object: &mut Object<'static>, pick: &mut Pick) {
    for (name, value) in object.iter_mut() {
        let of_definitions =
            name.starts_with("instantiates") || name.ends_with("Canonical") || name == "valueSet";
        let Json::String(text) = value else { continue };
        if of_definitions && text.starts_with("http") && !text.contains('|') && pick.one_in(2) {
            *text = format!("{text}|{}", pick.text(&["1", "1.2", "2"])).into();
        }
    }
}

/// Lists, Groups and ValueSets of what these resources are and have.
pub(super) fn made(all: &[Resource], pick: &mut Pick) -> Vec<Resource> {
    let mut texts = Vec::new();
    for number in 0..LISTS {
        let entries: Vec<String> = (0..1 + pick.below(30)).filter_map(|_| pick.of(all)).map(name).collect();
        let items: Vec<String> =
            entries.iter().map(|name| format!(r#"{{"item":{{"reference":"{name}"}}}}"#)).collect();
        texts.push(format!(
            r#"{{"resourceType":"List","id":"made-{number}","status":"current","mode":"working","entry":[{}]}}"#,
            items.join(",")
        ));
        let mut member = |_| {
            let name = pick.of(all).map(name)?;
            let inactive = if pick.one_in(4) { r#","inactive":true"# } else { "" };
            Some(format!(r#"{{"entity":{{"reference":"{name}"}}{inactive}}}"#))
        };
        let members: Vec<String> = (0..10).filter_map(&mut member).collect();
        texts.push(format!(
            r#"{{"resourceType":"Group","id":"made-{number}","type":"person","actual":true,"member":[{}]}}"#,
            members.join(",")
        ));
        texts.push(format!(
            r#"{{"resourceType":"Location","id":"made-{number}","status":"active","name":"Ward {number}","position":{}}}"#,
            String::from_utf8_lossy(&position(pick).to_vec())
        ));
    }
    let mut codes = Vec::new();
    all.iter().for_each(|one| codings(&one.tree, &mut codes));
    codes.sort_unstable();
    codes.dedup();
    texts.extend((0..SETS).map(|number| set(number, &codes, pick)));
    texts.iter().filter_map(|text| resource(json(text))).collect()
}

fn name(one: &Resource) -> String {
    format!("{}/{}", one.type_, one.id)
}

/// System and code of all Codings, as they are.
fn codings<'j>(node: &'j Json<'static>, found: &mut Vec<(&'j str, &'j str)>) {
    match node {
        Json::Array(items) => items.iter().for_each(|item| codings(item, found)),
        Json::Object(object) => {
            if let (Some(system), Some(code)) = (object.str("system"), object.str("code")) {
                found.push((system, code));
            }
            object.iter().for_each(|(_, value)| codings(value, found));
        }
        _ => {}
    }
}

/// A ValueSet of some of these codes; the first two share their URL and differ in their version.
fn set(number: usize, codes: &[(&str, &str)], pick: &mut Pick) -> String {
    let quoted = |text: &str| {
        let mut out = Vec::new();
        write_string(text, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    let include = |(system, code): &(&str, &str)| {
        format!(r#"{{"system":{},"concept":[{{"code":{}}}]}}"#, quoted(system), quoted(code))
    };
    let includes: Vec<String> = codes.iter().filter(|_| pick.one_in(3)).map(include).collect();
    let url = number / 2;
    format!(
        r#"{{"resourceType":"ValueSet","id":"made-{number}","status":"active","url":"http://v.example/sets/{url}","version":"{number}",
            "compose":{{"include":[{}]}}}}"#,
        includes.join(",")
    )
}
