//! One test a kind of fault, each with its FHIRPath.

use super::report;
use crate::conformance::validation::{NhsNumbers, ValidationSettings, nhs_number, validate};
use crate::conformance::{Definitions, TypeId};
use crate::error::ErrorCode::{
    self, InvalidCode, InvalidNhsNumber, InvalidStructure, InvalidValue, Invariant, MissingElement,
};
use crate::resource::json::Json;

/// The faults as (code, path).
fn faults(text: &str) -> Vec<(ErrorCode, String)> {
    report(text).faults.into_iter().map(|issue| (issue.code, issue.expression.unwrap_or_default())).collect()
}

/// A Patient with these members has exactly these faults.
#[track_caller]
fn patient(members: &str, expected: &[(ErrorCode, &str)]) {
    let text = format!("{{\"resourceType\":\"Patient\",{members}}}");
    let found = faults(&text);
    let found: Vec<(ErrorCode, &str)> = found.iter().map(|(code, path)| (*code, path.as_str())).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn elements_and_cardinality() {
    patient(r#""surname":"x""#, &[(InvalidStructure, "Patient.surname")]);
    patient(r#""name":[{"given":["A"],"first":"x"}]"#, &[(InvalidStructure, "Patient.name[0].first")]);
    patient(r#""name":{"family":"x"}"#, &[(InvalidStructure, "Patient.name")]);
    patient(r#""gender":["male"]"#, &[(InvalidStructure, "Patient.gender")]);
    patient(
        r#""communication":[{"preferred":true}]"#,
        &[(MissingElement, "Patient.communication[0].language")],
    );
    patient(r#""name":[]"#, &[(InvalidStructure, "Patient.name")]);
    patient(r#""name":[{}]"#, &[(InvalidStructure, "Patient.name[0]")]);
    patient(r#""name":[{"id":"x"}]"#, &[(InvalidStructure, "Patient.name[0]")]);
    patient(r#""name":[null]"#, &[(InvalidStructure, "Patient.name[0]")]);
    patient(r#""active":null"#, &[(InvalidStructure, "Patient.active")]);
    patient(r#""active":true,"active":true"#, &[(InvalidStructure, "Patient.active")]);
    patient(r#""resourceType":"Patient""#, &[(InvalidStructure, "Patient.resourceType")]);
    assert_eq!(
        faults(r#"{"resourceType":"Observation"}"#),
        [(MissingElement, "Observation.status".to_owned()), (MissingElement, "Observation.code".to_owned())]
    );
    assert_eq!(faults("[]"), [(InvalidStructure, "Resource".to_owned())]);
    assert_eq!(faults("{}"), [(MissingElement, "Resource.resourceType".to_owned())]);
    assert_eq!(
        faults(r#"{"resourceType":"patient"}"#),
        [(InvalidStructure, "Resource.resourceType".to_owned())]
    );
    assert_eq!(
        faults(r#"{"resourceType":"Resource"}"#),
        [(InvalidStructure, "Resource.resourceType".to_owned())]
    );
}

#[test]
fn every_fault_is_reported() {
    patient(
        r#""birthDate":"2023-02-29","gender":"m","x":1,"name":[{"given":["A",""]}]"#,
        &[
            (InvalidValue, "Patient.birthDate"),
            (InvalidCode, "Patient.gender"),
            (InvalidStructure, "Patient.x"),
            (InvalidValue, "Patient.name[0].given[1]"),
        ],
    );
    let many = vec!["{}"; 1000].join(",");
    assert_eq!(faults(&format!(r#"{{"resourceType":"Patient","name":[{many}]}}"#)).len(), 100);
}

#[test]
fn choices() {
    patient(
        r#""deceasedBoolean":true,"deceasedDateTime":"2020""#,
        &[(InvalidStructure, "Patient.deceasedDateTime")],
    );
    patient(
        r#""deceasedBoolean":true,"_deceasedDateTime":{"extension":[{"url":"urn:x","valueCode":"y"}]}"#,
        &[(InvalidStructure, "Patient._deceasedDateTime")],
    );
    patient(r#""deceasedString":"x""#, &[(InvalidStructure, "Patient.deceasedString")]);
    patient(r#""deceased":true"#, &[(InvalidStructure, "Patient.deceased")]);
    patient(r#""deceasedBoolean":true,"_deceasedBoolean":{"id":"x"}"#, &[]);
}

#[test]
fn companions_of_primitives() {
    let extension = r#"{"extension":[{"url":"urn:x","valueCode":"y"}]}"#;
    patient(&format!(r#""_birthDate":{extension}"#), &[]);
    patient(&format!(r#""name":[{{"given":["A",null],"_given":[null,{extension}]}}]"#), &[]);
    patient(&format!(r#""name":[{{"_given":[{extension}]}}]"#), &[]);
    patient(
        r#""name":[{"given":["A"],"_given":[null,null]}]"#,
        &[(InvalidStructure, "Patient.name[0]._given"), (InvalidStructure, "Patient.name[0]._given[1]")],
    );
    patient(r#""name":[{"given":[null]}]"#, &[(InvalidStructure, "Patient.name[0].given[0]")]);
    patient(r#""_birthDate":{"id":"x"}"#, &[(InvalidStructure, "Patient._birthDate")]);
    patient(r#""_birthDate":"x""#, &[(InvalidStructure, "Patient._birthDate")]);
    patient(r#""birthDate":"1990","_birthDate":[]"#, &[(InvalidStructure, "Patient._birthDate")]);
    patient(r#""_name":[{"id":"x"}]"#, &[(InvalidStructure, "Patient._name")]);
    // What XML has as attributes has neither id nor extensions.
    patient(&format!(r#""name":[{{"_id":{extension}}}]"#), &[(InvalidStructure, "Patient.name[0]._id")]);
    patient(
        &format!(r#""extension":[{{"url":"urn:x","valueCode":"y","_url":{extension}}}]"#),
        &[(InvalidStructure, "Patient.extension[0]._url")],
    );
}

#[test]
fn primitives_name_their_place() {
    patient(r#""id":"a_b""#, &[(InvalidValue, "Patient.id")]);
    patient(r#""active":"true""#, &[(InvalidStructure, "Patient.active")]);
    patient(r#""multipleBirthInteger":2147483648"#, &[(InvalidValue, "Patient.multipleBirthInteger")]);
    patient(r#""telecom":[{"rank":0}]"#, &[(InvalidValue, "Patient.telecom[0].rank")]);
    patient(r#""meta":{"lastUpdated":"2020-01-01"}"#, &[(InvalidValue, "Patient.meta.lastUpdated")]);
    patient(
        r#""extension":[{"url":"urn:x","valueDecimal":1e400}]"#,
        &[(InvalidValue, "Patient.extension[0].valueDecimal")],
    );
    patient(r#""extension":[{"url":"urn:x","valueDecimal":1.10}]"#, &[]);
}

#[test]
fn bindings() {
    let condition = |status: &str| {
        format!(r#"{{"resourceType":"Condition","subject":{{"display":"x"}},"clinicalStatus":{status}}}"#)
    };
    let coding =
        |system: &str, code: &str| format!(r#"{{"coding":[{{"system":"{system}","code":"{code}"}}]}}"#);
    let system = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    assert_eq!(faults(&condition(&coding(system, "active"))), []);
    assert_eq!(
        faults(&condition(&coding("https://terminology.hl7.org/CodeSystem/condition-clinical", "active"))),
        []
    );
    for wrong in [coding(system, "Active"), coding("http://snomed.info/sct", "active")] {
        assert_eq!(faults(&condition(&wrong)), [(InvalidCode, "Condition.clinicalStatus".to_owned())]);
    }
    patient(r#""gender":"Male""#, &[(InvalidCode, "Patient.gender")]);
    patient(r#""language":"xx-any""#, &[]);
}

#[test]
fn extensions() {
    patient(r#""extension":[{"valueCode":"y"}]"#, &[(MissingElement, "Patient.extension[0].url")]);
    patient(r#""extension":[{"url":"urn:x"}]"#, &[(Invariant, "Patient.extension[0]")]);
    patient(
        r#""extension":[{"url":"urn:x","valueCode":"y","extension":[{"url":"z","valueCode":"y"}]}]"#,
        &[(Invariant, "Patient.extension[0]")],
    );
    patient(
        r#""extension":[{"url":"urn:x","valueCode":"y","valueString":"y"}]"#,
        &[(InvalidStructure, "Patient.extension[0].valueString")],
    );
    patient(r#""extension":[{"url":"urn:x","extension":[{"url":"z","valueCode":"y"}]}]"#, &[]);
}

#[test]
fn references_and_contained_resources() {
    let organization = |id: &str| format!(r#"{{"resourceType":"Organization",{id}"name":"x"}}"#);
    let managed = r##""managingOrganization":{"reference":"#o"}"##;
    patient(&format!(r#""contained":[{}],{managed}"#, organization(r#""id":"o","#)), &[]);
    patient(managed, &[(Invariant, "Patient.managingOrganization.reference")]);
    patient(
        &format!(r#""contained":[{}]"#, organization(r#""id":"o","#)),
        &[(Invariant, "Patient.contained[0]")],
    );
    patient(&format!(r#""contained":[{}]"#, organization("")), &[(Invariant, "Patient.contained[0]")]);
    let nested = r##"{"resourceType":"Organization","id":"o","name":"x","contained":[{"resourceType":"Basic","id":"b","code":{"text":"x"}}],"partOf":{"reference":"#o"}}"##;
    patient(&format!(r#""contained":[{nested}],{managed}"#), &[(Invariant, "Patient.contained[0]")]);
    patient(
        r#""managingOrganization":{"reference":"Patient/1"}"#,
        &[(InvalidValue, "Patient.managingOrganization.reference")],
    );
    patient(r#""managingOrganization":{"reference":"Organization/1"}"#, &[]);
    patient(r#""managingOrganization":{"reference":"http://x/Patient/1"}"#, &[]);
    patient(
        r#""managingOrganization":{"reference":"a b"}"#,
        &[(InvalidValue, "Patient.managingOrganization.reference")],
    );
    patient(
        r#""contained":[{"resourceType":"Nothing"}]"#,
        &[(InvalidStructure, "Patient.contained[0].resourceType"), (Invariant, "Patient.contained[0]")],
    );
}

#[test]
fn nested_resources_are_checked() {
    let bundle = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","x":1}}]}"#;
    assert_eq!(faults(bundle), [(InvalidStructure, "Bundle.entry[0].resource.x".to_owned())]);
    let parameters = r#"{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","x":1}}]}"#;
    assert_eq!(faults(parameters), [(InvalidStructure, "Parameters.parameter[0].resource.x".to_owned())]);
}

#[test]
fn narrative_and_rules() {
    patient(
        r#""text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script></div>"}"#,
        &[(InvalidValue, "Patient.text.div")],
    );
    patient(
        r#""name":[{"period":{"start":"2020-01-02","end":"2020-01-01"}}]"#,
        &[(Invariant, "Patient.name[0].period")],
    );
    patient(r#""name":[{"period":{"start":"2020-01-02","end":"2020"}}]"#, &[]);
    let observation = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueString":"x","dataAbsentReason":{"text":"x"}}"#;
    assert_eq!(faults(observation), [(Invariant, "Observation".to_owned())]);
}

#[test]
fn another_type_than_expected_is_refused() {
    let tree = Json::parse(br#"{"resourceType":"Patient"}"#).unwrap();
    let settings = ValidationSettings::default();
    let expected: TypeId = Definitions::r4().type_id("Observation").unwrap();
    let found = validate(Definitions::r4(), &tree, Some(expected), &settings);
    assert_eq!(found.faults[0].expression.as_deref(), Some("Patient.resourceType"));
}

#[test]
fn nhs_numbers() {
    let identifier =
        |value: &str| format!(r#""identifier":[{{"system":"{}","value":"{value}"}}]"#, nhs_number::SYSTEM);
    patient(&identifier("9000000009"), &[]);
    for wrong in ["9000000000", "900 000 0009", "91000000009", "٩٤٣٤٧٦٥٩١٩"] {
        patient(&identifier(wrong), &[(InvalidNhsNumber, "Patient.identifier[0].value")]);
    }
    let logical = format!(
        r#""managingOrganization":{{"identifier":{{"system":"{}","value":"1"}}}}"#,
        nhs_number::SYSTEM
    );
    patient(&logical, &[(InvalidNhsNumber, "Patient.managingOrganization.identifier.value")]);
    let text = format!("{{\"resourceType\":\"Patient\",{}}}", identifier("9000000000"));
    let settings = ValidationSettings { nhs_numbers: NhsNumbers::Warn, ..ValidationSettings::default() };
    let report = validate(Definitions::r4(), &Json::parse(text.as_bytes()).unwrap(), None, &settings);
    assert!(report.faults.is_empty());
    assert_eq!(report.warnings[0].code, InvalidNhsNumber);
}

#[test]
fn nhs_number_vectors() {
    // From the shared vectors: valid, wrong check digit, no such stem, wrong grouping, other digits.
    for good in
        ["9000000009", "9912003888", "4010232137", "9434765919", "943 476 5919", "943-476-5919", "1111111111"]
    {
        assert!(nhs_number::normalise(good).is_some(), "{good}");
    }
    for bad in [
        "9000000000",
        "9912003890",
        "91000000009",
        "9000000050",
        "123456789",
        "",
        "ABCDEFGHIJ",
        "0000000000",
        "9434 765 919",
        "943 476-5919",
        "٩٤٣٤٧٦٥٩١٩",
    ] {
        assert_eq!(nhs_number::normalise(bad), None, "{bad}");
    }
    assert_eq!(nhs_number::normalise("943 476 5919").as_deref(), Some("9434765919"));
    let Some(path) = tests::published::path("nhs-number-vectors.json") else { return };
    let text = std::fs::read(path).unwrap();
    let vectors = Json::parse(&text).unwrap();
    for vector in vectors.get("vectors").unwrap().each() {
        let value = vector.get("value").and_then(Json::as_str).unwrap();
        let valid = vector.get("valid") == Some(&Json::Bool(true));
        assert_eq!(nhs_number::normalise(value).is_some(), valid, "{value}");
    }
}

#[test]
fn bundles() {
    let bundle = |members: &str| faults(&format!(r#"{{"resourceType":"Bundle",{members}}}"#));
    let found = |code: ErrorCode, path: &str| vec![(code, path.to_owned())];
    let basic = r#""resource":{"resourceType":"Basic","code":{"text":"x"}}"#;
    let post = r#""request":{"method":"POST","url":"Basic"}"#;
    for (members, code, path) in [
        (r#""type":"batch","total":1"#.to_owned(), Invariant, "Bundle.total"),
        (
            format!(r#""type":"batch","entry":[{{{basic},{post},"search":{{"mode":"match"}}}}]"#),
            Invariant,
            "Bundle.entry[0].search",
        ),
        (
            format!(r#""type":"transaction","entry":[{{{basic},{post}}},{{{basic}}}]"#),
            MissingElement,
            "Bundle.entry[1].request",
        ),
        (
            format!(r#""type":"collection","entry":[{{{basic},{post}}}]"#),
            Invariant,
            "Bundle.entry[0].request",
        ),
        (format!(r#""type":"batch-response","entry":[{{{basic}}}]"#), Invariant, "Bundle.entry[0].response"),
        (
            format!(r#""type":"collection","entry":[{{{basic},"response":{{"status":"200"}}}}]"#),
            Invariant,
            "Bundle.entry[0].response",
        ),
        (r#""type":"collection","entry":[{"fullUrl":"urn:x"}]"#.to_owned(), Invariant, "Bundle.entry[0]"),
        (
            format!(
                r#""type":"collection","entry":[{{"fullUrl":"urn:x",{basic}}},{{"fullUrl":"urn:x",{basic}}}]"#
            ),
            Invariant,
            "Bundle.entry[1].fullUrl",
        ),
        (
            format!(r#""type":"collection","entry":[{{"fullUrl":"http://x/Basic/1/_history/2",{basic}}}]"#),
            Invariant,
            "Bundle.entry[0].fullUrl",
        ),
        (format!(r#""type":"message","entry":[{{{basic}}}]"#), Invariant, "Bundle.entry"),
        (
            format!(r#""type":"batch","entry":[{{{basic},"request":{{"method":"SAVE","url":"Basic"}}}}]"#),
            InvalidCode,
            "Bundle.entry[0].request.method",
        ),
        (
            format!(r#""type":"batch","entry":[{{{basic},"request":{{"method":"POST"}}}}]"#),
            MissingElement,
            "Bundle.entry[0].request.url",
        ),
        (
            format!(r#""type":"batch","entry":[{{{post},{basic},"verb":1}}]"#),
            InvalidStructure,
            "Bundle.entry[0].verb",
        ),
    ] {
        assert_eq!(bundle(&members), found(code, path), "{members}");
    }
    let document =
        [(Invariant, "Bundle.identifier"), (Invariant, "Bundle.timestamp"), (Invariant, "Bundle.entry")];
    assert_eq!(bundle(r#""type":"document""#), document.map(|(code, path)| (code, path.to_owned())));
    let versions = format!(
        r#""type":"history","entry":[{{"fullUrl":"urn:x",{post},"response":{{"status":"201"}}}},{{"fullUrl":"urn:x",{post},"response":{{"status":"200"}}}}]"#
    );
    assert_eq!(bundle(&versions), []);
}
