//! `_include` and `_revinclude` (FHIR R4 `search.html#include`): exact sets, each resource once, by every form of asking.

use crate::http::{Http, ids, set};
use crate::server::unique;
use serde_json::{Value, json};

/// A chain of observations below one patient: `o1` ← `o2` ← `o3` by `has-member`, a provenance of each.
struct Family {
    mark: String,
}

impl Family {
    fn new(http: &Http) -> Family {
        let family = Family { mark: unique("family") };
        let to = |name: &str| json!({ "reference": family.of(name) });
        let code = json!({ "text": "x" });
        for (name, members) in [
            ("o", json!({ "partOf": to("head") })),
            ("head", json!({ "name": "Head" })),
            (
                "p",
                json!({ "managingOrganization": to("o"), "link": [{ "other": to("twin"), "type": "seealso" }] }),
            ),
            ("twin", json!({ "link": [{ "other": to("p"), "type": "seealso" }] })),
            ("o1", json!({ "status": "final", "code": code, "subject": to("p") })),
            (
                "o2",
                json!({ "status": "final", "code": code, "subject": to("p"), "hasMember": [to("o1")],
                "performer": [to("o"), { "reference": "#inner" }],
                "contained": [{ "resourceType": "Practitioner", "id": "inner" }] }),
            ),
            (
                "o3",
                json!({ "status": "final", "code": code, "subject": { "reference": format!("{}/_history/1", family.of("p")) },
                "hasMember": [to("o2"), to("o1")] }),
            ),
            (
                "v3",
                json!({ "target": [to("o3"), to("o1")], "recorded": "2024-01-01T00:00:00Z", "agent": [{ "who": to("o") }] }),
            ),
        ] {
            let type_ = type_of(name);
            let mut resource = json!({ "resourceType": type_, "id": family.id(name) });
            resource.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            let answer = http.put(&family.of(name), &resource);
            assert!(answer.status < 300, "{answer}");
        }
        family
    }

    fn id(&self, name: &str) -> String {
        format!("{name}-{}", self.mark)
    }

    fn of(&self, name: &str) -> String {
        format!("{}/{}", type_of(name), self.id(name))
    }
}

fn type_of(name: &str) -> &'static str {
    match name {
        "o" | "head" => "Organization",
        "p" | "twin" => "Patient",
        "v3" => "Provenance",
        _ => "Observation",
    }
}

/// The names of entries with this mode, in order, each once.
fn of_mode(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().map_or(&[][..], Vec::as_slice);
    let found: Vec<String> = entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == mode)
        .map(|entry| crate::http::reference(&entry["resource"]))
        .collect();
    let mut once = found.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), found.len(), "{found:?}");
    found
}

on_both! {
    fn what_is_brought_along_is_exact(server: &Server) {
        let http = server.http();
        let family = Family::new(http);
        for (name, include, expected) in [
            ("o2", "_include=Observation:subject", "p"),
            ("o2", "_include=Observation:subject:Patient", "p"),
            ("o2", "_include=Observation:subject:Group", ""),
            ("o2", "_include=Observation:has-member&_include=Observation:subject&_include=Observation:patient", "o1 p"),
            ("o3", "_include=Observation:patient", "p"),
            ("o2", "_include=*", "p o1 o"),
            ("o2", "_include=Observation:*", "p o1 o"),
            ("o2", "_include=Observation:*:Organization", "o"),
            ("o3", "_include=Observation:has-member", "o1 o2"),
            ("o3", "_include:iterate=Observation:has-member", "o1 o2"),
            ("o3", "_include=Observation:patient&_include:iterate=Patient:organization&_include:iterate=Organization:partof", "p o head"),
            ("o3", "_include:iterate=*", "o1 o2 p o head twin"),
            ("p", "_include:iterate=Patient:link", "twin"),
            ("o1", "_revinclude=Observation:has-member", "o2 o3"),
            ("o1", "_revinclude:iterate=Observation:has-member", "o2 o3"),
            ("o2", "_revinclude:iterate=Observation:has-member&_revinclude:iterate=Provenance:target", "o3 v3"),
            ("o1", "_revinclude=*", "o2 o3 v3"),
            ("o1", "_revinclude=Provenance:*", "v3"),
            ("o2", "_revinclude=Observation:has-member&_include=Observation:has-member", "o1 o3"),
            ("o1", "_revinclude=Observation:has-member:Observation", "o2 o3"),
            ("head", "_revinclude:iterate=*", "o p twin o1 o2 o3 v3"),
            ("head", "_include=*", ""),
        ] {
            let asked = format!("{}?_id={}&{include}&_total=accurate", type_of(name), family.id(name));
            let bundle = http.get(&asked).expect(200).json();
            assert_eq!(of_mode(&bundle, "match"), [family.of(name)], "{asked}");
            let mut included = of_mode(&bundle, "include");
            included.sort();
            let mut names: Vec<String> = expected.split_whitespace().map(|name| family.of(name)).collect();
            names.sort();
            assert_eq!(included, names, "{asked}");
            assert_eq!(bundle["total"], 1, "{asked}");
        }
        // Across types, and never a match again as included.
        let list = format!("_id={},{}", family.id("o1"), family.id("o2"));
        let both = http.get(&format!("Observation?{list}&_include=Observation:has-member&_count=2")).expect(200).json();
        assert_eq!((of_mode(&both, "match").len(), of_mode(&both, "include").len()), (2, 0));
        let mixed = http.get(&format!("/FHIR/R4?_id={},{}&_include=*", family.id("o2"), family.id("p"))).expect(200).json();
        assert_eq!(ids(&mixed), set(&["o2", "p", "o1", "o", "twin"].map(|name| family.of(name)).each_ref().map(String::as_str)));
        for refused in ["_include:recurse=Patient:link", "_include=**", "_include=*:*", "_include=Observation:subject", "_revinclude=Observation",
            "_revinclude=Observation:code", "_include=Patient:link:Device", "_include="] {
            http.get(&format!("Patient?{refused}")).expect_error(400);
        }
    }
}
