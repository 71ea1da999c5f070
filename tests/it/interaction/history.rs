//! FHIR R4 `http.html#history`: of an instance, a type and the system, newest first, in pages.

use super::patient;
use crate::database::Database;
use crate::http::{Http, link, reference};
use crate::server::{Settings, unique};
use serde_json::{Value, json};

/// `Type/id/_history/version` of every entry of a history, following `next` to the end.
fn versions(http: &Http, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(url) = next {
        let page = http.get(&url).expect(200).json();
        assert_eq!(page["type"], "history");
        for entry in page["entry"].as_array().map_or(&[][..], Vec::as_slice) {
            assert!(entry["response"]["status"].is_string() && entry["response"]["lastModified"].is_string());
            let etag = entry["response"]["etag"].as_str().expect("an etag").trim_start_matches("W/");
            let url = entry["fullUrl"].as_str().expect("a fullUrl");
            let at = url.strip_prefix(&format!("{}/", http.base())).expect("a fullUrl below the base");
            found.push(format!("{at}/_history/{}", etag.trim_matches('"')));
        }
        next = link(&page, "next").map(str::to_owned);
        assert!(found.len() < 1000, "paging ends");
    }
    found
}

/// Creates a patient and updates it until it has `count` versions.
fn grow(http: &Http, count: u32) -> String {
    let (_, mut patient) = patient();
    patient["id"] = json!(unique("history"));
    let path = reference(&patient);
    for version in 1..=count {
        patient["multipleBirthInteger"] = json!(version);
        http.put(&path, &patient).expect(if version == 1 { 201 } else { 200 });
    }
    path
}

on_both! {
    fn of_an_instance_is_newest_first_and_pages(server: &Server) {
        let path = grow(server.http(), 5);
        let expected: Vec<String> = (1..=5).rev().map(|version| format!("{path}/_history/{version}")).collect();
        assert_eq!(versions(server.http(), &format!("{path}/_history")), expected);
        assert_eq!(versions(server.http(), &format!("{path}/_history?_count=2")), expected);
        let page = server.http().get(&format!("{path}/_history?_count=2")).expect(200).json();
        assert_eq!((&page["total"], page["entry"].as_array().map(Vec::len)), (&json!(5), Some(2)));
        assert_eq!(page["entry"][0]["resource"]["meta"]["versionId"], "5");
        assert_eq!(page["entry"][0]["request"], json!({ "method": "PUT", "url": path }));
    }
}

on_both! {
    fn of_nobody_is_404(server: &Server) {
        server.http().get(&format!("Patient/{}/_history", unique("nobody"))).expect_error(404);
        server.http().get("Potato/_history").expect_error(404);
    }
}

/// Type and system histories need a store of their own: everything else in it would be seen.
fn of_type_and_system(database: Database) {
    let server = Settings::open(database).start();
    let http = server.http();
    let (one, other) = (grow(http, 2), grow(http, 3));
    let basic = reference(&http.create(&json!({ "resourceType": "Basic", "code": { "text": "note" } })));
    http.delete(&one).expect(204);

    let of_patients: Vec<String> = [(&one, 3), (&other, 3), (&other, 2), (&other, 1), (&one, 2), (&one, 1)]
        .iter()
        .map(|(path, version)| format!("{path}/_history/{version}"))
        .collect();
    assert_eq!(versions(http, "Patient/_history"), of_patients);
    assert_eq!(versions(http, "Patient/_history?_count=1"), of_patients);

    let mut of_all = of_patients;
    of_all.insert(1, format!("{basic}/_history/1"));
    assert_eq!(versions(http, "_history"), of_all);
    assert_eq!(versions(http, "_history?_count=2"), of_all);

    let since =
        |resource: &Value| resource["meta"]["lastUpdated"].as_str().expect("an instant").replace('+', "%2B");
    let instant = since(&http.get(&basic).expect(200).json());
    assert_eq!(versions(http, &format!("_history?_since={instant}")), of_all[..2]);
    http.get("_history?_since=yesterday").expect_error(400);
    http.get("_history?_count=minus").expect_error(400);
}

#[test]
fn of_type_and_system_sqlite() {
    of_type_and_system(Database::Sqlite);
}

#[test]
fn of_type_and_system_postgres() {
    of_type_and_system(Database::Postgres);
}

on_both! {
    /// `_at`: the versions that were current at some time in the period.
    fn at_a_time_is_what_was_current_then(server: &Server) {
        let http = server.http();
        let path = grow(http, 4);
        let instants: Vec<String> = (1..=4).map(|version| {
            let version = http.get(&format!("{path}/_history/{version}")).expect(200).json();
            version["meta"]["lastUpdated"].as_str().unwrap().to_owned()
        }).collect();
        http.delete(&path).expect(204);
        let at = |when: &str| versions(http, &format!("{path}/_history?_at={when}"));
        let expected = |numbers: &[u8]| -> Vec<String> {
            numbers.iter().map(|number| format!("{path}/_history/{number}")).collect()
        };
        for (number, instant) in (1..).zip(&instants) {
            assert_eq!(at(instant), expected(&[number]), "{instant}");
        }
        assert_eq!(at("2000-01-01"), expected(&[]));
        // A deletion is what is current after it.
        assert_eq!(at("2999"), expected(&[5]));
        let year = &instants[0][..4];
        assert_eq!(at(year), expected(&[5, 4, 3, 2, 1]));
        assert_eq!(versions(http, &format!("{path}/_history?_at={year}&_count=2")), expected(&[5, 4, 3, 2, 1]));
        assert_eq!(versions(http, &format!("{path}/_history?_at={year}&_since={}", instants[2])), expected(&[5, 4, 3]));
        for wrong in ["yesterday", "2024-02-30", "", "ge2024"] {
            http.get(&format!("{path}/_history?_at={wrong}")).expect_error(400);
        }
    }
}

on_both! {
    /// Pages do not shift while others write: what was there at the start comes once.
    fn pages_are_stable_under_writes(server: &Server) {
        let http = server.http();
        let path = grow(http, 9);
        let (_, mut patient) = patient();
        patient["id"] = json!(path.strip_prefix("Patient/"));
        let (mut found, mut next, mut round) = (Vec::new(), Some(format!("{path}/_history?_count=2")), 100);
        while let Some(url) = next {
            let page = http.get(&url).expect(200).json();
            let entries = page["entry"].as_array().unwrap().iter();
            found.extend(entries.map(|entry| entry["response"]["etag"].as_str().unwrap().to_owned()));
            next = link(&page, "next").map(str::to_owned);
            patient["multipleBirthInteger"] = json!(round);
            http.put(&path, &patient).expect(200);
            round += 1;
        }
        let expected: Vec<String> = (1..=9).rev().map(|version| format!("W/\"{version}\"")).collect();
        assert_eq!(found, expected);
    }
}

on_both! {
    /// A history is not found only where there never was a resource; a deleted one has its own.
    fn of_a_deleted_resource_is_whole(server: &Server) {
        let http = server.http();
        let path = grow(http, 2);
        http.delete(&path).expect(204);
        let page = http.get(&format!("{path}/_history")).expect(200).json();
        let told: Vec<(&str, &str, bool)> = page["entry"].as_array().unwrap().iter().map(|entry| (
            entry["request"]["method"].as_str().unwrap(),
            entry["response"]["status"].as_str().unwrap(),
            entry.get("resource").is_some(),
        )).collect();
        let of = |method, has| told.iter().filter(|entry| entry.0 == method && entry.2 == has).count();
        assert_eq!((of("DELETE", false), of("PUT", true), told.len()), (1, 2, 3), "{told:?}");
        assert!(told[0].1.starts_with("204"), "{told:?}");
        assert_eq!(http.get(&format!("{path}/_history?_count=0")).expect(200).json()["total"], 3);
    }
}

/// A List of these references.
fn list(references: &[String]) -> Value {
    let entries: Vec<Value> = references.iter().map(|to| json!({ "item": { "reference": to } })).collect();
    json!({ "resourceType": "List", "status": "current", "mode": "working", "entry": entries })
}

on_both! {
    /// `_list`: "only include resource versions that are referenced in the specified list".
    fn of_a_list_is_what_it_names(server: &Server) {
        let http = server.http();
        let (one, two, three) = (grow(http, 3), grow(http, 2), grow(http, 1));
        http.delete(&three).expect(204);
        let named = [one.clone(), format!("{two}/_history/1"), format!("{}/{three}", http.base()), "https://elsewhere.example/Patient/x".into()];
        let made = http.create(&list(&named));
        let list_id = made["id"].as_str().unwrap();
        let expected = |all: &[(&String, u8)]| -> Vec<String> {
            all.iter().map(|(path, number)| format!("{path}/_history/{number}")).collect()
        };
        let all = expected(&[(&three, 2), (&three, 1), (&two, 1), (&one, 3), (&one, 2), (&one, 1)]);
        for scope in ["_history", "Patient/_history"] {
            for id in [list_id.to_owned(), format!("List/{list_id}"), format!("nobody,{list_id}")] {
                assert_eq!(versions(http, &format!("{scope}?_list={id}")), all, "{scope} {id}");
            }
            assert_eq!(versions(http, &format!("{scope}?_list={list_id}&_count=1")), all);
            let page = http.get(&format!("{scope}?_list={list_id}&_count=2")).expect(200).json();
            assert_eq!(page["total"], 6);
            assert!(link(&page, "self").unwrap().contains(&format!("_list={list_id}")));
            let since = http.get(&format!("{two}/_history/1")).expect(200).json()["meta"]["lastUpdated"].as_str().unwrap().to_owned();
            assert_eq!(versions(http, &format!("{scope}?_list={list_id}&_since={since}")), all[..3]);
            assert_eq!(versions(http, &format!("{scope}?_list={list_id}&_at={since}")), expected(&[(&two, 1), (&one, 3)]));
            assert_eq!(versions(http, &format!("{scope}?_list={}", unique("nobody"))), expected(&[]));
            for wrong in ["", "a%20b", "$current-problems", &format!("{list_id}&_list={list_id}")] {
                http.get(&format!("{scope}?_list={wrong}")).expect_error(400);
            }
        }
        assert_eq!(versions(http, &format!("Observation/_history?_list={list_id}")), expected(&[]));
        for (path, numbers) in [(&one, vec![3, 2, 1]), (&two, vec![1]), (&three, vec![2, 1])] {
            let expected: Vec<String> = numbers.iter().map(|number| format!("{path}/_history/{number}")).collect();
            assert_eq!(versions(http, &format!("{path}/_history?_list={list_id}")), expected);
        }
        // A list that is gone names nothing.
        http.delete(&format!("List/{list_id}")).expect(204);
        assert_eq!(versions(http, &format!("_history?_list={list_id}")), expected(&[]));
    }
}

guarded! {
    /// A list shows nobody what they may not see, and who may not search Lists learns nothing from one.
    fn of_a_list_is_what_the_caller_may_see(server: &Server) {
        let system = crate::token::client_credentials(server, "system/*.cruds");
        let person = |mark: &str| reference(&system.create(&json!({ "resourceType": "Patient", "id": mark })));
        let (own, other) = (person("a"), person("b"));
        let of = |subject: &str| {
            let mut list = list(&[own.clone(), other.clone()]);
            list["subject"] = json!({ "reference": subject });
            system.create(&list)["id"].as_str().unwrap().to_owned()
        };
        let (theirs, others) = (of(&own), of(&other));
        let id = own.strip_prefix("Patient/").unwrap();
        let app = crate::token::patient_token(server, id, "patient/*.rs");
        for scope in ["_history", "Patient/_history", &format!("{own}/_history")] {
            assert_eq!(versions(&app, &format!("{scope}?_list={theirs}")), [format!("{own}/_history/1")], "{scope}");
            assert_eq!(versions(&app, &format!("{scope}?_list={others}")), [""; 0], "{scope}");
            let blind = crate::token::patient_token(server, id, "patient/Patient.rs");
            blind.get(&format!("{scope}?_list={theirs}")).expect_error(403);
        }
    }
}
