//! Parameters whose expressions need FHIRPath: every kind of search, exact ids, updates and deletes, and expressions that
//! take more work than they may.

use super::{parameter, searchable};
use crate::http::{Http, ids, set};
use crate::reindex::{check, until};
use crate::server::Settings;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn patient(id: &str, names: Value, more: Value) -> Value {
    let mut patient = json!({ "resourceType": "Patient", "id": id, "name": names });
    for (name, value) in more.as_object().unwrap() {
        patient[name] = value.clone();
    }
    patient
}

fn pressure(id: &str, performer: Value, systolic: f64, system: &str) -> Value {
    let component = |code: &str, value: f64| {
        json!({ "code": { "coding": [{ "system": system, "code": code }] },
            "valueQuantity": { "value": value, "unit": "mm", "system": "http://unitsofmeasure.org", "code": "mm[Hg]" } })
    };
    json!({ "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "x" }, "performer": performer,
        "component": [component("8480-6", systolic), component("8462-4", 80.0)] })
}

fn put(http: &Http, resource: &Value) {
    let address =
        format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
    let status = http.put(&address, resource).status;
    assert!(matches!(status, 200 | 201), "{address}: {status}");
}

/// Base, code, kind, expression.
const OWN: &[(&str, &str, &str, &str)] = &[
    ("Patient", "first-official", "string", "Patient.name.where(use = 'official').given.first()"),
    ("Patient", "mobile", "token", "Patient.telecom.exists(system = 'phone' and use = 'mobile')"),
    ("Patient", "givens", "number", "Patient.name.given.count()"),
    (
        "Patient",
        "last-known",
        "date",
        "iif(Patient.deceased.exists(), Patient.deceased.ofType(dateTime), Patient.birthDate)",
    ),
    (
        "Patient",
        "own-extension",
        "uri",
        "Patient.extension.url.where($this.startsWith('https://example.org/'))",
    ),
    ("Observation", "high", "quantity", "Observation.component.value.ofType(Quantity).where(value > 100)"),
    (
        "Observation",
        "first-practitioner",
        "reference",
        "Observation.performer.where(resolve() is Practitioner).first()",
    ),
    (
        "Observation",
        "loinc-component",
        "composite",
        "Observation.component.where(code.coding.exists(system = %loinc))",
    ),
];

fn define(http: &Http) {
    let entries = OWN.iter().map(|(base, code, kind, expression)| {
        let mut own = parameter(code, base, code, kind, expression);
        match *kind {
            "reference" => own["target"] = json!(["Practitioner"]),
            "composite" => {
                let component = |name: &str, expression: &str| {
                    json!({ "definition": format!("http://hl7.org/fhir/SearchParameter/Observation-{name}"), "expression": expression })
                };
                own["component"] = json!([component("component-code", "code"),
                    component("component-value-quantity", "value.ofType(Quantity)")]);
            }
            _ => {}
        }
        json!({ "resource": own, "request": { "method": "PUT", "url": format!("SearchParameter/{code}") } })
    });
    let bundle =
        json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries.collect::<Vec<_>>() });
    http.bundle(&bundle).expect(200);
}

/// Searches, and what they find before and after the changes of the test.
const FOUND: &[(&str, &[&str], &[&str])] = &[
    ("Patient?first-official=ada", &["Patient/p1"], &["Patient/p2"]),
    ("Patient?first-official=grace", &["Patient/p2"], &[]),
    ("Patient?first-official:contains=ad", &["Patient/p1"], &["Patient/p2"]),
    ("Patient?mobile=true", &["Patient/p1"], &["Patient/p1"]),
    ("Patient?mobile=false", &["Patient/p2", "Patient/p3"], &["Patient/p2"]),
    ("Patient?givens=2", &["Patient/p1"], &["Patient/p2"]),
    ("Patient?givens=lt2", &["Patient/p2", "Patient/p3"], &["Patient/p1"]),
    ("Patient?last-known=2020", &["Patient/p1"], &["Patient/p1"]),
    ("Patient?last-known=lt2000", &["Patient/p2"], &["Patient/p2"]),
    ("Patient?last-known:missing=true", &["Patient/p3"], &[]),
    ("Patient?own-extension=https://example.org/a", &["Patient/p1"], &[]),
    ("Patient?own-extension=https://elsewhere.org/a", &[], &[]),
    ("Patient?own-extension:below=https://example.org", &["Patient/p1"], &["Patient/p2"]),
    ("Observation?high=gt120", &["Observation/b1"], &["Observation/b1"]),
    ("Observation?high=80||mm[Hg]", &[], &[]),
    ("Observation?high:missing=true", &["Observation/b2"], &["Observation/b2"]),
    (
        "Observation?first-practitioner=Practitioner/d1",
        &["Observation/b1", "Observation/b2"],
        &["Observation/b2"],
    ),
    ("Observation?first-practitioner.name=house", &["Observation/b1", "Observation/b2"], &["Observation/b2"]),
    (
        "Observation?first-practitioner:missing=true",
        &["Observation/b3"],
        &["Observation/b1", "Observation/b3"],
    ),
    ("Practitioner?_has:Observation:first-practitioner:high=gt100", &["Practitioner/d1"], &[]),
    ("Observation?loinc-component=8480-6$gt120", &["Observation/b1"], &["Observation/b1"]),
    ("Observation?loinc-component=8462-4$gt120", &[], &[]),
    (
        "Observation?loinc-component=http://loinc.org|8462-4$80",
        &["Observation/b1", "Observation/b2"],
        &["Observation/b1", "Observation/b2"],
    ),
];

on_each! {
    fn every_kind_is_searched_by_what_fhirpath_gives(database: Database) {
        let server = Settings::open(database).start();
        let http = server.http();
        let official = |given: Value| json!([{ "use": "official", "given": given, "family": "Ostler" }]);
        let mobile = json!({ "system": "phone", "use": "mobile", "value": "1" });
        let extension = |url: &str| json!([{ "url": url, "valueBoolean": true }]);
        let practitioner = |id: &str| json!({ "reference": format!("Practitioner/{id}") });
        let patient_performer = json!({ "reference": "Patient/p1" });
        put(http, &json!({ "resourceType": "Practitioner", "id": "d1", "name": [{ "family": "House" }] }));
        put(http, &patient("p1", official(json!(["Ada", "Mary"])), json!({ "telecom": [mobile], "deceasedDateTime": "2020-02-03",
            "birthDate": "1970-01-01", "extension": extension("https://example.org/a") })));
        put(http, &patient("p2", official(json!(["Grace"])), json!({ "birthDate": "1980", "extension": extension("https://elsewhere.org/a") })));
        put(http, &patient("p3", json!([{ "use": "usual", "family": "Ostler" }]), json!({ "telecom": [{ "system": "email", "value": "x" }] })));
        put(http, &pressure("b1", json!([patient_performer, practitioner("d1")]), 140.0, "http://loinc.org"));
        put(http, &pressure("b2", json!([practitioner("d1")]), 90.0, "http://loinc.org"));
        put(http, &pressure("b3", json!([patient_performer]), 105.0, "https://example.org/codes"));
        define(http);
        // Some are indexed as they were before, some as they are written meanwhile.
        put(http, &pressure("b3", json!([patient_performer]), 110.0, "https://example.org/codes"));
        for (search, before, _) in FOUND {
            let found = searchable(http, &format!("{search}&_count=50"));
            assert_eq!(ids(&found), set(before), "{search}");
        }
        check(&server);
        put(http, &patient("p1", json!([{ "use": "usual", "given": ["Ada"] }]), json!({ "telecom": [mobile], "deceasedDateTime": "2020-02-03" })));
        put(http, &patient("p2", official(json!(["Ada", "Grace"])), json!({ "birthDate": "1980", "extension": extension("https://example.org/b") })));
        http.delete("Patient/p3").expect(204);
        put(http, &pressure("b1", json!([patient_performer]), 140.0, "http://loinc.org"));
        for (search, _, after) in FOUND {
            let found = http.get(search).expect(200).json();
            assert_eq!(ids(&found), set(after), "{search}");
        }
        check(&server);
        let told = http.get("metadata").expect(200).json().to_string();
        let document = http.get("/openapi.json").expect(200).json().to_string();
        for (_, code, _, _) in OWN {
            assert!(told.contains(&format!("\"{code}\"")) && document.contains(&format!("\"{code}\"")), "{code}");
        }
    }
}

on_each! {
    fn what_takes_too_much_work_is_left_out_and_no_write_waits_for_it(database: Database) {
        let server = Settings::open(database).start();
        let http = server.http();
        let names = |count: usize| Value::from((0..count).map(|n| json!({ "given": [format!("Given{n}")] })).collect::<Vec<_>>());
        // Every name looks at everything.
        let expression = "Patient.name.where(%resource.descendants().where($this is string).exists($this = 'Given0')).given";
        http.put("SearchParameter/heavy", &parameter("heavy", "Patient", "heavy", "string", expression)).expect(201);
        put(http, &patient("small", names(3), json!({})));
        searchable(http, "Patient?heavy=given1");
        let started = Instant::now();
        put(http, &patient("large", names(3000), json!({})));
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        let found = http.get("Patient?heavy=given1").expect(200).json();
        assert_eq!(ids(&found), set(&["Patient/small"]));
        http.get("Patient/large").expect(200);
        check(&server);
        until("a line in the log", || server.output().contains("could not be evaluated"));
        let output = server.output();
        let line = output.lines().find(|line| line.contains("could not be evaluated")).unwrap();
        assert!(line.contains("Patient.heavy") && line.contains("Limit") && !line.contains("Given"), "{line}");
    }
}
