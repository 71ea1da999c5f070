//! References by canonical URL (`FHIR R4 references.html#canonical`): includes, chains and `_has` follow them to the
//! resources that have the URL, and the version where one is written; and what a reference to a version brings along.

use super::named::{Named, refused};
use crate::http::{Http, ids, reference, set};
use crate::server::unique;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What `query` brings along, by name.
fn included(http: &Http, query: &str) -> BTreeSet<String> {
    let bundle = http.get(query).expect(200).json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == "include");
    let found: Vec<String> = of_mode.map(|entry| reference(&entry["resource"])).collect();
    let once: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(once.len(), found.len(), "{query}: {found:?}");
    once
}

on_both! {
    fn canonicals_are_followed_by_url_and_version(server: &Server) {
        let http = server.http();
        let mark = unique("canonical");
        let url = |name: &str| format!("http://example.org/{mark}/{name}");
        let questionnaire = |version: Option<&str>, title: &str| {
            let mut resource = json!({ "resourceType": "Questionnaire", "status": "active", "url": url("q"), "title": title });
            if let Some(version) = version {
                resource["version"] = json!(version);
            }
            resource
        };
        let answers = |canonical: String| json!({
            "resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": canonical
        });
        let plan = |url_: String, on: &[String]| json!({
            "resourceType": "PlanDefinition", "status": "active", "url": url_, "title": "Plan",
            "relatedArtifact": on.iter().map(|on| json!({ "type": "depends-on", "resource": on })).collect::<Vec<_>>()
        });
        let named = Named::new(http, vec![
            ("q1", questionnaire(Some("1.0"), "First")),
            ("q2", questionnaire(Some("2.0"), "Second")),
            ("q0", questionnaire(None, "None")),
            ("any", answers(url("q"))),
            ("one", answers(format!("{}|1.0", url("q")))),
            ("gone", answers(format!("{}|3", url("q")))),
            ("other", answers("http://example.org/elsewhere".to_owned())),
            ("library", json!({ "resourceType": "Library", "status": "active", "url": url("l"), "title": "Books",
                "type": { "text": "x" } })),
            ("base", plan(url("base"), &[format!("{}#part", url("l"))])),
            ("top", plan(url("top"), &[url("base"), format!("{}|2.0", url("q"))])),
        ]);
        let named_set = |names: &str| -> BTreeSet<String> {
            names.split_whitespace().map(|name| named.reference(name).to_owned()).collect()
        };
        for (name, include, expected) in [
            ("any", "_include=QuestionnaireResponse:questionnaire", "q0 q1 q2"),
            ("one", "_include=QuestionnaireResponse:questionnaire", "q1"),
            ("one", "_include=QuestionnaireResponse:questionnaire:Questionnaire", "q1"),
            ("one", "_include=*", "q1"),
            ("one", "_include=QuestionnaireResponse:*", "q1"),
            ("gone", "_include=QuestionnaireResponse:questionnaire", ""),
            ("other", "_include=QuestionnaireResponse:questionnaire", ""),
            ("q1", "_revinclude=QuestionnaireResponse:questionnaire", "any one"),
            ("q2", "_revinclude=QuestionnaireResponse:questionnaire", "any"),
            ("q0", "_revinclude=QuestionnaireResponse:questionnaire", "any"),
            ("q2", "_revinclude=*", "any top"),
            ("top", "_include=PlanDefinition:depends-on", "base q2"),
            ("top", "_include=PlanDefinition:depends-on:Questionnaire", "q2"),
            ("top", "_include=PlanDefinition:depends-on:Library", ""),
            ("top", "_include:iterate=PlanDefinition:depends-on", "base q2 library"),
            ("library", "_revinclude=PlanDefinition:depends-on", "base"),
            ("library", "_revinclude:iterate=PlanDefinition:depends-on", "base top"),
        ] {
            let (type_, id) = named.reference(name).split_once('/').unwrap();
            let asked = format!("{type_}?_id={id}&{include}&_total=accurate");
            assert_eq!(included(http, &asked), named_set(expected), "{asked}");
        }
        named.expect(http, &[
            ("QuestionnaireResponse?questionnaire.title=first", "any one"),
            ("QuestionnaireResponse?questionnaire:Questionnaire.title=second", "any"),
            ("QuestionnaireResponse?questionnaire.version=2.0,1.0", "any one"),
            ("QuestionnaireResponse?_filter=questionnaire.title eq second", "any"),
            ("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed", "q0 q1 q2"),
            ("Questionnaire?_has:PlanDefinition:depends-on:title=plan", "q2"),
            ("Library?_has:PlanDefinition:depends-on:_has:PlanDefinition:depends-on:title=plan", "library"),
            ("PlanDefinition?depends-on:Library.title=books", "base"),
            ("PlanDefinition?depends-on:PlanDefinition.depends-on:Library.title=books", "top"),
        ]);
        refused(http, &[("QuestionnaireResponse?questionnaire:Library.title=x", "never refers to a Library")]);

        // The rows follow an update of the URL, and go with the resource.
        let mut moved = http.get(named.reference("q1")).expect(200).json();
        moved["url"] = json!(url("moved"));
        http.put(named.reference("q1"), &moved).expect(200);
        let one = named.reference("one").split_once('/').unwrap().1;
        let asked = format!("QuestionnaireResponse?_id={one}&_include=QuestionnaireResponse:questionnaire");
        assert_eq!(included(http, &asked), BTreeSet::new());
        moved["url"] = json!(url("q"));
        http.put(named.reference("q1"), &moved).expect(200);
        assert_eq!(included(http, &asked), named_set("q1"));
        http.delete(named.reference("q1")).expect(204);
        assert_eq!(included(http, &asked), BTreeSet::new());
    }

}

on_both! {
    /// `docs/decisions/0126`: the current version comes along, whatever version the reference names.
    fn a_versioned_reference_brings_the_current_version(server: &Server) {
        let http = server.http();
        let patient = http.create(&json!({ "resourceType": "Patient", "gender": "male" }));
        let address = reference(&patient);
        let mut changed: Value = patient;
        changed["gender"] = json!("female");
        http.put(&address, &changed).expect(200);
        let observation = http.create(&json!({
            "resourceType": "Observation", "status": "final", "code": { "text": "x" },
            "subject": { "reference": format!("{address}/_history/1") }
        }));
        let id = observation["id"].as_str().unwrap();
        let bundle = http.get(&format!("Observation?_id={id}&_include=Observation:subject")).expect(200).json();
        assert_eq!(ids(&bundle), set(&[&reference(&observation), &address]));
        let entry = &bundle["entry"][1];
        assert_eq!((&entry["resource"]["meta"]["versionId"], &entry["resource"]["gender"]), (&json!("2"), &json!("female")));
        assert_eq!(entry["fullUrl"], format!("{}/{address}", http.base()));
        let back = http.get(&format!("{}?_id={}&_revinclude=Observation:subject", "Patient", address.split_once('/').unwrap().1));
        assert_eq!(ids(&back.expect(200).json()), set(&[&reference(&observation), &address]));
        // The one it names is a read away; of a deleted resource nothing comes along.
        let first = http.get(&format!("{address}/_history/1")).expect(200).json();
        assert_eq!(first["gender"], "male");
        http.delete(&address).expect(204);
        let bundle = http.get(&format!("Observation?_id={id}&_include=Observation:subject")).expect(200).json();
        assert_eq!(ids(&bundle), set(&[&reference(&observation)]));
    }
}

guarded! {
    /// What a canonical leads to comes along only where the caller may see it.
    fn canonicals_keep_access(server: &Server) {
        let open = crate::token::client_credentials(server, "system/*.cruds");
        let url = format!("http://example.org/{}", unique("canonical"));
        let create = |resource: &Value| {
            reference(&open.create(resource))
        };
        let questionnaire = create(&json!({ "resourceType": "Questionnaire", "status": "active", "url": url, "title": "Q" }));
        let response = create(&json!({ "resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": url }));
        let id = response.split_once('/').unwrap().1;
        let asked = format!("QuestionnaireResponse?_id={id}&_include=QuestionnaireResponse:questionnaire");
        let both = crate::token::client_credentials(server, "system/QuestionnaireResponse.rs system/Questionnaire.rs");
        assert_eq!(included(&both, &asked), BTreeSet::from([questionnaire]));
        let one = crate::token::client_credentials(server, "system/QuestionnaireResponse.rs");
        assert_eq!(included(&one, &asked), BTreeSet::new());
        one.get(&format!("QuestionnaireResponse?_id={id}&questionnaire.title=q")).expect_error(403);
    }
}
