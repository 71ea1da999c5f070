//! Codes of stored ValueSets (`:in`, `:not-in`), and members of Lists, Groups and CareTeams (`_list`, `_in`).

use super::cases;
use crate::http::{Http, reference};
use crate::server::unique;
use crate::token::client_credentials;
use serde_json::{Value, json};

fn put(http: &Http, tag: &str, mut resource: Value) -> String {
    resource["meta"] = json!({ "tag": [{ "code": tag }] });
    reference(&http.create(&resource))
}

on_both! {
    fn codes_are_looked_for_in_stored_value_sets(server: &Server) {
        let http = server.http();
        let tag = &unique("in");
        let system = format!("urn:system:{tag}");
        let condition = |code: &str| put(http, tag, json!({ "resourceType": "Condition", "subject": { "display": "x" },
            "code": { "coding": [{ "system": system, "code": code }] } }));
        let (a, b, c) = (&condition("a"), &condition("B"), &condition("c"));
        let bare = &put(http, tag, json!({ "resourceType": "Condition", "subject": { "display": "x" },
            "code": { "coding": [{ "code": "a" }] } }));
        let url = format!("https://example.org/ValueSet/{tag}");
        let set = |version: &str, members: Value| {
            let mut set = json!({ "resourceType": "ValueSet", "status": "active", "url": url, "version": version });
            for (name, value) in members.as_object().unwrap() {
                set[name] = value.clone();
            }
            put(http, tag, set)
        };
        let include = |codes: &[&str]| {
            let concept: Vec<Value> = codes.iter().map(|code| json!({ "code": code })).collect();
            json!({ "system": system, "concept": concept })
        };
        let one = set("1.0", json!({ "compose": { "include": [include(&["a", "b"])] } }));
        let two = set("2.0", json!({ "expansion": { "timestamp": "2024-01-01T00:00:00Z", "contains": [
            { "abstract": true, "display": "All", "contains": [{ "system": system, "code": "c" }] } ] } }));
        let filter = set("3.0", json!({ "compose": { "include": [
            { "system": system, "filter": [{ "property": "concept", "op": "is-a", "value": "a" }] }] } }));
        let whole = set("4.0", json!({ "compose": { "include": [{ "system": system }] } }));
        let import = set("5.0", json!({ "compose": { "include": [{ "valueSet": [format!("{url}|1.0")] }] } }));
        let excluded = set("6.0", json!({ "compose": { "include": [include(&["a", "b", "c"])],
            "exclude": [include(&["B"])] } }));
        let base = http.base();
        cases(http, tag, &[
            (&*format!("Condition?code:in={url}|1.0"), &[a, b]),
            (&*format!("Condition?code:in={one}"), &[a, b]),
            (&*format!("Condition?code:in={base}/{one}"), &[a, b]),
            (&*format!("Condition?code:in={url}|2.0"), &[c]),
            (&*format!("Condition?code:in={url}|1.0,{two}"), &[a, b, c]),
            (&*format!("Condition?code:in={url}|1.0&code:in={excluded}"), &[a]),
            (&*format!("Condition?code:not-in={url}|1.0"), &[c, bare]),
            (&*format!("Condition?code:not-in={two}"), &[a, b, bare]),
            // Of several versions the one that was stored last.
            (&*format!("Condition?code:in={url}"), &[a, c]),
        ]);
        for (set, reason) in [
            (&*filter, "filter"), (&*whole, "whole code system"), (&*import, "other value sets"),
            ("ValueSet/nowhere", "not stored"), ("http://snomed.info/sct?fhir_vs=isa/126851005", "not stored"),
            ("Patient/1", "ValueSet"), ("male", "ValueSet"), (&*format!("{url}|9"), "not stored"),
        ] {
            let set = set.replace('?', "%3F");
            let outcome = http.get(&format!("Condition?code:in={set}")).expect_error(400);
            let said = outcome.to_string();
            assert!(said.contains(reason) && said.contains("code:in"), "{set}: {outcome:#}");
        }
        // A set that changes is another set; one that is gone is none.
        let id = one.trim_start_matches("ValueSet/");
        http.put(&one, &json!({ "resourceType": "ValueSet", "id": id, "status": "active",
            "compose": { "include": [include(&["c"])] } })).expect(200);
        cases(http, tag, &[(&*format!("Condition?code:in={one}"), &[c])]);
        http.delete(&one);
        http.get(&format!("Condition?code:in={one}")).expect_error(400);
    }
}

on_both! {
    fn codes_of_required_bindings_are_in_sets_of_their_system(server: &Server) {
        let http = server.http();
        let tag = &unique("gender");
        let patient = |gender: &str| put(http, tag, json!({ "resourceType": "Patient", "gender": gender }));
        let (male, other) = (&patient("male"), &patient("other"));
        let observation = &put(http, tag, json!({ "resourceType": "Observation", "status": "final",
            "code": { "text": "x" }, "subject": { "reference": male } }));
        let set = put(http, tag, json!({ "resourceType": "ValueSet", "status": "active", "compose": { "include": [
            { "system": "http://hl7.org/fhir/administrative-gender", "concept": [{ "code": "male" }] }] } }));
        cases(http, tag, &[
            (&*format!("Patient?gender:in={set}"), &[male]),
            (&*format!("Patient?gender:not-in={set}"), &[other]),
            (&*format!("Observation?subject:Patient.gender:in={set}"), &[observation]),
            (&*format!("Patient?_has:Observation:patient:status:in={set}"), &[]),
        ]);
    }
}

on_both! {
    fn members_of_lists_groups_and_care_teams(server: &Server) {
        let http = server.http();
        let tag = &unique("list");
        let [a, b, c] = &["female", "male", "male"].map(|gender| put(http, tag, json!({ "resourceType": "Patient", "gender": gender })));
        let of = |patient: &str| put(http, tag, json!({ "resourceType": "Observation", "status": "final",
            "code": { "text": "x" }, "subject": { "reference": patient } }));
        let (of_a, of_b) = (&of(a), &of(b));
        let item = |target: &str| json!({ "item": { "reference": target } });
        let gone = json!({ "deleted": true, "item": { "reference": b } });
        let list = put(http, tag, json!({ "resourceType": "List", "status": "current", "mode": "changes",
            "entry": [item(a), gone, item(&format!("{}/{of_a}", http.base())), item("Patient/nowhere")] }));
        let empty = put(http, tag, json!({ "resourceType": "List", "status": "current", "mode": "working" }));
        let group = put(http, tag, json!({ "resourceType": "Group", "type": "person", "actual": true, "member": [
            { "entity": { "reference": b } }, { "entity": { "reference": c }, "inactive": true }] }));
        let team = put(http, tag, json!({ "resourceType": "CareTeam", "subject": { "reference": a },
            "participant": [{ "member": { "reference": c } }, { "member": { "display": "x" } }] }));
        let id = |name: &str| name.split_once('/').unwrap().1.to_owned();
        let (list_id, empty_id, group_id) = (id(&list), id(&empty), id(&group));
        cases(http, tag, &[
            // Every entry of a list, as R4 has it.
            (&*format!("Patient?_list={list_id}"), &[a, b]), (&*format!("Patient?_list={list}"), &[a, b]),
            (&*format!("Patient?_list={list_id}&gender=male"), &[b]),
            (&*format!("Observation?_list={list_id}"), &[of_a]),
            (&*format!("Patient?_list={empty_id}"), &[]), (&*format!("Patient?_list={empty_id},{list_id}"), &[a, b]),
            ("Patient?_list=nowhere", &[]),
            // Members that are neither deleted nor inactive.
            (&*format!("Patient?_in={list}"), &[a]), (&*format!("Patient?_in={group}"), &[b]),
            (&*format!("Patient?_in={group_id}"), &[b]), (&*format!("Patient?_in={team}"), &[c]),
            (&*format!("Patient?_in={team},{group}"), &[b, c]), (&*format!("Patient?_in={group}&_in={list}"), &[]),
            (&*format!("Observation?patient._in={group}"), &[of_b]),
            (&*format!("Observation?patient._list={list_id}&code:missing=false"), &[of_a, of_b]),
        ]);
        for bad in ["_list=$current-problems", "_list=Group/1", "_list=a b", "_in=Patient/1", "_in=!", "_list:not=1"] {
            http.get(&format!("Patient?{bad}")).expect_error(400);
        }
        http.delete(&list);
        cases(http, tag, &[(&*format!("Patient?_list={list_id}"), &[]), (&*format!("Patient?_in={list}"), &[])]);
    }
}

guarded! {
    fn sets_and_lists_are_looked_at_with_the_callers_rights(server: &Server) {
        let all = client_credentials(server, "system/*.cruds");
        let tag = &unique("rights");
        let system = format!("urn:system:{tag}");
        let url = format!("https://example.org/ValueSet/{tag}");
        put(&all, tag, json!({ "resourceType": "ValueSet", "status": "active", "url": url, "compose": { "include": [
            { "system": system, "concept": [{ "code": "a" }] }] } }));
        let coded = &put(&all, tag, json!({ "resourceType": "Observation", "status": "final",
            "code": { "coding": [{ "system": system, "code": "a" }] } }));
        let list = put(&all, tag, json!({ "resourceType": "List", "status": "current", "mode": "working",
            "entry": [{ "item": { "reference": coded } }] }));
        let list = list.trim_start_matches("List/");
        let both = client_credentials(server, "system/Observation.rs system/ValueSet.rs system/List.rs");
        for caller in [&all, &both] {
            cases(caller, tag, &[
                (&*format!("Observation?code:in={url}"), &[coded]),
                (&*format!("Observation?code:not-in={url}"), &[]),
                (&*format!("Observation?_list={list}"), &[coded]),
            ]);
        }
        let one = client_credentials(server, "system/Observation.rs");
        for query in [format!("code:in={url}"), format!("code:in={url}-none")] {
            one.get(&format!("Observation?{query}")).expect(400);
        }
        one.get(&format!("Observation?_list={list}")).expect(403);
    }
}
