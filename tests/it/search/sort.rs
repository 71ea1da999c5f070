//! `_sort` over resources of several types (`FHIR R4 search.html#sort`): by every parameter that all of them have, each its
//! own; and what cannot be sorted by.

use super::named::{Named, refused};
use crate::http::{Http, link, reference};
use serde_json::json;

/// The names of the matches in order, page by page of two.
fn in_order(http: &Http, named: &Named, query: &str) -> String {
    let mut found: Vec<String> = Vec::new();
    let mut next = Some(format!("{}/?{query}&_tag={}&_count=2&_total=accurate", http.base(), named.tag()));
    let mut total = None;
    while let Some(page) = next {
        let bundle = http.get(&page).expect(200).json();
        total = total.or_else(|| bundle["total"].as_u64());
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        found.extend(entries.iter().map(|entry| named.name(&reference(&entry["resource"])).to_owned()));
        next = link(&bundle, "next").map(str::to_owned);
    }
    assert_eq!(total, u64::try_from(found.len()).ok(), "{query}");
    found.join(" ")
}

on_both! {
    fn several_types_are_sorted_by_what_all_of_them_have(server: &Server) {
        let http = server.http();
        let subject = json!({ "reference": "Patient/nobody" });
        let observation = |day: &str, status: &str| json!({
            "resourceType": "Observation", "status": status, "code": { "text": "x" }, "subject": subject,
            "effectiveDateTime": day
        });
        let report = |day: &str, status: &str| json!({
            "resourceType": "DiagnosticReport", "status": status, "code": { "text": "x" }, "subject": subject,
            "effectivePeriod": { "start": day }
        });
        let named = Named::new(http, vec![
            ("o3", observation("2024-03-01", "final")),
            ("d1", report("2024-01-01", "partial")),
            ("none", json!({ "resourceType": "Observation", "status": "amended", "code": { "text": "x" } })),
            ("o1", observation("2024-01-15", "amended")),
            ("d2", report("2024-02-01", "final")),
            ("c4", json!({ "resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": subject, "period": { "start": "2024-04-01" } })),
            ("zoe", json!({ "resourceType": "Patient", "name": [{ "family": "Zoe" }] })),
            ("mill", json!({ "resourceType": "Organization", "name": "Mill" })),
            ("abe", json!({ "resourceType": "Patient", "name": [{ "family": "Ábe" }, { "family": "Zz" }] })),
        ]);
        for (query, expected) in [
            ("_type=Observation,DiagnosticReport,CarePlan&_sort=date", "d1 o1 d2 o3 c4 none"),
            ("_type=Observation,DiagnosticReport,CarePlan&_sort=-date", "c4 o3 d2 o1 d1 none"),
            ("_type=DiagnosticReport,Observation&_sort=date", "d1 o1 d2 o3 none"),
            ("_type=DiagnosticReport,Observation&_sort=status,-date", "o1 none o3 d2 d1"),
            ("_type=DiagnosticReport,Observation&_sort=-date&date=ge2024-02", "o3 d2 d1"),
            ("_type=DiagnosticReport,Observation&_sort=patient,date", "d1 o1 d2 o3 none"),
            ("_type=Patient,Organization&_sort=name", "abe mill zoe"),
            ("_type=Patient,Organization&_sort=-name", "abe zoe mill"),
            ("_type=Patient,Organization,Observation&_sort=identifier,_lastUpdated", "o3 none o1 zoe mill abe"),
            // where it stands among the parameters makes no difference
            ("_sort=-name&_type=Patient,Organization", "abe zoe mill"),
        ] {
            assert_eq!(in_order(http, &named, query), expected, "{query}");
        }
        refused(http, &[
            ("?_type=Patient,Observation&_sort=date", "Patient has no search parameter 'date'"),
            ("?_type=Observation,Patient&_sort=birthdate", "Observation has no search parameter 'birthdate'"),
            ("?_sort=date", "every resource has no search parameter 'date'"),
            ("?_type=Observation,Goal&_sort=code", "Goal has no search parameter 'code'"),
            ("?_type=CarePlan,Task&_sort=performer", "of CarePlan is of type reference, of Task of type token"),
            ("?_type=Patient,Location&_sort=near", "Patient has no"),
        ]);
    }
}
