//! Tokens on every data type and with every modifier (FHIR R4 `search.html#token`).

use super::cases;
use crate::http::{Http, reference};
use crate::server::unique;
use serde_json::{Value, json};

/// Creates a resource that carries `tag`; its `Type/id`.
fn put(http: &Http, tag: &str, mut resource: Value) -> String {
    resource["meta"] = json!({ "tag": [{ "code": tag }] });
    reference(&http.create(&resource))
}

fn patient(http: &Http, tag: &str, members: Value) -> String {
    let mut resource = json!({ "resourceType": "Patient" });
    for (name, value) in members.as_object().expect("members") {
        resource[name] = value.clone();
    }
    put(http, tag, resource)
}

fn condition(http: &Http, tag: &str, code: Value) -> String {
    put(http, tag, json!({ "resourceType": "Condition", "subject": { "display": "x" }, "code": code }))
}

on_both! {
    fn codes_identifiers_contacts_and_flags(server: &Server) {
        let http = server.http();
        let tag = &unique("token");
        let one = &patient(http, tag, json!({
            "active": true, "gender": "female",
            "identifier": [
                { "system": "urn:mrn", "value": "Ab|1,2$3\\4", "type": { "text": "Médical Record",
                    "coding": [{ "system": "urn:types", "code": "MR" }, { "system": "urn:other", "code": "XX" }] } },
                { "value": "free" }
            ],
            "telecom": [{ "system": "email", "value": "Ann@X.example" }, { "system": "phone", "value": "0113 1" }],
            "maritalStatus": { "coding": [{ "system": "urn:ms", "code": "M", "display": "Married" }] },
            "communication": [{ "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": "cy" }] } }]
        }));
        let two = &patient(http, tag, json!({
            "active": false, "gender": "male",
            "identifier": [{ "system": "urn:other", "value": "AB" }],
            "telecom": [{ "system": "phone", "value": "0113 2" }],
            "deceasedBoolean": true
        }));
        let three = &patient(http, tag, json!({ "deceasedDateTime": "2020-01-01" }));
        let all = &[one.as_str(), two, three];
        cases(http, tag, &[
            // boolean, code with the system that its binding implies
            ("Patient?active=true", &[one]), ("Patient?active=false", &[two]),
            ("Patient?active:not=true", &[two, three]), ("Patient?active:missing=true", &[three]),
            ("Patient?gender=female", &[one]), ("Patient?gender=FEMALE", &[one]),
            ("Patient?gender=http://hl7.org/fhir/administrative-gender|male", &[two]),
            ("Patient?gender=http://hl7.org/fhir/administrative-gender|", &[one, two]),
            ("Patient?gender=urn:other|male", &[]),
            ("Patient?gender:not=male", &[one, three]), ("Patient?gender:not=male,female", &[three]),
            ("Patient?gender:not=male&gender:not=female", &[three]),
            ("Patient?deceased=true", &[two, three]), ("Patient?deceased=false", &[one]),
            // Identifier: value, system, none; escapes of the separators
            ("Patient?identifier=free", &[one]), ("Patient?identifier=|free", &[one]),
            ("Patient?identifier=urn:mrn|free", &[]), ("Patient?identifier=urn:mrn|", &[one]),
            ("Patient?identifier=urn:mrn|,urn:other|ab", &[one, two]),
            (r"Patient?identifier=Ab\|1\,2\$3\\4", &[one]), (r"Patient?identifier=urn:mrn|ab\|1\,2\$3\\4", &[one]),
            (r"Patient?identifier=|Ab\|1\,2\$3\\4", &[]),
            ("Patient?identifier=ab", &[two]), ("Patient?identifier=a", &[]),
            ("Patient?identifier:of-type=urn:types|MR|Ab\\|1\\,2\\$3\\\\4", &[one]),
            ("Patient?identifier:of-type=urn:other|XX|Ab\\|1\\,2\\$3\\\\4", &[one]),
            ("Patient?identifier:of-type=urn:types|XX|Ab\\|1\\,2\\$3\\\\4", &[]),
            ("Patient?identifier:of-type=urn:types|MR|free", &[]),
            ("Patient?identifier:text=medical", &[one]), ("Patient?identifier:text=record", &[]),
            // ContactPoint: its value alone
            ("Patient?telecom=ann@x.example", &[one]), ("Patient?email=ann@x.example", &[one]),
            ("Patient?phone=ann@x.example", &[]), ("Patient?phone=0113 1,0113 2", &[one, two]),
            ("Patient?telecom:missing=true", &[three]),
            // CodeableConcept
            ("Patient?language=cy", &[one]), ("Patient?language=urn:ietf:bcp:47|CY", &[one]),
            ("Patient?_id:missing=false", all), ("Patient?_lastUpdated:missing=true", &[]),
        ]);
        let id = one.trim_start_matches("Patient/");
        cases(http, tag, &[(&*format!("Patient?_id:not={id}"), &[two, three])]);
        for bad in ["telecom=email|x", "active=|true", "active=x|true", "identifier=|", "identifier=a|b|c", "gender=",
            "identifier:of-type=urn:types|MR", "identifier:of-type=|MR|x", "gender:exact=male", "gender:missing=yes",
            "identifier=a\\b", "gender:above=male", "gender:below=male"] {
            http.get(&format!("Patient?{bad}")).expect_error(400);
        }
    }
}

on_both! {
    fn concepts_with_and_without_systems_and_case(server: &Server) {
        let http = server.http();
        let tag = &unique("concept");
        let coding = |system: &str, code: &str| json!({ "coding": [{ "system": system, "code": code }] });
        let snomed = &condition(http, tag, json!({
            "coding": [{ "system": "http://snomed.info/sct", "code": "22298006", "display": "Myocardial infarction" },
                { "code": "local" }], "text": "Heart attack" }));
        let read = &condition(http, tag, coding("http://read.info/ctv3", "XaIqk"));
        let other = &condition(http, tag, coding("http://read.info/ctv3", "XaIqK"));
        let icd = &condition(http, tag, coding("http://hl7.org/fhir/sid/icd-10", "I21.9"));
        let text = &condition(http, tag, json!({ "text": "Heartburn" }));
        let none = &put(http, tag, json!({ "resourceType": "Condition", "subject": { "display": "x" } }));
        cases(http, tag, &[
            ("Condition?code=22298006", &[snomed]), ("Condition?code=http://snomed.info/sct|22298006", &[snomed]),
            ("Condition?code=|22298006", &[]), ("Condition?code=|local", &[snomed]), ("Condition?code=|LOCAL", &[snomed]),
            ("Condition?code=http://snomed.info/sct|local", &[]),
            // Case tells Read codes apart, ICD's not.
            ("Condition?code=http://read.info/ctv3|XaIqk", &[read]), ("Condition?code=XaIqk", &[read]),
            ("Condition?code=XaIqK", &[other]), ("Condition?code=xaiqk", &[]),
            ("Condition?code=http://read.info/ctv3|", &[read, other]),
            ("Condition?code=i21.9", &[icd]), ("Condition?code=http://hl7.org/fhir/sid/icd-10|i21.9", &[icd]),
            ("Condition?code=HTTP://hl7.org/fhir/sid/icd-10|i21.9", &[]),
            ("Condition?code:text=heart", &[snomed, text]), ("Condition?code:text=myocard,heartb", &[snomed, text]),
            ("Condition?code:text=attack", &[]),
            ("Condition?code:missing=true", &[none]), ("Condition?code:missing=false", &[snomed, read, other, icd, text]),
            ("Condition?code:not=22298006", &[read, other, icd, text, none]),
            ("Condition?code:not=http://read.info/ctv3|", &[snomed, icd, text, none]),
        ]);
        for bad in ["code:above=http://snomed.info/sct|1", "code:below=http://snomed.info/sct|1"] {
            let outcome = http.get(&format!("Condition?{bad}")).expect_error(400);
            assert!(outcome.to_string().contains("terminology"), "{outcome:#}");
        }
    }
}

on_both! {
    fn mime_types_below_leave_parameters_out(server: &Server) {
        let http = server.http();
        let tag = &unique("mime");
        let document = |mime: &str| put(http, tag, json!({
            "resourceType": "DocumentReference", "status": "current",
            "content": [{ "attachment": { "contentType": mime, "url": "https://x.example/a" } }]
        }));
        let (plain, utf, html) =
            (&document("text/xml"), &document("text/xml; charset=UTF-8"), &document("text/html"));
        cases(http, tag, &[
            ("DocumentReference?contenttype=text/xml", &[plain]),
            ("DocumentReference?contenttype:below=text/xml", &[plain, utf]),
            ("DocumentReference?contenttype:below=TEXT/HTML", &[html]),
            ("DocumentReference?contenttype:below=text/plain", &[]),
        ]);
        http.get("DocumentReference?contenttype:above=text/xml").expect_error(400);
    }
}

on_both! {
    fn sorts_by_code_and_by_reference(server: &Server) {
        let http = server.http();
        let tag = &unique("order");
        let patients = ["A", "b", "C"].map(|value| patient(http, tag, json!({ "identifier": [{ "value": value }] })));
        let sorted = |query: &str| -> Vec<String> {
            let (mut found, mut next) = (Vec::new(), Some(format!("{query}&_tag={tag}&_count=2")));
            while let Some(url) = next {
                let page = http.get(&url).expect(200).json();
                found.extend(page["entry"].as_array().unwrap().iter().map(|entry| reference(&entry["resource"])));
                next = crate::http::link(&page, "next").map(str::to_owned);
            }
            found
        };
        let [a, b, c] = patients.clone();
        assert_eq!(sorted("Patient?_sort=identifier"), [a.clone(), b.clone(), c.clone()]);
        assert_eq!(sorted("Patient?_sort=-identifier"), [c.clone(), b.clone(), a.clone()]);
        let observation = |status: &str, subject: &Value| put(http, tag, json!({
            "resourceType": "Observation", "status": status, "code": { "text": "x" }, "subject": subject }));
        let of = |patient: &str| json!({ "reference": patient });
        let mut by_id = [a, b, c];
        by_id.sort();
        let [first, second, third] = &by_id;
        let last = observation("final", &of(third));
        let nobody = observation("amended", &json!({ "display": "x" }));
        let early = observation("preliminary", &of(first));
        let middle = observation("corrected", &json!({ "reference": format!("{}/{second}", http.base()) }));
        let elsewhere = observation("registered", &of("https://y.example/Patient/1"));
        assert_eq!(
            sorted("Observation?_sort=subject"),
            [early.clone(), middle.clone(), last.clone(), elsewhere.clone(), nobody.clone()]
        );
        assert_eq!(
            sorted("Observation?_sort=-patient"),
            [elsewhere.clone(), last.clone(), middle.clone(), early.clone(), nobody.clone()]
        );
        assert_eq!(sorted("Observation?_sort=status"), [nobody, middle, last, early, elsewhere]);
        http.get("Observation?_sort=code-value-quantity").expect_error(400);
    }
}
