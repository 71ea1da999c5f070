//! R4's invariants: every one is checked by somebody, and these are broken and kept as told here.

use super::report;
use crate::Severity;
use crate::conformance::Definitions;
use crate::conformance::validation::invariant::{CORRECTED, LEFT_OUT, NATIVE};
use crate::conformance::validation::{Invariants, ValidationSettings, validate};
use crate::error::ErrorCode;
use crate::fhirpath::Expression;
use crate::resource::json::Json;

#[test]
fn every_rule_is_compiled_native_or_left_out_with_a_reason() {
    let constraints = Definitions::r4().constraints();
    assert_eq!(constraints.len(), 205);
    for constraint in constraints {
        if let Err(fault) = Expression::compile(constraint.expression) {
            assert!(NATIVE.contains(&constraint.key), "{}: {}", constraint.key, fault.message);
        }
    }
    let known = |key: &str| constraints.iter().any(|constraint| constraint.key == key);
    assert!(NATIVE.iter().all(|key| known(key)) && LEFT_OUT.iter().all(|(key, _)| known(key)));
    for (key, expression, _) in CORRECTED {
        assert!(known(key) && Expression::compile(expression).is_ok(), "{key}");
    }
}

/// What is found in a document, as `key` of the rule and FHIRPath.
fn broken(document: &str) -> Vec<(String, String)> {
    let faults = report(document).faults;
    let read = |issue: crate::Issue| {
        assert_eq!(issue.code, ErrorCode::Invariant, "{document}: {}", issue.diagnostics);
        let key = issue.diagnostics.split(':').next().unwrap_or_default().to_owned();
        (key, issue.expression.unwrap_or_default())
    };
    faults.into_iter().map(read).collect()
}

#[track_caller]
fn check(document: &str, expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(key, path)| ((*key).to_owned(), (*path).to_owned())).collect();
    assert_eq!(broken(document), expected, "{document}");
}

#[test]
fn what_breaks_a_rule_is_found_where_it_stands() {
    let patient = |members: &str| format!(r#"{{"resourceType":"Patient",{members}}}"#);
    check(
        &patient(r#""contact":[{"name":{"text":"x"}},{"gender":"male"}]"#),
        &[("pat-1", "Patient.contact[1]")],
    );
    check(&patient(r#""telecom":[{"value":"1"}]"#), &[("cpt-2", "Patient.telecom[0]")]);
    check(&patient(r#""telecom":[{"value":"1","system":"phone"}]"#), &[]);
    check(&patient(r#""telecom":[{"use":"home"}]"#), &[]);
    check(
        &patient(r#""photo":[{"data":"AAAA"}],"contact":[{"gender":"male"}]"#),
        &[("att-1", "Patient.photo[0]"), ("pat-1", "Patient.contact[0]")],
    );
    // In an extension, of a primitive too.
    let extension = r#"[{"url":"urn:x","valueQuantity":{"value":1,"code":"kg"}}]"#;
    check(
        &patient(&format!(r#""extension":{extension}"#)),
        &[("qty-3", "Patient.extension[0].valueQuantity")],
    );
    check(
        &patient(&format!(r#""birthDate":"1970","_birthDate":{{"extension":{extension}}}"#)),
        &[("qty-3", "Patient._birthDate.extension[0].valueQuantity")],
    );
    // In what is contained, and in an entry.
    let contained = r##""contained":[{"resourceType":"Organization","id":"o","meta":{"versionId":"1"},"address":[{"use":"home"}]}],"managingOrganization":{"reference":"#o"}"##;
    check(
        &patient(contained),
        &[
            ("dom-4", "Patient"),
            ("org-1", "Patient.contained[0]"),
            ("org-2", "Patient.contained[0].address[0]"),
        ],
    );
    check(
        r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Organization","active":true}}]}"#,
        &[("org-1", "Bundle.entry[0].resource")],
    );
}

#[test]
fn an_operator_may_have_it_told_only() {
    let tree = Json::parse(br#"{"resourceType":"Organization"}"#).unwrap();
    let settings = ValidationSettings { invariants: Invariants::Warn, ..ValidationSettings::default() };
    let report = validate(Definitions::r4(), &tree, None, &settings);
    let told = |issue: &crate::Issue| (issue.severity, issue.code, issue.expression.clone());
    assert!(report.faults.is_empty());
    let expected = (Severity::Warning, ErrorCode::Invariant, Some("Organization".to_owned()));
    assert_eq!(report.warnings.iter().map(told).collect::<Vec<_>>(), [expected]);
}

#[test]
fn rules_of_types_and_of_several_elements() {
    let observation = |members: &str| {
        format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"urn:s","code":"a"}}]}},{members}}}"#
        )
    };
    let component = |code: &str| {
        format!(r#""component":[{{"code":{{"coding":[{{"system":"urn:s","code":"{code}"}}]}}}}]"#)
    };
    check(&observation(&format!(r#""valueString":"x",{}"#, component("a"))), &[("obs-7", "Observation")]);
    check(&observation(&format!(r#""valueString":"x",{}"#, component("b"))), &[]);
    check(&observation(&component("a")), &[]);
    check(
        &observation(r#""referenceRange":[{"type":{"text":"normal"}}]"#),
        &[("obs-3", "Observation.referenceRange[0]")],
    );
    check(
        &observation(
            r#""valueRange":{"low":{"value":2,"system":"http://unitsofmeasure.org","code":"kg"},"high":{"value":1000,"system":"http://unitsofmeasure.org","code":"g"}}"#,
        ),
        &[("rng-2", "Observation.valueRange")],
    );
    check(
        &observation(
            r#""effectivePeriod":{"start":"2020-01-01T00:00:00+00:00","end":"2020-01-01T00:30:00+01:00"}"#,
        ),
        &[("per-1", "Observation.effectivePeriod")],
    );
    check(
        &observation(
            r#""effectivePeriod":{"start":"2020-01-01T00:00:00+01:00","end":"2020-01-01T00:30:00Z"}"#,
        ),
        &[],
    );
    check(&observation(r#""effectivePeriod":{"start":"2020-01-01T12:00:00+01:00","end":"2020-01-01"}"#), &[]);
    check(
        r#"{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/1"}}"#,
        &[("ait-1", "AllergyIntolerance")],
    );
    check(
        r#"{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/1"},"activity":[{"reference":{"reference":"Task/1"},"detail":{"status":"scheduled"}}]}"#,
        &[("cpl-3", "CarePlan.activity[0]")],
    );
    check(
        r#"{"resourceType":"Questionnaire","status":"active","item":[{"linkId":"1","type":"group","item":[{"linkId":"1","type":"display","required":true}]}]}"#,
        &[("que-2", "Questionnaire"), ("que-6", "Questionnaire.item[0].item[0]")],
    );
    check(
        r#"{"resourceType":"Parameters","parameter":[{"name":"x"}]}"#,
        &[("inv-1", "Parameters.parameter[0]")],
    );
    check(
        r#"{"resourceType":"ValueSet","status":"active","compose":{"include":[{"concept":[{"code":"a"}]}]}}"#,
        &[("vsd-1", "ValueSet.compose.include[0]"), ("vsd-2", "ValueSet.compose.include[0]")],
    );
}
