//! Resources made from the definition tables: any element of any type may be in them, each with a right value.

use crate::conformance::Definitions;
use crate::conformance::definitions::{Element, ElementType, Shape, ShapeKind, Strength};
use crate::resource::json::{Json, Object};
use tests::storm::Random;

/// Elements nested deeper than this are only made where they must be there.
const DEEP: usize = 4;

/// A resource of the type `name`.
pub(super) fn of(name: &str, random: &mut Random) -> Json<'static> {
    let shape = Definitions::r4().shape_named(name).unwrap();
    let mut object = members(shape, random, 0);
    object.insert_at(0, "resourceType", Json::from(name.to_owned()));
    Json::Object(object)
}

fn members(shape: &Shape, random: &mut Random, depth: usize) -> Object<'static> {
    let mut object = Object::new();
    let needless = |element: &&Element| {
        // Narrative, contained resources and extensions have tests of their own.
        !matches!(element.name, "text" | "contained" | "extension" | "modifierExtension" | "id")
            || (element.name == "text" && element.types.iter().all(|type_| type_.code != "Narrative"))
    };
    for element in shape.elements.iter().filter(needless) {
        let chance = if depth < DEEP { 2 + depth * 2 } else { usize::MAX };
        if element.min == 0 && random.below(chance) != 0 {
            continue;
        }
        let type_ = &element.types[random.below(element.types.len())];
        let value = value(element, type_, random, depth);
        let name = element.member_name(type_);
        object.push(name, if element.list { Json::Array(vec![value]) } else { value });
    }
    if object.is_empty() && shape.kind != ShapeKind::Resource {
        let extension = r#"[{"url":"urn:x","valueCode":"y"}]"#;
        object.push("extension", Json::parse(extension.as_bytes()).unwrap());
    }
    object
}

fn value(element: &Element, type_: &ElementType, random: &mut Random, depth: usize) -> Json<'static> {
    let definitions = Definitions::r4();
    let shape = definitions.shape(type_.shape);
    let required =
        element.binding.filter(|binding| binding.strength == Strength::Required && binding.enumerable);
    let code = required.and_then(|binding| {
        let codes = definitions.codes(binding.value_set)?;
        Some((codes.get(random.below(codes.len().max(1))).copied()?, definitions.system_of(&binding)))
    });
    match (shape.kind, code) {
        (ShapeKind::Resource, _) => {
            Json::parse(br#"{"resourceType":"Basic","id":"b","code":{"text":"x"}}"#).unwrap()
        }
        (ShapeKind::Primitive, Some((code, _))) if type_.code == "code" => Json::from(code),
        (ShapeKind::Primitive, _) => primitive(type_.code),
        (_, Some((code, system))) if matches!(type_.code, "Coding" | "CodeableConcept") => {
            let mut coding = Object::new();
            system.into_iter().for_each(|system| coding.push("system", Json::from(system)));
            coding.push("code", Json::from(code));
            let coding = Json::Object(coding);
            if type_.code == "Coding" {
                return coding;
            }
            let mut concept = Object::new();
            concept.push("coding", Json::Array(vec![coding]));
            Json::Object(concept)
        }
        _ if type_.code == "Reference" => {
            let target =
                type_.targets.first().copied().filter(|target| *target != "Resource").unwrap_or("Basic");
            let mut reference = Object::new();
            reference.push("reference", Json::from(format!("{target}/1")));
            Json::Object(reference)
        }
        _ => Json::Object(members(shape, random, depth + 1)),
    }
}

/// A value of a primitive type.
fn primitive(code: &str) -> Json<'static> {
    let text = match code {
        "boolean" => "true",
        "integer" | "unsignedInt" | "positiveInt" => "3",
        "decimal" => "1.10",
        "date" => "\"2024-02-29\"",
        "dateTime" => "\"2024-02-29T10:00:00.5+01:00\"",
        "instant" => "\"2024-02-29T10:00:00Z\"",
        "time" => "\"10:00:00\"",
        "base64Binary" => "\"QUI=\"",
        "oid" => "\"urn:oid:1.2.3\"",
        "uuid" => "\"urn:uuid:c757873d-ec9a-4326-a141-556f43239520\"",
        "uri" | "url" | "canonical" => "\"urn:x\"",
        "xhtml" => "\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">x</div>\"",
        _ => "\"x\"",
    };
    Json::parse(text.as_bytes()).unwrap()
}
