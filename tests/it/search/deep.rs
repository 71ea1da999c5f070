//! Chains and `_has` over many references, with and without types, and searches as large as they may be: answered or refused
//! in little time, whatever their links may lead to (`FHIR R4 search.html#chaining`).

use super::named::{Named, refused};
use crate::http::Http;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What one search may take in a debug build on a machine that does other things too.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks, in time.
fn timed(http: &Http, type_: &str, form: &str) -> crate::http::Answer {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let start = Instant::now();
    let answer = http.send(Method::POST, &format!("{type_}/_search"), &headers, Some(form.as_bytes()));
    let taken = start.elapsed();
    assert!(taken < LIMIT, "{taken:?} for {} bytes: {}", form.len(), &form[..form.len().min(300)]);
    answer
}

/// An organization in another in another, a patient of the first, an encounter, observations and lists of them.
fn family(http: &Http) -> Named {
    let mark = crate::server::unique("deep");
    let id = |name: &str| format!("{mark}-{name}");
    let to = |type_: &str, name: &str| json!({ "reference": format!("{type_}/{}", id(name)) });
    let named: Vec<(&'static str, Value)> = vec![
        ("top", json!({ "resourceType": "Organization", "name": "Top" })),
        (
            "middle",
            json!({ "resourceType": "Organization", "name": "Middle", "partOf": to("Organization", "top") }),
        ),
        (
            "low",
            json!({ "resourceType": "Organization", "name": "Low", "partOf": to("Organization", "middle") }),
        ),
        (
            "amara",
            json!({ "resourceType": "Patient", "gender": "female", "managingOrganization": to("Organization", "low") }),
        ),
        ("carlo", json!({ "resourceType": "Patient", "gender": "male" })),
        (
            "visit",
            json!({ "resourceType": "Encounter", "status": "finished", "class": { "code": "AMB" }, "subject": to("Patient", "amara") }),
        ),
        (
            "weight",
            json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" }, "subject": to("Patient", "amara"),
            "encounter": to("Encounter", "visit") }),
        ),
        (
            "height",
            json!({ "resourceType": "Observation", "status": "amended", "code": { "text": "x" }, "subject": to("Patient", "carlo") }),
        ),
        (
            "list",
            json!({ "resourceType": "List", "status": "current", "mode": "working",
            "entry": [{ "item": to("Observation", "weight") }, { "item": to("Patient", "amara") }] }),
        ),
        (
            "lists",
            json!({ "resourceType": "List", "status": "current", "mode": "working", "entry": [{ "item": to("List", "list") }] }),
        ),
    ];
    Named::with_ids(http, &mark, named)
}

on_both! {
    fn links_lead_on_as_far_as_they_may(server: &Server) {
        let http = server.http();
        let named = family(http);
        named.expect(http, &[
            ("Observation?encounter:Encounter.patient:Patient.organization:Organization.name=low", "weight"),
            ("Observation?encounter.subject.organization.partof.name=middle", "weight"),
            ("Observation?encounter.subject.organization.partof.partof.name=top", "weight"),
            ("Observation?subject.gender=female", "weight"),
            ("Observation?subject.gender=male,female&status=amended", "height"),
            ("Organization?_has:Patient:organization:_has:Observation:patient:status=final", "low"),
            ("Organization?_has:Organization:partof:_has:Patient:organization:_has:Observation:subject:encounter.status=finished", "middle"),
            ("Patient?_has:Observation:patient:_has:List:item:_has:List:item:status=current", "amara"),
            // What R4 lets refer to some of the types is looked for on those alone.
            ("Observation?subject._has:Encounter:patient:status=finished", "weight"),
            // Any type, read once for all that are read alike.
            ("List?item.item._id:not=nobody", "lists"),
            ("List?item._has:List:item:item._has:List:item:status=current", "list lists"),
            ("List?item.status=final", "list"),
        ]);
        refused(http, &[
            ("Observation?subject:Group._has:Condition:asserter:code=x", "never refers to a Group"),
            ("Observation?subject._has:Encounter:practitioner:status=finished", "never refers to a"),
        ]);
    }
}

on_both! {
    fn what_leads_everywhere_is_bounded(server: &Server) {
        let http = server.http();
        // 112 types to end at; then 1,014, and 739,752.
        timed(http, "VerificationResult", "target.identifier=x").expect(200);
        for form in ["target.derived-from.identifier=x", "target.derived-from.derived-from.derived-from.derived-from.identifier=x"] {
            let outcome = timed(http, "VerificationResult", form).expect_error(400);
            assert!(outcome.to_string().contains("say which, like '"), "{outcome:#}");
        }
        // Deep, and broad at its end: each link may be to a contained resource too, which doubles what is looked at.
        timed(http, "List", "item:List.item:List.item.identifier=x").expect(200);
        let deeper = "item:List.item:List.item:List.item:List.item.identifier=x";
        let outcome = timed(http, "List", deeper).expect_error(400);
        assert!(outcome.to_string().contains("too many values at once"), "{outcome:#}");
        let values: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        timed(http, "List", &format!("item.identifier={}", values.join(","))).expect(200);
        // Any type at each of three links, but the same at the end of all.
        timed(http, "List", "item._has:List:item:item._has:List:item:item._id=x").expect(200);
    }
}

on_both! {
    fn as_many_values_as_may_be_are_found_and_more_refused(server: &Server) {
        let http = server.http();
        let values = |make: &dyn Fn(usize) -> String| (0..500).map(make).collect::<Vec<_>>().join(",");
        let codes = values(&|number| format!("urn:s%7C{number}"));
        timed(http, "Observation", &format!("code={codes}")).expect(200);
        timed(http, "Observation", &format!("subject:Patient.identifier={codes}")).expect(200);
        let deep = "encounter:Encounter.patient:Patient.organization:Organization.partof:Organization.partof:Organization.identifier";
        let some: Vec<String> = (0..100).map(|number| format!("urn:s%7C{number}")).collect();
        timed(http, "Observation", &format!("{deep}={}", some.join(","))).expect(200);
        timed(http, "Observation", &format!("{deep}={codes}")).expect_error(400);
        let some = some.join(",");
        timed(http, "Observation", &format!("encounter.subject.organization.partof.identifier:not={some}")).expect(200);
        timed(http, "Observation", &format!("subject={}", values(&|number| format!("nobody{number}")))).expect(200);
        timed(http, "Observation", &format!("value-quantity={}", values(&|number| format!("gt{number}")))).expect(200);
        let pairs = values(&|number| format!("urn:s%7C{number}$gt{number}"));
        timed(http, "Observation", &format!("component-code-value-quantity={pairs}")).expect(200);
        timed(http, "Observation", &format!("code={codes}&category={codes}&status={codes}")).expect(200);
        for form in [
            // Five hundred values at each of a hundred ends; of every type each; a hundred parameters of five hundred values.
            format!("target.identifier={codes}"),
            format!("target={}", values(&|number| format!("nobody{number}"))),
            vec![format!("target:Patient.identifier={codes}"); 100].join("&"),
            // A hundred of the largest chains that are allowed.
            vec!["target.identifier=x"; 100].join("&"),
        ] {
            let outcome = timed(http, "VerificationResult", &form).expect_error(400);
            assert!(outcome.to_string().contains("too many values"), "{outcome:#}");
        }
    }
}
