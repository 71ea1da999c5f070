//! R4 invariants that are checked without the FHIRPath engine, and NHS numbers. Each rule's key stands in its message.

use super::place::Place;
use super::structure::Walk;
use super::{NhsNumbers, nhs_number};
use crate::error::{ErrorCode, Issue};
use crate::fhirpath::Temporal;
use crate::resource::json::{Json, Object};
use rustc_hash::FxHashSet;
use std::cmp::Ordering;

impl Walk<'_> {
    /// The rules of the structure `name` over its value `object`.
    pub(super) fn rules(&mut self, name: &str, object: &Object<'_>, place: &Place<'_>) {
        match name {
            "Bundle" => self.bundle(object, place),
            "Extension" => self.extension(object, place),
            "Identifier" => self.identifier(object, place),
            "Period" => self.period(object, place),
            "Observation" => self.observation(object, place),
            _ => {}
        }
    }

    fn extension(&mut self, object: &Object<'_>, place: &Place<'_>) {
        let has =
            |prefix: &str| object.iter().any(|(key, _)| key.trim_start_matches('_').starts_with(prefix));
        match (has("value"), has("extension")) {
            (true, true) => {
                self.broken(place, "ext-1: an extension has either a value or nested extensions, not both.")
            }
            (false, false) => self.broken(place, "ext-1: an extension has a value or nested extensions."),
            _ => {}
        }
    }

    fn identifier(&mut self, object: &Object<'_>, place: &Place<'_>) {
        let Some(value) = object.str("value").filter(|_| object.str("system") == Some(nhs_number::SYSTEM))
        else {
            return;
        };
        if nhs_number::is_valid(value) {
            return;
        }
        let place = &place.member("value");
        let message = "An NHS number is ten digits, the last of which is the right check digit.";
        match self.settings.nhs_numbers {
            NhsNumbers::Refuse => self.fault(ErrorCode::InvalidNhsNumber, place, || message.to_owned()),
            NhsNumbers::Warn => {
                let warning = Issue::warning(ErrorCode::InvalidNhsNumber, message).at(place.path());
                self.report.warnings.push(warning);
            }
        }
    }

    /// per-1, where it is certain which is later.
    fn period(&mut self, object: &Object<'_>, place: &Place<'_>) {
        let (Some(start), Some(end)) = (object.str("start"), object.str("end")) else { return };
        // Written to one precision in one zone, the order of texts is that of time.
        let alike =
            start.len() == end.len() && (start.len() <= 10 || start.ends_with('Z') && end.ends_with('Z'));
        let after = if alike {
            start > end
        } else {
            let times = Temporal::date_time(start).zip(Temporal::date_time(end));
            times.and_then(|(start, end)| start.compare(end)) == Some(Ordering::Greater)
        };
        if after {
            self.broken(place, "per-1: a period's start is not after its end.");
        }
    }

    /// obs-6.
    fn observation(&mut self, object: &Object<'_>, place: &Place<'_>) {
        let has_value = object.iter().any(|(key, _)| key.starts_with("value"));
        if has_value && object.get("dataAbsentReason").is_some() {
            self.broken(place, "obs-6: dataAbsentReason is only present when there is no value.");
        }
    }

    /// dom-2, dom-3 and the ids of contained resources (`references.html#contained`).
    pub(super) fn contained_rules(&mut self, resource: &Object<'_>, place: &Place<'_>) {
        let Some(contained) = resource.get("contained").and_then(Json::as_array) else { return };
        let mut mentioned = FxHashSet::default();
        resource.iter().for_each(|(_, value)| fragments(value, &mut mentioned));
        let list = place.member("contained");
        for (at, inner) in contained.iter().enumerate() {
            let place = list.item(at);
            if inner.get("contained").is_some() {
                self.broken(&place, "dom-2: a contained resource contains no other; put them side by side.");
            }
            match inner.get("id").and_then(Json::as_str) {
                None => {
                    self.broken(&place, "A contained resource has an id, by which it is referred to as #id.")
                }
                Some(id) if !mentioned.contains(id) && !refers_to_container(inner) => {
                    self.broken(
                        &place,
                        "dom-3: a contained resource is referred to from elsewhere in the resource.",
                    );
                }
                Some(_) => {}
            }
        }
    }

    pub(super) fn broken(&mut self, place: &Place<'_>, rule: &'static str) {
        self.fault(ErrorCode::Invariant, place, || rule.to_owned());
    }
}

/// Every text of the resource that starts with `#`, without it: fragments of references, uris, urls and canonicals.
fn fragments<'v>(value: &'v Json<'_>, found: &mut FxHashSet<&'v str>) {
    match value {
        Json::String(text) => found.extend(text.strip_prefix('#')),
        Json::Array(items) => items.iter().for_each(|item| fragments(item, found)),
        Json::Object(object) => object.iter().for_each(|(_, member)| fragments(member, found)),
        _ => {}
    }
}

fn refers_to_container(contained: &Json<'_>) -> bool {
    match contained {
        Json::String(text) => text == "#",
        Json::Array(items) => items.iter().any(refers_to_container),
        Json::Object(object) => object.iter().any(|(_, member)| refers_to_container(member)),
        _ => false,
    }
}
