//! Whom a resource is about, for callers who write about one patient alone: what decides on the compartment must not
//! leave open who is meant.

use crate::conformance::{Definitions, TypeId};
use crate::index::path::{Step, Walker, compile, walk};
use crate::resource::json::Json;
use crate::search::kind::reference;
use std::sync::OnceLock;

/// Elements that decide on a compartment.
struct Place {
    walker: Walker,
    /// Whether they say whom the resource is about (and not who made or receives it).
    about: bool,
}

/// Whether a place that decides on the Patient compartment names somebody who cannot be told: a contained Patient, one on
/// another server, one by identifier, or nobody literal at all where the subject stands.
pub(crate) fn is_obscure(type_: TypeId, resource: &Json<'_>, base: &str) -> bool {
    let mut obscure = false;
    for place in places(type_) {
        walk(&place.walker.steps, resource, resource, &mut |element| {
            obscure |= !is_plain(place, element, resource, base);
        });
    }
    obscure
}

fn is_plain(place: &Place, element: &Json<'_>, resource: &Json<'_>, base: &str) -> bool {
    let logical = element.get("identifier").is_some();
    let Some(text) = element.get("reference").and_then(Json::as_str) else {
        let named = element.get("type").and_then(Json::as_str);
        return !place.about && (!logical || named.is_some_and(|name| place.permits(name)));
    };
    if let Some(id) = text.strip_prefix('#') {
        let contained = resource.get("contained").map(Json::each).unwrap_or_default();
        let meant = contained.iter().find(|inner| inner.get("id").and_then(Json::as_str) == Some(id));
        return meant.and_then(Json::resource_type).is_some_and(|name| name != "Patient");
    }
    let target = reference::target(text, base);
    match target.as_ref().and_then(|target| target.resource) {
        Some((type_, _)) if Definitions::r4().type_name(type_) == "Patient" => {
            // An identifier beside the reference could say that somebody else is meant.
            target.is_some_and(|target| target.local) && !logical
        }
        Some(_) => true,
        None => false,
    }
}

impl Place {
    /// Whether the element may refer to a resource of the type `name`, which is no Patient.
    fn permits(&self, name: &str) -> bool {
        let targets = self.walker.targets;
        name != "Patient" && (targets.is_empty() || targets.contains(&"Resource") || targets.contains(&name))
    }
}

fn places(type_: TypeId) -> &'static [Place] {
    static PLACES: OnceLock<Vec<OnceLock<Vec<Place>>>> = OnceLock::new();
    let all = PLACES.get_or_init(|| Definitions::r4().types().map(|_| OnceLock::new()).collect());
    all.get(usize::from(type_.0)).map_or(&[], |places| places.get_or_init(|| find(type_)).as_slice())
}

fn find(type_: TypeId) -> Vec<Place> {
    let definitions = Definitions::r4();
    // A Patient is in its own compartment by its id; its links are guarded apart.
    if definitions.type_name(type_) == "Patient" {
        return Vec::new();
    }
    let parameters = definitions.compartment("Patient", type_).iter();
    let compiled = parameters.flat_map(|id| {
        let parameter = definitions.parameter_of(*id);
        let about = matches!(&*parameter.code, "patient" | "subject");
        let walkers = compile(definitions, definitions.shape_of(type_), &parameter.expression);
        walkers.unwrap_or_default().into_iter().map(move |walker| Place { walker, about })
    });
    compiled
        .map(|mut place| {
            // `where(resolve() is Patient)` passes over whom it cannot resolve: those are looked for here.
            place.walker.steps.retain(|step| !matches!(step, Step::Resolves(_)));
            place
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://x.example/FHIR/R4";

    fn obscure(text: &str) -> bool {
        let tree = Json::parse(text.as_bytes()).unwrap();
        let type_ = tree.resource_type().and_then(|name| Definitions::r4().type_id(name)).unwrap();
        is_obscure(type_, &tree, BASE)
    }

    #[test]
    fn plain_references_are_plain() {
        for text in [
            r#"{"resourceType":"Observation","subject":{"reference":"Patient/a"}}"#,
            r#"{"resourceType":"Observation","subject":{"reference":"https://x.example/FHIR/R4/Patient/a/_history/1"}}"#,
            r#"{"resourceType":"Observation","subject":{"reference":"Group/a"},"performer":[{"display":"Dr Ahmed"}]}"#,
            r#"{"resourceType":"Observation","performer":[{"type":"Practitioner","identifier":{"value":"1"}}]}"#,
            r##"{"resourceType":"Observation","contained":[{"resourceType":"Practitioner","id":"p"}],"performer":[{"reference":"#p"}]}"##,
            r#"{"resourceType":"Provenance","target":[{"reference":"Observation/1"},{"reference":"Patient/a"}]}"#,
            r#"{"resourceType":"Patient","link":[{"other":{"identifier":{"value":"1"}}}]}"#,
            r#"{"resourceType":"Observation"}"#,
        ] {
            assert!(!obscure(text), "{text}");
        }
    }

    #[test]
    fn whoever_cannot_be_told_is_obscure() {
        for subject in [
            r#"{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9000000009"}}"#,
            r#"{"type":"Patient","identifier":{"value":"1"}}"#,
            r#"{"type":"Device","identifier":{"value":"1"}}"#,
            r#"{"reference":"Patient/a","identifier":{"value":"1"}}"#,
            r#"{"display":"Robert"}"#,
            r##"{"reference":"#p"}"##,
            r##"{"reference":"#q"}"##,
            r#"{"reference":"https://y.example/Patient/a"}"#,
            r#"{"reference":"urn:uuid:00000000-0000-4000-8000-000000000000"}"#,
            r#"{"reference":"patient/a"}"#,
        ] {
            for (type_, more) in [
                ("Observation", r#""performer":[{"reference":"Patient/a"}]"#),
                ("Condition", r#""asserter":{"reference":"Patient/a"}"#),
                ("CarePlan", r#""activity":[{"detail":{"performer":[{"reference":"Patient/a"}]}}]"#),
            ] {
                let text = format!(
                    r#"{{"resourceType":"{type_}","contained":[{{"resourceType":"Patient","id":"p"}}],"subject":{subject},{more}}}"#
                );
                assert!(obscure(&text), "{text}");
            }
        }
        assert!(obscure(
            r#"{"resourceType":"Appointment","participant":[{"actor":{"identifier":{"value":"1"}}}]}"#
        ));
    }
}
