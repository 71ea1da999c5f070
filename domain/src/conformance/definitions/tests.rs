//! The tables load whole: counts that R4 gives, and look-ups of each kind.

use super::{Definitions, ShapeKind, Strength};
use crate::conformance::SearchKind;

#[test]
fn r4_is_there_whole() {
    let r4 = Definitions::r4();
    assert_eq!(r4.types().count(), 146);
    assert_eq!(r4.endpoints().count(), 145);
    assert_eq!(r4.endpoint("Parameters"), None);
    assert_eq!(r4.type_id("DomainResource"), None);
    assert_eq!(r4.parameters().len(), 1706);
    for type_ in r4.types() {
        assert_eq!(r4.type_id(r4.type_name(type_)), Some(type_));
        assert!(r4.shape_of(type_).element("id").is_some());
    }
    // The validation's bit sets hold this many elements.
    assert!(r4.shapes().iter().all(|shape| shape.elements.len() <= 128));
}

#[test]
fn every_parameter_finds_itself_and_its_components() {
    let r4 = Definitions::r4();
    for parameter in r4.parameters() {
        assert_eq!(r4.parameter_of(parameter.id).code, parameter.code);
        assert_eq!(
            parameter.kind == SearchKind::Composite,
            parameter.components.len() >= 2,
            "{}",
            parameter.code
        );
        let no_expression = ["_text", "_content", "_query"].contains(&&*parameter.code);
        assert_eq!(parameter.expression.is_empty(), no_expression, "{}.{}", parameter.base, parameter.code);
    }
    let patient = r4.type_id("Patient").unwrap();
    assert_eq!(r4.parameter(patient, "_id").unwrap().base, "Resource");
    assert_eq!(r4.parameter(patient, "birthdate").unwrap().kind, SearchKind::Date);
    let observation = r4.type_id("Observation").unwrap();
    assert!(!r4.compartment("Patient", observation).is_empty());
}

#[test]
fn json_members_are_looked_up() {
    let r4 = Definitions::r4();
    let observation = r4.shape_named("Observation").unwrap();
    let (element, type_, key) = observation.member("valueQuantity").unwrap();
    assert_eq!((element.name, type_.code, element.choice, key.companion), ("value", "Quantity", true, false));
    let (status, _, _) = observation.member("status").unwrap();
    let binding = status.binding.unwrap();
    assert_eq!((status.min, binding.strength), (1, Strength::Required));
    assert!(r4.in_value_set(&binding, "final") && !r4.in_value_set(&binding, "Final"));
    assert!(r4.shape_named("Patient").unwrap().key("_birthDate").unwrap().companion);
    assert_eq!(observation.key("_valueQuantity"), None);
    assert_eq!(observation.key("value"), None);
    // Content references lead to the element they name.
    let (_, type_, _) = r4.shape_named("Questionnaire.item").unwrap().member("item").unwrap();
    let item = r4.shape(type_.shape);
    assert_eq!((item.name, item.kind), ("Questionnaire.item", ShapeKind::Backbone));
}
