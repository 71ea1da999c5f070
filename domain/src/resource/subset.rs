//! Parts of resources: `_summary` and `_elements` (`FHIR R4 search.html#summary`, `search.html#elements`), the mark that
//! tells a part from the whole, and the refusal to store a part.

use super::json::{Json, Object};
use crate::conformance::definitions::{Element, Shape, ShapeId, ShapeKind};
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use std::borrow::Cow;

/// System of the tag on a resource that is not whole.
pub const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// Code of the tag on a resource that is not whole.
pub const CODE: &str = "SUBSETTED";

/// Which part of each resource is answered. Whatever is left out, the result is a valid resource: mandatory elements stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Subset {
    /// All of it: the stored bytes as they are.
    #[default]
    Whole,
    /// `_summary=true`: the elements that R4 marks as summary, at every level.
    Summary,
    /// `_summary=text`: the narrative, `id`, `meta` and what is mandatory at the root.
    Text,
    /// `_summary=data`: all but the narrative.
    Data,
    /// `_elements`: these elements of the root.
    Elements(Elements),
}

/// The elements that `_elements` names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elements {
    /// `element`: of the matches, whatever their type.
    of_matches: Vec<String>,
    /// `Type.element`: of every resource of the type, included ones too.
    of_types: Vec<(TypeId, String)>,
}

/// Why a resource is in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is what was asked for.
    Match,
    /// It was brought along: `_elements` without a type does not apply (`FHIR R4 search.html#elements`).
    Include,
}

impl Elements {
    /// Reads the value of `_elements` of a request for `types` (empty for any): `name,identifier`, `Patient.name`; of a
    /// choice its stem, with or without `[x]`, or one of its members.
    ///
    /// Errors: a sentence about the element that none of the types has.
    pub fn parse(value: &str, types: &[TypeId]) -> Result<Elements, String> {
        let definitions = Definitions::r4();
        let mut elements = Elements::default();
        for name in value.split(',').map(str::trim) {
            match name.split_once('.') {
                None => {
                    let asked = |type_: &TypeId| has(definitions.shape_of(*type_), name);
                    let known = if types.is_empty() {
                        definitions.types().any(|type_| asked(&type_))
                    } else {
                        types.iter().any(asked)
                    };
                    if !known {
                        return Err(format!("there is no element '{name}' at the root of what is asked for"));
                    }
                    elements.of_matches.push(stem(name).to_owned());
                }
                Some((type_name, element)) => {
                    let type_ = definitions.type_id(type_name).ok_or_else(|| {
                        format!(
                            "'{name}' is neither an element at the root of the resource nor 'Type.element'"
                        )
                    })?;
                    if !has(definitions.shape_of(type_), element) {
                        return Err(format!("{type_name} has no element '{element}' at its root"));
                    }
                    elements.of_types.push((type_, stem(element).to_owned()));
                }
            }
        }
        Ok(elements)
    }

    /// The names for a resource of `type_`; `None` if nothing was said about it.
    fn names(&self, type_: TypeId, role: Role) -> Option<Vec<&str>> {
        let typed = self.of_types.iter().filter(|(of, _)| *of == type_).map(|(_, name)| name.as_str());
        let plain = self.of_matches.iter().filter(|_| role == Role::Match).map(String::as_str);
        let names: Vec<&str> = typed.chain(plain).collect();
        (!names.is_empty()).then_some(names)
    }
}

/// `value[x]` is asked for as `value`.
fn stem(name: &str) -> &str {
    name.strip_suffix("[x]").unwrap_or(name)
}

fn has(shape: &Shape, name: &str) -> bool {
    name == "resourceType" || shape.element(stem(name)).is_some() || shape.member(name).is_some()
}

impl Subset {
    /// Whether resources stay as they are.
    pub fn is_whole(&self) -> bool {
        *self == Subset::Whole
    }

    /// This part of a stored resource, marked as a part. What is not JSON, as a deletion's empty body, stays as it is.
    pub fn of<'b>(&self, body: &'b [u8], role: Role) -> Cow<'b, [u8]> {
        if self.is_whole() || body.is_empty() {
            return Cow::Borrowed(body);
        }
        let Ok(tree) = Json::parse(body) else { return Cow::Borrowed(body) };
        let definitions = Definitions::r4();
        let Some(type_) = tree.resource_type().and_then(|name| definitions.type_id(name)) else {
            return Cow::Borrowed(body);
        };
        let Some(resource) = tree.as_object() else { return Cow::Borrowed(body) };
        let shape = definitions.shape_of(type_);
        let mut part = match self {
            Subset::Whole => return Cow::Borrowed(body),
            Subset::Summary => match summary(resource, shape) {
                Json::Object(part) => part,
                _ => Object::new(),
            },
            Subset::Data => root(resource, shape, |element, _| element.name != "text"),
            Subset::Text => root(resource, shape, |element, _| is_text(element)),
            Subset::Elements(elements) => {
                let Some(names) = elements.names(type_, role) else { return Cow::Borrowed(body) };
                let asked = |element: &Element, member: &str| {
                    is_kept(element)
                        || element.name == "id"
                        || element.name == "meta"
                        || names.contains(&element.name)
                        || names.contains(&member.strip_prefix('_').unwrap_or(member))
                };
                root(resource, shape, asked)
            }
        };
        keep_contained(resource, &mut part);
        mark(&mut part);
        Cow::Owned(Json::Object(part).to_vec())
    }
}

/// Without these a resource is invalid, or means something else (`FHIR R4 conformance-rules.html#isModifier`).
const fn is_kept(element: &Element) -> bool {
    element.min > 0 || element.modifier
}

/// The narrative holds all that a person must know; a program must still know of what it does not understand.
fn is_text(element: &Element) -> bool {
    matches!(element.name, "id" | "meta" | "text" | "implicitRules" | "modifierExtension") || element.min > 0
}

/// The members of the root that `kept` lets through.
fn root<'a>(resource: &Object<'a>, shape: &Shape, kept: impl Fn(&Element, &str) -> bool) -> Object<'a> {
    let mut part = Object::new();
    for (name, value) in resource.iter() {
        let found = shape.member(name);
        if name == "resourceType" || found.is_some_and(|(element, ..)| kept(element, name)) {
            part.push(name.to_owned(), value.clone());
        }
    }
    part
}

/// What belongs to the summary of a value of `shape`, at every level.
fn summary<'a>(object: &Object<'a>, shape: &Shape) -> Json<'a> {
    let definitions = Definitions::r4();
    let mut part = Object::new();
    for (name, value) in object.iter() {
        if name == "resourceType" {
            part.push(name.to_owned(), value.clone());
            continue;
        }
        let Some((element, type_, key)) = shape.member(name) else { continue };
        if !element.summary && !is_kept(element) {
            continue;
        }
        let inner = definitions.shape(type_.shape);
        // The companion of a primitive says why there is no value; the elements of an extension are never summary.
        let whole = key.companion || inner.kind == ShapeKind::Primitive || inner.name == "Extension";
        let value = if whole { value.clone() } else { summaries(value, type_.shape) };
        if !is_empty(&value) {
            part.push(name.to_owned(), value);
        }
    }
    Json::Object(part)
}

fn summaries<'a>(value: &Json<'a>, shape: ShapeId) -> Json<'a> {
    match value {
        Json::Array(items) => Json::Array(items.iter().map(|item| summaries(item, shape)).collect()),
        Json::Object(object) => {
            let definitions = Definitions::r4();
            // A resource inside, as in a Bundle's entry, is of a type of its own.
            let own = object.str("resourceType").and_then(|name| definitions.type_id(name));
            let shape = own.map_or_else(|| definitions.shape(shape), |type_| definitions.shape_of(type_));
            let part = summary(object, shape);
            // FHIR has no empty objects: of what is all detail everything stays.
            if is_empty(&part) { value.clone() } else { part }
        }
        other => other.clone(),
    }
}

fn is_empty(value: &Json<'_>) -> bool {
    match value {
        Json::Object(object) => object.is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Contained resources stay where a part still refers to them: a reference to nothing makes a resource invalid
/// (`FHIR R4 references.html#contained`).
fn keep_contained<'a>(resource: &Object<'a>, part: &mut Object<'a>) {
    if part.get("contained").is_none()
        && let Some(contained) = resource.get("contained")
        && part.iter().any(|(_, value)| refers_inside(value))
    {
        part.push("contained", contained.clone());
    }
}

/// Whether a value has a reference to a contained resource.
fn refers_inside(value: &Json<'_>) -> bool {
    match value {
        Json::Array(items) => items.iter().any(refers_inside),
        Json::Object(object) => object.iter().any(|(name, value)| match value {
            Json::String(text) => name == "reference" && text.starts_with('#') && text.len() > 1,
            value => refers_inside(value),
        }),
        _ => false,
    }
}

/// Adds the tag that keeps a part from being taken for the whole.
fn mark(part: &mut Object<'_>) {
    if is_marked(part) {
        return;
    }
    let mut tag = Object::new();
    tag.push("system", Json::from(SYSTEM));
    tag.push("code", Json::from(CODE));
    tag.push("display", Json::from("subsetted"));
    let tag = Json::Object(tag);
    match part.get_mut("meta").and_then(Json::as_object_mut) {
        Some(meta) => match meta.get_mut("tag") {
            Some(Json::Array(tags)) => tags.push(tag),
            _ => meta.set("tag", Json::Array(vec![tag])),
        },
        None => {
            let mut meta = Object::new();
            meta.push("tag", Json::Array(vec![tag]));
            // After the type and the id.
            part.insert_at(2, "meta", Json::Object(meta));
        }
    }
}

fn is_marked(resource: &Object<'_>) -> bool {
    let tags = resource.get("meta").and_then(|meta| meta.get("tag")).map(Json::each).unwrap_or_default();
    tags.iter().any(|tag| {
        tag.get("code").and_then(Json::as_str) == Some(CODE)
            && tag.get("system").and_then(Json::as_str).is_none_or(|system| system == SYSTEM)
    })
}

/// Refuses a resource that says of itself that it is not whole: as an update it would take away what it leaves out
/// (`FHIR R4 search.html#elements`).
///
/// Errors: [`ErrorCode::Invariant`] at the tag.
pub fn refuse_part(resource: &Object<'_>, name: &str) -> Result<(), Error> {
    if !is_marked(resource) {
        return Ok(());
    }
    let message = "The resource is marked as a part (tag SUBSETTED): storing it would lose the rest. Read the whole \
                   resource, without '_summary' and '_elements', change that and send it.";
    Err(Error::new(ErrorCode::Invariant, message).at(format!("{name}.meta.tag")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: &str = r##"{"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"2020-01-01T00:00:00Z","tag":[{"code":"x"}]},"implicitRules":"http://x","language":"en","text":{"status":"generated","div":"<div>x</div>"},"contained":[{"resourceType":"Organization","id":"o"}],"extension":[{"url":"http://e","valueBoolean":true}],"modifierExtension":[{"url":"http://m","valueBoolean":true}],"active":true,"name":[{"id":"n","family":"F","_family":{"extension":[{"url":"http://e","valueCode":"a"}]}}],"deceasedBoolean":false,"photo":[{"contentType":"image/png","data":"AAAA","url":"http://p"}],"contact":[{"gender":"male"}],"communication":[{"language":{"text":"en"},"preferred":true}],"managingOrganization":{"reference":"#o"}}"##;

    fn part(subset: &Subset, body: &str, role: Role) -> String {
        String::from_utf8(subset.of(body.as_bytes(), role).into_owned()).unwrap()
    }

    fn members(text: &str) -> Vec<String> {
        let tree = Json::parse(text.as_bytes()).unwrap();
        tree.as_object().unwrap().iter().map(|(name, _)| name.to_owned()).collect()
    }

    fn elements(value: &str, type_: &str) -> Result<Subset, String> {
        Elements::parse(value, &[Definitions::r4().type_id(type_).unwrap()]).map(Subset::Elements)
    }

    const TAG: &str = r#","tag":[{"code":"x"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"subsetted"}]"#;

    #[test]
    fn a_summary_is_what_r4_marks_at_every_level() {
        let found = part(&Subset::Summary, PATIENT, Role::Match);
        let expected = [
            "resourceType",
            "id",
            "meta",
            "implicitRules",
            "modifierExtension",
            "active",
            "name",
            "deceasedBoolean",
            "managingOrganization",
            "contained",
        ];
        assert_eq!(members(&found), expected);
        assert!(found.contains(TAG) && found.contains(r#""name":[{"family":"F","_family":{"#), "{found}");
        let questionnaire = r#"{"resourceType":"QuestionnaireResponse","id":"a","status":"completed","item":[{"linkId":"1"}]}"#;
        assert_eq!(
            members(&part(&Subset::Summary, questionnaire, Role::Include)),
            ["resourceType", "id", "meta", "status"]
        );
        let component = r#"{"resourceType":"Observation","id":"a","status":"final","code":{"text":"c"},"component":[{"code":{"text":"x"},"valueString":"v","interpretation":[{"text":"high"}]}],"note":[{"text":"n"}]}"#;
        let found = part(&Subset::Summary, component, Role::Match);
        assert!(found.contains(r#""component":[{"code":{"text":"x"},"valueString":"v"}]"#), "{found}");
        assert!(!found.contains("note"));
    }

    #[test]
    fn text_and_data_divide_a_resource() {
        let text = part(&Subset::Text, PATIENT, Role::Match);
        assert_eq!(
            members(&text),
            ["resourceType", "id", "meta", "implicitRules", "text", "modifierExtension"]
        );
        let observation = r#"{"resourceType":"Observation","id":"a","status":"final","code":{"text":"c"},"valueString":"v"}"#;
        assert_eq!(
            members(&part(&Subset::Text, observation, Role::Match)),
            ["resourceType", "id", "meta", "status", "code"]
        );
        let data = part(&Subset::Data, PATIENT, Role::Match);
        assert!(!members(&data).contains(&"text".to_owned()) && data.contains("photo") && data.contains(TAG));
    }

    #[test]
    fn elements_keep_what_is_mandatory_or_a_modifier() {
        let subset = elements("name,birthDate", "Patient").unwrap();
        let found = part(&subset, PATIENT, Role::Match);
        assert_eq!(
            members(&found),
            [
                "resourceType",
                "id",
                "meta",
                "implicitRules",
                "modifierExtension",
                "active",
                "name",
                "deceasedBoolean"
            ]
        );
        assert_eq!(part(&subset, PATIENT, Role::Include), PATIENT);
        let typed = elements("Patient.contact", "Observation").unwrap();
        assert!(members(&part(&typed, PATIENT, Role::Include)).contains(&"contact".to_owned()));
        let observation = r#"{"resourceType":"Observation","id":"a","status":"final","code":{"text":"c"},"valueString":"v","note":[{"text":"n"}]}"#;
        assert_eq!(part(&typed, observation, Role::Match), observation);
        for value in ["value", "value[x]", "valueString"] {
            let found = part(&elements(value, "Observation").unwrap(), observation, Role::Match);
            assert_eq!(
                members(&found),
                ["resourceType", "id", "meta", "status", "code", "valueString"],
                "{value}"
            );
        }
        let organization = elements("managingOrganization", "Patient").unwrap();
        assert!(part(&organization, PATIENT, Role::Match).contains("contained"));
        for wrong in ["potato", "", "name,", "name.family", "Patient.potato", "Potato.name", "code"] {
            assert!(elements(wrong, "Patient").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_part_is_known_and_refused() {
        let found = part(&Subset::Data, PATIENT, Role::Match);
        let tree = Json::parse(found.as_bytes()).unwrap();
        let error = refuse_part(tree.as_object().unwrap(), "Patient").unwrap_err();
        assert!(error.to_string().contains("SUBSETTED"));
        assert_eq!(part(&Subset::Data, &found, Role::Match), found);
        let whole = Json::parse(PATIENT.as_bytes()).unwrap();
        assert!(refuse_part(whole.as_object().unwrap(), "Patient").is_ok());
        assert_eq!(Subset::Summary.of(b"", Role::Match).len(), 0);
    }
}
