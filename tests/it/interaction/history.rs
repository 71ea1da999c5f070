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
