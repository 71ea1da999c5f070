//! Search on one type (FHIR R4 `search.html`): parameters, controls, includes and paging, by exact sets of ids.

mod canonical;
mod control;
mod cursor;
mod deep;
mod filter;
mod include;
mod limits;
mod listed;
mod membership;
mod named;
mod near;
mod ordered;
mod parameter;
mod quantity;
mod reference;
mod scope;
mod sort;
mod subset;
mod table;
mod text;
mod token;
mod totals;
mod walk;

use crate::http::{Http, reference};
use crate::server::unique;
use serde_json::{Value, json};

/// Three patients and their observations that only this ward's tag finds: `&_tag={tag}` keeps other tests out.
pub(crate) struct Ward {
    /// The code of the tag all its resources carry.
    pub(crate) tag: String,
    /// `Patient/id`: Amara Whitfield (f, 1950-01-31), Bronwyn Whitley (f, 1961-03-09), Carlo Singh (m, 1961-11).
    pub(crate) patients: [String; 3],
    /// `Observation/id`: of the first patient on 2024-01-01, of the first on 2024-06-01, of the second on 2024-06-01.
    pub(crate) observations: [String; 3],
}

impl Ward {
    /// Fills a ward.
    pub(crate) fn new(http: &Http) -> Self {
        let tag = unique("ward");
        let meta = json!({ "tag": [{ "system": "https://example.org/ward", "code": tag }] });
        let patient = |family: &str, given: &str, gender: &str, birth: &str| {
            let resource = json!({
                "resourceType": "Patient", "meta": meta, "gender": gender, "birthDate": birth,
                "name": [{ "family": family, "given": [given] }],
                "identifier": [{ "system": "https://example.org/mrn", "value": format!("{tag}-{given}") }]
            });
            reference(&http.create(&resource))
        };
        let patients = [
            patient("Whitfield", "Amara", "female", "1950-01-31"),
            patient("Whitley", "Brônwyn", "female", "1961-03-09"),
            patient("Singh", "Carlo", "male", "1961-11"),
        ];
        let observation = |subject: &str, code: &str, day: &str| {
            let resource: Value = json!({
                "resourceType": "Observation", "meta": meta, "status": "final",
                "code": { "coding": [{ "system": "http://loinc.org", "code": code, "display": "Body weight" }] },
                "subject": { "reference": subject }, "effectiveDateTime": format!("{day}T10:00:00Z")
            });
            reference(&http.create(&resource))
        };
        let observations = [
            observation(&patients[0], "29463-7", "2024-01-01"),
            observation(&patients[0], "8867-4", "2024-06-01"),
            observation(&patients[1], "29463-7", "2024-06-01"),
        ];
        Self { tag, patients, observations }
    }

    /// The ids that `query` (`Type?a=b`) finds in this ward.
    #[track_caller]
    pub(crate) fn finds(&self, http: &Http, query: &str) -> std::collections::BTreeSet<String> {
        let bundle = http.get(&format!("{query}&_tag={}", self.tag)).expect(200).json();
        assert_eq!(bundle["type"], "searchset");
        crate::http::ids(&bundle)
    }
}

/// Asserts that each query (`Type?a=b`) finds exactly these resources among those that carry `tag`.
#[track_caller]
fn cases(http: &Http, tag: &str, cases: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (query, expected) in cases {
        let bundle = http.get(&format!("{query}&_tag={tag}&_count=100")).expect(200).json();
        let (found, expected) = (crate::http::ids(&bundle), crate::http::set(expected));
        if found != expected {
            wrong.push(format!("{query}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} queries:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
