//! Search parameters of the oracle's own, as administrators define them: a handful of each kind, half of them paths that
//! walkers know, half FHIRPath that is evaluated.

use domain::conformance::definitions::{Component, SearchParameter};
use domain::conformance::search_parameters::{CustomParameter, Readiness};
use domain::conformance::{Definitions, ParameterId, SearchKind, SearchParameters};
use std::sync::OnceLock;

/// Base, code, kind, expression; for a reference its targets, for a composite R4's parameters and the ways to them.
type Own = (&'static str, &'static str, SearchKind, &'static str, &'static [(&'static str, &'static str)]);

/// The parameters, which the criteria of `fragment` name.
const OWN: &[Own] = &[
    ("Patient", "own-prefix", SearchKind::String, "Patient.name.prefix | Patient.name.text", &[]),
    (
        "Patient",
        "own-initials",
        SearchKind::String,
        "Patient.name.given.select(substring(0, 1)).join('')",
        &[],
    ),
    ("Patient", "own-longest", SearchKind::String, "Patient.name.family.where(length() > 5).first()", &[]),
    (
        "Observation",
        "own-words",
        SearchKind::String,
        "Observation.code.text.lower() & Observation.value.ofType(string)",
        &[],
    ),
    ("Patient", "own-mail", SearchKind::Token, "Patient.telecom.where(system='email')", &[]),
    (
        "Patient",
        "own-known",
        SearchKind::Token,
        "Patient.birthDate.exists() and Patient.gender.exists()",
        &[],
    ),
    ("Patient", "own-typed", SearchKind::Token, "Patient.identifier.where(type.exists()).last()", &[]),
    ("Patient", "own-gender", SearchKind::Token, "Patient.gender.where($this != 'male')", &[]),
    (
        "Observation",
        "own-codes",
        SearchKind::Token,
        "(Observation.code | Observation.component.code).coding.distinct()",
        &[],
    ),
    ("Patient", "own-linked", SearchKind::Reference, "Patient.link.other", &[("Patient", "")]),
    (
        "Observation",
        "own-last-performer",
        SearchKind::Reference,
        "Observation.performer.last()",
        &[("Patient", ""), ("Organization", "")],
    ),
    (
        "Observation",
        "own-person",
        SearchKind::Reference,
        "Observation.performer.where(resolve() is Patient) | Observation.subject.first()",
        &[("Patient", "")],
    ),
    (
        "CarePlan",
        "own-plans",
        SearchKind::Reference,
        "CarePlan.instantiatesCanonical.skip(0)",
        &[("PlanDefinition", "")],
    ),
    ("Patient", "own-died", SearchKind::Date, "(Patient.deceased as dateTime)", &[]),
    (
        "Patient",
        "own-last-known",
        SearchKind::Date,
        "iif(Patient.deceased is dateTime, Patient.deceased, Patient.birthDate)",
        &[],
    ),
    (
        "Observation",
        "own-begin",
        SearchKind::Date,
        "Observation.effective.ofType(Period).start | Observation.effective.ofType(dateTime).take(1)",
        &[],
    ),
    ("Patient", "own-names", SearchKind::Number, "Patient.name.given.count()", &[]),
    (
        "RiskAssessment",
        "own-odds",
        SearchKind::Number,
        "RiskAssessment.prediction.probability.ofType(decimal)",
        &[],
    ),
    (
        "RiskAssessment",
        "own-double",
        SearchKind::Number,
        "RiskAssessment.prediction.probability.ofType(decimal).select($this * 2)",
        &[],
    ),
    (
        "Observation",
        "own-value",
        SearchKind::Quantity,
        "Observation.value.ofType(Quantity) | Observation.component.value.ofType(Quantity)",
        &[],
    ),
    (
        "Observation",
        "own-large",
        SearchKind::Quantity,
        "Observation.value.ofType(Quantity).where(value > 5)",
        &[],
    ),
    ("ValueSet", "own-url", SearchKind::Uri, "ValueSet.url", &[]),
    ("ValueSet", "own-parent", SearchKind::Uri, "ValueSet.url.replaceMatches('/[^/]*$', '')", &[]),
    (
        "PlanDefinition",
        "own-related",
        SearchKind::Uri,
        "PlanDefinition.relatedArtifact.resource.where($this.contains('#').not())",
        &[],
    ),
    (
        "Observation",
        "own-component",
        SearchKind::Composite,
        "Observation.component",
        &[("code", "code"), ("value-quantity", "value.as(Quantity)")],
    ),
    (
        "Observation",
        "own-pair",
        SearchKind::Composite,
        "Observation.component.where(value.exists()).last()",
        &[("code", "code.coding.first()"), ("value-quantity", "value.ofType(Quantity)")],
    ),
];

/// R4's parameters and ours.
pub(super) fn parameters() -> &'static SearchParameters {
    static PARAMETERS: OnceLock<SearchParameters> = OnceLock::new();
    PARAMETERS.get_or_init(|| {
        let all = OWN.iter().zip(1..).map(|(own, number)| parameter(own, number));
        SearchParameters::new(1, all.collect())
    })
}

fn parameter((base, code, kind, expression, more): &Own, number: u32) -> CustomParameter {
    let definitions = Definitions::r4();
    let type_ = definitions.endpoint(base).unwrap();
    let component = |(code, expression): &(&str, &'static str)| Component {
        parameter: definitions.parameter(type_, code).unwrap().id,
        expression: (*expression).into(),
    };
    let (targets, components) = match kind {
        SearchKind::Reference => {
            (more.iter().map(|(name, _)| definitions.endpoint(name).unwrap()).collect(), vec![])
        }
        _ => (vec![], more.iter().map(component).collect()),
    };
    let parameter = SearchParameter {
        id: ParameterId::custom(number, *kind),
        base: definitions.type_name(type_),
        code: (*code).into(),
        kind: *kind,
        url: format!("https://x.example/SearchParameter/{code}").into(),
        targets,
        expression: (*expression).into(),
        description: "".into(),
        components,
    };
    CustomParameter { type_, parameter, readiness: Readiness::Ready }
}
