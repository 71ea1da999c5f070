//! References in every form, by type, identifier and version; canonicals (FHIR R4 `search.html#reference`, `#versions`).

use super::cases;
use crate::http::{Http, reference};
use crate::server::unique;
use serde_json::{Value, json};

fn put(http: &Http, tag: &str, mut resource: Value) -> String {
    resource["meta"] = json!({ "tag": [{ "code": tag }] });
    reference(&http.create(&resource))
}

on_both! {
    fn references_in_every_form(server: &Server) {
        let http = server.http();
        let tag = &unique("reference");
        let observation = |subject: Value| put(http, tag, json!({ "resourceType": "Observation", "status": "final",
            "code": { "text": "x" }, "subject": subject }));
        let (id, base) = (unique("p"), http.base());
        let relative = &observation(json!({ "reference": format!("Patient/{id}") }));
        let absolute = &observation(json!({ "reference": format!("{base}/Patient/{id}") }));
        let versioned = &observation(json!({ "reference": format!("Patient/{id}/_history/2") }));
        let foreign = &observation(json!({ "reference": format!("https://y.example/fhir/Patient/{id}") }));
        let group = &observation(json!({ "reference": format!("Group/{id}") }));
        let logical = &observation(json!({ "identifier": { "system": "urn:nhs", "value": format!("N{id}") } }));
        let both = &observation(json!({ "reference": "Device/d", "identifier": { "value": format!("N{id}") } }));
        let urn = &observation(json!({ "reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "type": "Patient" }));
        let none = &put(http, tag, json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" } }));
        cases(http, tag, &[
            (&*format!("Observation?subject=Patient/{id}"), &[relative, absolute, versioned]),
            (&*format!("Observation?subject={base}/Patient/{id}"), &[relative, absolute, versioned]),
            (&*format!("Observation?patient={id}"), &[relative, absolute, versioned]),
            (&*format!("Observation?subject={id}"), &[relative, absolute, versioned, group]),
            (&*format!("Observation?subject:Patient={id}"), &[relative, absolute, versioned]),
            (&*format!("Observation?subject:Group={id}"), &[group]),
            (&*format!("Observation?subject:Group=Group/{id}"), &[group]),
            (&*format!("Observation?subject=Patient/{id}/_history/2"), &[versioned]),
            (&*format!("Observation?subject=Patient/{id}/_history/1"), &[]),
            (&*format!("Observation?subject=https://y.example/fhir/Patient/{id}"), &[foreign]),
            (&*format!("Observation?subject=https://y.example/Patient/{id}"), &[]),
            ("Observation?subject=urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", &[urn]),
            (&*format!("Observation?subject=Patient/{id},Group/{id}"), &[relative, absolute, versioned, group]),
            (&*format!("Observation?subject:identifier=urn:nhs|N{id}"), &[logical]),
            (&*format!("Observation?subject:identifier=n{id}"), &[logical, both]),
            (&*format!("Observation?subject:identifier=|N{id}"), &[both]),
            ("Observation?subject:identifier=urn:nhs|", &[logical]),
            ("Observation?subject:missing=true", &[none]),
            (&*format!("Observation?patient=Patient/{id}&subject:missing=false"), &[relative, absolute, versioned]),
        ]);
        for bad in ["subject=", "subject=#p", "subject=Foo/1", "subject=Patient/", "subject=a b", "patient=Group/1",
            "subject:Medication=1", "subject:Foo=1", "subject:exact=1", "subject:above=1", "subject:below=Patient/1"] {
            http.get(&format!("Observation?{}", bad.replace('#', "%23"))).expect_error(400);
        }
    }
}

on_both! {
    fn canonicals_and_their_versions(server: &Server) {
        let http = server.http();
        let tag = &unique("canonical");
        let url = format!("https://example.org/PlanDefinition/{tag}");
        let plan = |canonical: String| put(http, tag, json!({ "resourceType": "CarePlan", "status": "active",
            "intent": "plan", "subject": { "display": "x" }, "instantiatesCanonical": [canonical] }));
        let [none, one, minor, patch, ten, two] =
            &["", "|1", "|1.1", "|1.1.5", "|10", "|2.0"].map(|version| plan(format!("{url}{version}")));
        let other = &plan(format!("{url}x|1"));
        let search = |modifier: &str, version: &str| format!("CarePlan?instantiates-canonical{modifier}={url}{version}");
        let all = &[none.as_str(), one, minor, patch, ten, two];
        cases(http, tag, &[
            (&*search("", ""), all), (&*search("", "|1"), &[one]), (&*search("", "|3"), &[]),
            (&*search(":below", ""), all), (&*search(":below", "|1"), &[one, minor, patch]),
            (&*search(":below", "|1.1"), &[minor, patch]), (&*search(":below", "|1.1.5"), &[patch]),
            (&*search(":above", "|1.1"), &[none, one, minor]), (&*search(":above", "|1.1.5.9"), &[none, one, minor, patch]),
            (&*search(":above", "|10"), &[none, ten]), (&*search(":above", ""), &[none]),
            (&*format!("CarePlan?instantiates-canonical={url}x"), &[other]),
            (&*format!("CarePlan?instantiates-canonical:missing=false&instantiates-canonical={url}|2.0"), &[two]),
        ]);
        for bad in [":identifier=x", ":below=1", ":above=PlanDefinition/1", ":exact=x"] {
            http.get(&format!("CarePlan?instantiates-canonical{bad}")).expect_error(400);
        }
    }
}
