//! The least resource of a type: what R4 requires of it and nothing else, with made-up values.

use domain::conformance::Definitions;
use domain::conformance::definitions::{Element, ElementType, Shape, ShapeKind, Strength};
use serde_json::{Map, Value, json};

/// Data types that require nothing, with something to show.
fn telling(name: &str) -> Option<Value> {
    Some(match name {
        "CodeableConcept" => json!({ "text": "An example" }),
        "Coding" => json!({ "system": "https://example.org/codes", "code": "example" }),
        "Identifier" => json!({ "system": "https://example.org/ids", "value": "1" }),
        "Period" => json!({ "start": "2026-01-31" }),
        "Quantity" | "SimpleQuantity" | "Duration" | "Age" | "Count" | "Distance" => {
            json!({ "value": 1, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d" })
        }
        "Money" => json!({ "value": 1, "currency": "GBP" }),
        "Narrative" => {
            json!({ "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">An example</div>" })
        }
        "Attachment" => json!({ "title": "An example" }),
        "Timing" => json!({ "event": ["2026-01-31"] }),
        "HumanName" => json!({ "family": "Okonkwo" }),
        _ => return None,
    })
}

/// What R4's invariants ask of a type beside what its table requires.
pub(super) fn by_rules(name: &str) -> Option<Value> {
    Some(match name {
        "AllergyIntolerance" => {
            let system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
            json!({ "clinicalStatus": { "coding": [{ "system": system, "code": "active" }] } })
        }
        "Appointment" => json!({
            "status": "booked", "start": "2026-01-31T09:30:00Z", "end": "2026-01-31T09:45:00Z",
            "participant": [{ "actor": { "reference": "Patient/example" }, "status": "accepted" }],
        }),
        "AppointmentResponse" => json!({ "actor": { "reference": "Patient/example" } }),
        "CapabilityStatement" => json!({
            "kind": "instance", "implementation": { "description": "An example" }, "rest": [{ "mode": "server" }],
        }),
        "EventDefinition" => json!({ "trigger": [{ "type": "named-event", "name": "example" }] }),
        "ImmunizationRecommendation" => json!({
            "recommendation": [{
                "targetDisease": { "text": "An example" }, "forecastStatus": { "text": "An example" },
            }],
        }),
        "InsurancePlan" | "Organization" => json!({ "name": "An example" }),
        "Linkage" => {
            let item = |type_: &str, id: &str| json!({ "type": type_, "resource": { "reference": format!("Patient/{id}") } });
            json!({ "item": [item("source", "example"), item("alternate", "other")] })
        }
        "TerminologyCapabilities" => {
            json!({ "kind": "instance", "description": "An example", "implementation": { "description": "An example" } })
        }
        "StructureDefinition" => json!({
            "type": "Element", "differential": { "element": [{ "id": "Element", "path": "Element" }] },
        }),
        _ => return None,
    })
}

/// The least resource of this structure.
pub(super) fn resource(shape: &Shape) -> Value {
    let mut members = Map::new();
    members.insert("resourceType".to_owned(), json!(shape.name));
    members.extend(required(shape));
    Value::Object(members)
}

fn required(shape: &Shape) -> Map<String, Value> {
    let elements = shape.elements.iter().filter(|element| element.min > 0);
    elements.filter_map(member).collect()
}

/// An element with its name and value; a choice takes its first type.
fn member(element: &Element) -> Option<(String, Value)> {
    let type_ = element.types.first()?;
    let one = value(element, type_);
    Some((element.member_name(type_).to_owned(), if element.list { json!([one]) } else { one }))
}

fn value(element: &Element, type_: &ElementType) -> Value {
    let shape = Definitions::r4().shape(type_.shape);
    match shape.kind {
        ShapeKind::Primitive => primitive(shape.name, element),
        _ if shape.name == "Resource" => json!({ "resourceType": "Basic", "code": { "text": "An example" } }),
        _ if shape.name == "Reference" => {
            let target = type_.targets.iter().find(|target| **target != "Resource").unwrap_or(&"Patient");
            json!({ "reference": format!("{target}/example") })
        }
        _ => telling(shape.name).unwrap_or_else(|| structure(shape)),
    }
}

/// What a structure requires, or, as it may not be empty, its first element that is not of every structure.
fn structure(shape: &Shape) -> Value {
    let mut members = required(shape);
    if members.is_empty() {
        let own = |element: &&Element| !matches!(element.name, "id" | "extension" | "modifierExtension");
        members.extend(shape.elements.iter().find(own).and_then(member));
    }
    Value::Object(members)
}

fn primitive(name: &str, element: &Element) -> Value {
    let binding = element.binding.filter(|binding| binding.strength == Strength::Required);
    if let Some(codes) = binding.and_then(|binding| Definitions::r4().codes(binding.value_set))
        && let Some(code) = codes.first()
    {
        return json!(code);
    }
    match name {
        "boolean" => json!(true),
        "integer" | "unsignedInt" | "positiveInt" | "decimal" => json!(1),
        "instant" => json!("2026-01-31T09:30:00Z"),
        "date" | "dateTime" => json!("2026-01-31"),
        "time" => json!("09:30:00"),
        "uri" | "url" | "canonical" => json!("https://example.org/example"),
        "oid" => json!("urn:oid:2.16.840.1.113883"),
        "uuid" => json!("urn:uuid:7d1c3f1e-3b0a-4d53-9a5b-0d7f1c7f6a11"),
        "base64Binary" => json!("QW4gZXhhbXBsZQ=="),
        "xhtml" => json!("<div xmlns=\"http://www.w3.org/1999/xhtml\">An example</div>"),
        "code" | "id" => json!("example"),
        _ => json!("An example"),
    }
}
