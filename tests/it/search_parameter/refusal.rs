//! What cannot be searched by is refused with 422 and every reason, and not stored; what is not active is stored as it is.

use super::parameter;
use crate::http::{ids, set};
use crate::server::unique;
use serde_json::{Value, json};

/// A change of a good parameter, the element at fault, and what is said.
type Case = (fn(&mut Value), &'static str, &'static str);

const CASES: &[Case] = &[
    (
        |p| p["expression"] = "Patient.name.first()".into(),
        "expression",
        "finds HumanName, which no token is made of",
    ),
    (|p| p["expression"] = "Patient.name.frist()".into(), "expression", "frist"),
    (
        |p| p["expression"] = "Patient.birthDate > now()".into(),
        "expression",
        "'now()' is another at every moment",
    ),
    (
        |p| p["expression"] = "Patient.birthDate + 18 'years' < today()".into(),
        "expression",
        "'today()' is another",
    ),
    (
        |p| p["expression"] = "iif(timeOfDay() > @T12, 'a', 'b')".into(),
        "expression",
        "'timeOfDay()' is another",
    ),
    (
        |p| p["expression"] = "Patient.maritalStatus.memberOf('http://x.org')".into(),
        "expression",
        "terminology server",
    ),
    (|p| p["expression"] = "Patient.conformsTo('http://x.org')".into(), "expression", "asks about a profile"),
    (
        |p| p["expression"] = "Patient.managingOrganization.resolve().active".into(),
        "expression",
        "'resolve()' can only be asked for a type",
    ),
    (
        |p| p["expression"] = "Patient.name.given.where($this = %unknown)".into(),
        "expression",
        "no variable %unknown",
    ),
    (
        |p| p["expression"] = "Patient.name.given.count() | Patient.name.nothing.first()".into(),
        "expression",
        "no element 'nothing'",
    ),
    (
        |p| p["expression"] = "Patient.name.given.count().toQuantity()".into(),
        "expression",
        "finds Quantity, which no token is made of",
    ),
    (
        |p| {
            p["base"] = json!(["Patient", "Device"]);
            p["expression"] =
                "Patient.telecom.exists(use = 'mobile') | Device.telecom.exists(use = 'mobile')".into();
        },
        "expression",
        "not understood for Device",
    ),
    (|p| p["expression"] = "Patient.nothing".into(), "expression", "no element 'nothing'"),
    (|p| p["expression"] = "Patient.name.".into(), "expression", "not understood"),
    (|p| p["expression"] = "Observation.code".into(), "expression", "not understood for Patient"),
    (|p| p["expression"] = "Patient.birthDate".into(), "expression", "which no token is made of"),
    (|p| drop(p.as_object_mut().unwrap().remove("expression")), "expression", "needs an expression"),
    (|p| p["expression"] = "Patient.name | ".repeat(300).into(), "expression", "bytes at most"),
    (|p| p["type"] = "special".into(), "type", "its type"),
    (|p| p["base"] = json!(["Resource"]), "base[0]", "'Resource' is no resource type"),
    (|p| p["base"] = json!(["Patient", "Parameters"]), "base[1]", "'Parameters' is no resource type"),
    (|p| p["code"] = "gender".into(), "code", "has a search parameter 'gender' in FHIR R4"),
    (|p| p["code"] = "_own".into(), "code", "a code is a letter"),
    (|p| p["code"] = "a:b".into(), "code", "a code is a letter"),
    (|p| p["code"] = "a.b".into(), "code", "a code is a letter"),
    (
        |p| {
            p["type"] = "composite".into();
            p["expression"] = "Patient.contact".into();
        },
        "component",
        "two or three components",
    ),
    (
        |p| {
            p["type"] = "composite".into();
            p["expression"] = "Patient.contact".into();
            let component = json!({ "definition": "https://example.org/none", "expression": "gender" });
            p["component"] = json!([component, component]);
        },
        "component[0].definition",
        "is no search parameter of Patient",
    ),
];

on_both! {
    fn what_cannot_be_searched_by_is_refused_with_its_reason(server: &Server) {
        for (number, (change, element, said)) in CASES.iter().enumerate() {
            let id = unique("sp");
            let mut own = parameter(&id, "Patient", &format!("case-{number}"), "token", "Patient.contact.gender");
            change(&mut own);
            let outcome = server.http().put(&format!("SearchParameter/{id}"), &own).expect_error(422);
            let at = json!([format!("SearchParameter.{element}")]);
            let issues = outcome["issue"].as_array().unwrap();
            let issue = issues.iter().find(|issue| issue["expression"] == at);
            let text = issue.unwrap_or_else(|| panic!("{number}: {outcome:#}"))["diagnostics"].as_str().unwrap();
            assert!(text.contains(said), "{number}: {text}");
            server.http().get(&format!("SearchParameter/{id}")).expect_error(404);
        }
    }
}

on_both! {
    fn a_code_that_another_has_is_refused(server: &Server) {
        let (one, two) = (unique("sp"), unique("sp"));
        let first = parameter(&one, "Device", "own-lot", "token", "Device.lotNumber");
        server.http().put(&format!("SearchParameter/{one}"), &first).expect(201);
        let second = parameter(&two, "Device", "own-lot", "string", "Device.lotNumber");
        let outcome = server.http().put(&format!("SearchParameter/{two}"), &second).expect_error(422);
        assert!(outcome.to_string().contains(&one), "{outcome}");
        // In one transaction neither is made.
        let entry = |id: &str, code: &str| json!({ "resource": parameter(id, "Device", code, "token", "Device.lotNumber"),
            "request": { "method": "PUT", "url": format!("SearchParameter/{id}") } });
        let (three, four) = (unique("sp"), unique("sp"));
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry(&three, "lot-b"), entry(&four, "lot-b")] });
        server.http().bundle(&bundle).expect_error(422);
        server.http().get(&format!("SearchParameter/{three}")).expect_error(404);
        // When the first retires, the code is free.
        let mut retired = first.clone();
        retired["status"] = "retired".into();
        server.http().put(&format!("SearchParameter/{one}"), &retired).expect(200);
        server.http().put(&format!("SearchParameter/{two}"), &second).expect(201);
    }
}

on_both! {
    fn what_is_not_active_or_is_r4s_is_a_resource_and_no_more(server: &Server) {
        let (draft, own) = (unique("sp"), unique("sp"));
        let mut resource = parameter(&draft, "Patient", "drafted", "token", "Patient.nothing.at.all()");
        resource["status"] = "draft".into();
        server.http().put(&format!("SearchParameter/{draft}"), &resource).expect(201);
        server.http().get("Patient?drafted=x").expect_error(400);
        // R4's own, and one that restates it.
        let mut r4 = parameter(&own, "Patient", "birthdate", "date", "Patient.birthDate");
        r4["url"] = "http://hl7.org/fhir/SearchParameter/individual-birthdate".into();
        server.http().put(&format!("SearchParameter/{own}"), &r4).expect(201);
        r4["url"] = "https://example.org/fhir/birthdate".into();
        server.http().put(&format!("SearchParameter/{own}"), &r4).expect_error(422);
        r4["derivedFrom"] = "http://hl7.org/fhir/SearchParameter/individual-birthdate".into();
        server.http().put(&format!("SearchParameter/{own}"), &r4).expect(200);
        let found = server.http().get(&format!("SearchParameter?_id={own}&code=birthdate")).expect(200).json();
        assert_eq!(ids(&found), set(&[&format!("SearchParameter/{own}")]));
    }
}
