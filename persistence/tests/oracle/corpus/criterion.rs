//! Criteria that may find a resource: by what it has itself, by what it refers to, by what refers to it.

use super::filter;
use super::links::Link;
use super::pick::Pick;
use super::value;
use super::ward::{Resource, Ward};
use domain::conformance::definitions::SearchParameter;
use domain::conformance::{Definitions, SearchKind};
use domain::resource::json::Json;

/// Name and value of a parameter.
pub(super) type Pair = (String, String);

/// Which way the links of a criterion lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From references to what they are to.
    To,
    /// From what is referred to back.
    From,
    /// Either, link by link.
    Both,
}

/// A criterion that may find the resource at `place`, over as many as `links` references.
pub(super) fn criterion(ward: &Ward, place: usize, pick: &mut Pick, links: usize) -> Option<Pair> {
    let way = *pick.of(&[Way::To, Way::To, Way::From, Way::Both, Way::Both])?;
    linked(ward, place, pick, (links, way))
}

fn linked(ward: &Ward, place: usize, pick: &mut Pick, (links, way): (usize, Way)) -> Option<Pair> {
    let back = way == Way::From || (way == Way::Both && pick.one_in(2));
    let further = links.checked_sub(1).and_then(|links| match back {
        true => has(ward, place, pick, (links, way)),
        false => chain(ward, place, pick, (links, way)),
    });
    further.or_else(|| own(ward, place, pick))
}

/// One of a few links, of which the next leads on if any does and that is wanted.
fn link(ward: &Ward, all: &[Link], pick: &mut Pick, (links, way): (usize, Way)) -> Option<Link> {
    let some: Vec<Link> = (0..6).filter_map(|_| pick.of(all)).copied().collect();
    let leads = |link: &&Link| match way {
        Way::From => !ward.links.from(link.place).is_empty(),
        _ => !ward.links.to(link.place).is_empty(),
    };
    some.iter().find(|link| links == 0 || leads(link)).or(some.first()).copied()
}

fn chain(ward: &Ward, place: usize, pick: &mut Pick, rest: (usize, Way)) -> Option<Pair> {
    let Link { parameter, place: target } = link(ward, ward.links.to(place), pick, rest)?;
    let (rest, value) = linked(ward, target, pick, rest)?;
    let typed = if pick.one_in(3) { String::new() } else { format!(":{}", ward.at(target).type_) };
    Some((format!("{}{typed}.{rest}", parameter.code), value))
}

fn has(ward: &Ward, place: usize, pick: &mut Pick, rest: (usize, Way)) -> Option<Pair> {
    let Link { parameter, place: source } = link(ward, ward.links.from(place), pick, rest)?;
    let (rest, value) = linked(ward, source, pick, rest)?;
    Some((format!("_has:{}:{}:{rest}", ward.at(source).type_, parameter.code), value))
}

/// By what the resource has itself.
fn own(ward: &Ward, place: usize, pick: &mut Pick) -> Option<Pair> {
    let resource = ward.at(place);
    match pick.below(24) {
        0 => Some(("_id".to_owned(), resource.id.clone())),
        1 => {
            let prefix = pick.text(&["ge", "lt", "sa", "ne", "le", "gt", "eb", ""]);
            let minute = pick.text(&["13", "14", "15", "17", "17:40"]);
            Some(("_lastUpdated".to_owned(), format!("{prefix}2023-11-14T22:{minute}Z")))
        }
        2 => words(resource, pick),
        3 | 4 => member_of(ward, place, pick),
        5..=7 => filter::filter(ward, place, pick).map(|text| ("_filter".to_owned(), text)),
        8 => {
            let parameter = parameter(ward, place, pick)?;
            Some((format!("{}:missing", parameter.code), pick.text(&["true", "false"]).to_owned()))
        }
        9 => {
            // One that it need not have.
            let parameter = pick.of(Definitions::r4().parameters_of(resource.type_))?;
            Some((format!("{}:missing", parameter.code), pick.text(&["true", "false"]).to_owned()))
        }
        10 => of_type(ward, place, pick),
        _ if resource.type_ == "Location" && pick.one_in(3) => Some(("near".to_owned(), near(pick))),
        _ => (0..8).find_map(|_| valued(ward, place, pick)),
    }
}

/// A parameter that the resource has elements of; kinds come up alike.
pub(super) fn parameter(ward: &Ward, place: usize, pick: &mut Pick) -> Option<&'static SearchParameter> {
    pick.of(ward.links.parameters(place)).and_then(|kind| pick.of(kind)).copied()
}

/// By the value of a parameter, with a modifier it takes; sometimes by another's value too.
fn valued(ward: &Ward, place: usize, pick: &mut Pick) -> Option<Pair> {
    let resource = ward.at(place);
    let parameter = parameter(ward, place, pick)?;
    let modifier = match parameter.kind {
        SearchKind::String => pick.text(&["", "", ":exact", ":contains"]),
        SearchKind::Token => {
            pick.text(&["", "", "", "", ":not", ":text", ":of-type", ":of-type", ":in", ":in", ":not-in"])
        }
        SearchKind::Reference => {
            pick.text(&["", "", "", ":type", ":identifier", ":identifier", ":below", ":above"])
        }
        SearchKind::Uri => pick.text(&["", "", ":below", ":above"]),
        _ => "",
    };
    if matches!(modifier, ":in" | ":not-in") {
        // Codes that ValueSets list have systems.
        let elements = value::elements(&parameter.expression, resource.type_, &resource.tree);
        elements.iter().find(|element| element.as_object().is_some())?;
        return Some((format!("{}{modifier}", parameter.code), set(ward, pick)));
    }
    let mut found = vec![one(resource, parameter, modifier, pick)?];
    while pick.one_in(5) {
        // Of others too: any of the values may be met.
        let other = ward.any(pick, Some(resource.type_))?;
        found.extend(one(ward.at(other), parameter, modifier, pick));
    }
    let name = match modifier {
        ":type" => {
            let target =
                found.first()?.split('/').next().filter(|type_| type_.starts_with(char::is_uppercase))?;
            let name = format!("{}:{target}", parameter.code);
            let ids = found.iter().filter_map(|value| value.strip_prefix(&format!("{target}/")));
            return Some((name, ids.collect::<Vec<_>>().join(",")));
        }
        modifier => format!("{}{modifier}", parameter.code),
    };
    Some((name, found.join(",")))
}

/// A ValueSet as it is named: by its place, its URL, or its URL and version.
pub(super) fn set(ward: &Ward, pick: &mut Pick) -> String {
    let mut sets = (0..6).filter_map(|_| ward.any(pick, Some("ValueSet"))).map(|place| ward.at(place));
    // Mostly of those that list what is there.
    let Some(set) = sets.find(|set| set.id.starts_with("made")) else { return "ValueSet/none".to_owned() };
    drop(sets);
    let part = |name: &str| set.tree.get(name).and_then(Json::as_str).map(value::escape);
    let versioned = || Some(format!("{}|{}", part("url")?, part("version")?));
    let named = match pick.below(3) {
        0 => part("url"),
        1 => versioned(),
        _ => None,
    };
    named.unwrap_or_else(|| format!("ValueSet/{}", set.id))
}

fn words(resource: &Resource, pick: &mut Pick) -> Option<Pair> {
    let whole = pick.one_in(2).then(|| resource.tree.get("text")).flatten().unwrap_or(&resource.tree);
    let mut texts = Vec::new();
    value::texts(whole, &mut texts);
    let mut word = || {
        let text = pick.of(&texts).filter(|text| text.contains(' '))?;
        let all: Vec<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
        pick.of(&all).filter(|word| word.len() > 2).map(|word| (*word).to_owned())
    };
    let (first, second) = ((0..20).find_map(|_| word())?, (0..20).find_map(|_| word())?);
    let value = match pick.below(5) {
        0 => format!("{first} or {second}"),
        1 => format!("({first} OR {second}) and {second}"),
        2 => format!("{first},{second}"),
        _ => first,
    };
    Some((pick.text(&["_text", "_content", "_content"]).to_owned(), value))
}

/// By a List or Group that it is in; by any where it is in none.
fn member_of(ward: &Ward, place: usize, pick: &mut Pick) -> Option<Pair> {
    let holders: Vec<&Resource> = ward.links.from(place).iter().map(|link| ward.at(link.place)).collect();
    let holders: Vec<&Resource> =
        holders.into_iter().filter(|one| matches!(one.type_, "List" | "Group" | "CareTeam")).collect();
    let holder = match pick.of(&holders) {
        Some(holder) => holder,
        None if !pick.one_in(4) => return None,
        None => {
            let type_ = pick.text(&["List", "Group"]);
            ward.at(ward.any(pick, Some(type_))?)
        }
    };
    let named = format!("{}/{}", holder.type_, holder.id);
    Some(match pick.below(3) {
        0 if holder.type_ == "List" => ("_list".to_owned(), holder.id.clone()),
        1 => ("_in".to_owned(), format!("{named},{}", holder.id)),
        _ if holder.type_ == "List" => ("_list".to_owned(), named),
        _ => ("_in".to_owned(), named),
    })
}

/// A circle about where wards are put.
pub(super) fn near(pick: &mut Pick) -> String {
    let (north, east) = match pick.below(4) {
        0 => ("0", pick.text(&["180", "-179.995", "179.99"])),
        _ => (pick.text(&["53.8", "53.81", "53.86", "-53.8"]), pick.text(&["-1.55", "-1.54", "-1.5"])),
    };
    let distance = pick.text(&["", "|0", "|1", "|3|km", "|800|m", "|6.5|km", "|4|[mi_us]", "|20000"]);
    format!("{north}|{east}{distance}")
}

/// A value of a parameter with a modifier.
pub(super) fn one(
    resource: &Resource,
    parameter: &SearchParameter,
    modifier: &str,
    pick: &mut Pick,
) -> Option<String> {
    let elements = value::elements(&parameter.expression, resource.type_, &resource.tree);
    let element = *pick.of(&elements)?;
    match modifier {
        ":text" => return value::shown(element, pick),
        ":exact" => return value::whole(element, pick),
        ":identifier" => {
            let named = elements.iter().filter_map(|element| element.get("identifier")).collect::<Vec<_>>();
            return value::of(SearchKind::Token, pick.of(&named)?, pick);
        }
        ":of-type" => return typed(&elements, pick),
        ":type" => {
            let literal = element.get("reference").and_then(Json::as_str)?;
            return (!literal.contains(':')).then(|| value::escape(literal));
        }
        ":below" | ":above" => {
            // A reference's are those of canonicals.
            let text = element.as_str().filter(|text| text.starts_with("http"))?;
            return Some(value::around(text, modifier, pick));
        }
        _ => {}
    }
    if parameter.kind != SearchKind::Composite {
        return value::of(parameter.kind, element, pick);
    }
    let parts = parameter.components.iter().map(|component| {
        let inner = value::elements(&component.expression, "", element);
        let kind = Definitions::r4().parameter_of(component.parameter).kind;
        value::of(kind, pick.of(&inner)?, pick)
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("$"))
}

/// By an identifier and its type.
fn of_type(ward: &Ward, place: usize, pick: &mut Pick) -> Option<Pair> {
    let resource = ward.at(place);
    let kinds = ward.links.parameters(place).iter().flatten();
    kinds.filter(|parameter| parameter.kind == SearchKind::Token).find_map(|parameter| {
        let elements = value::elements(&parameter.expression, resource.type_, &resource.tree);
        Some((format!("{}:of-type", parameter.code), typed(&elements, pick)?))
    })
}

/// `system|code|value` of an identifier that has a type.
fn typed(elements: &[&Json<'_>], pick: &mut Pick) -> Option<String> {
    let typed: Vec<_> = elements.iter().filter(|element| element.get("type").is_some()).collect();
    let element = pick.of(&typed)?;
    let coding = element.get("type")?.get("coding")?.each().first()?;
    let part = |node: &Json<'_>, name| node.get(name).and_then(Json::as_str).map(value::escape);
    Some(format!("{}|{}|{}", part(coding, "system")?, part(coding, "code")?, part(element, "value")?))
}
