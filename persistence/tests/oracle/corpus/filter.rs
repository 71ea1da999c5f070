//! `_filter` expressions that may find a resource.

use super::criterion::{near, one, parameter, set};
use super::pick::Pick;
use super::ward::Ward;
use domain::conformance::SearchKind;

/// Prefixes of values, which an operator stands for in a filter.
const PREFIXES: [&str; 9] = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/// An expression of one to three comparisons.
pub(super) fn filter(ward: &Ward, place: usize, pick: &mut Pick) -> Option<String> {
    let mut text = (0..6).find_map(|_| comparison(ward, place, pick, 2))?;
    for _ in 0..pick.of(&[0, 0, 1, 2]).copied().unwrap_or_default() {
        let Some(other) = comparison(ward, place, pick, 1) else { continue };
        text = match pick.below(5) {
            0 => format!("({text}) or not ({other})"),
            1 => format!("{other} and ({text})"),
            2 => format!("not ({text}) and {other}"),
            _ => format!("{text} {} {other}", pick.text(&["and", "or"])),
        };
    }
    Some(text)
}

/// `path operator value`; the path leads over as many as `links` references.
fn comparison(ward: &Ward, place: usize, pick: &mut Pick, links: usize) -> Option<String> {
    if links > 0 && pick.one_in(3) {
        let link = *pick.of(ward.links.to(place))?;
        let rest = comparison(ward, link.place, pick, links - 1)?;
        let inner = match pick.one_in(3) {
            true => format!("[{}]", comparison(ward, link.place, pick, 0)?),
            false => String::new(),
        };
        return Some(format!("{}{inner}.{rest}", link.parameter.code));
    }
    let resource = ward.at(place);
    if resource.type_ == "Location" && pick.one_in(4) {
        return Some(format!("near eq {}", near(pick)));
    }
    let parameter = parameter(ward, place, pick)?;
    let operator = match parameter.kind {
        SearchKind::String => pick.text(&["eq", "ne", "co", "sw", "ew", "gt", "le"]),
        SearchKind::Token => pick.text(&["eq", "eq", "ne", "in", "ni", "pr"]),
        SearchKind::Reference => pick.text(&["eq", "re", "re", "pr"]),
        SearchKind::Uri => pick.text(&["eq", "ne", "sw", "co", "ew"]),
        SearchKind::Date => pick.text(&["eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb", "po", "co"]),
        SearchKind::Number | SearchKind::Quantity => pick.text(&PREFIXES),
        SearchKind::Composite | SearchKind::Special => "eq",
    };
    let value = match operator {
        "pr" => pick.text(&["true", "false"]).to_owned(),
        "in" | "ni" => set(ward, pick),
        _ => one(resource, parameter, "", pick)?,
    };
    let bare = match parameter.kind {
        SearchKind::Date | SearchKind::Number | SearchKind::Quantity => {
            PREFIXES.iter().find_map(|prefix| value.strip_prefix(prefix)).unwrap_or(&value)
        }
        _ => &value,
    };
    let quoted = bare.replace('\\', r"\\").replace('"', "\\\"");
    Some(format!("{} {operator} \"{quoted}\"", parameter.code))
}
