//! The limits of a search and what becomes of unknown parameters, as an operator sets them.

use crate::server::Settings;
use reqwest::Method;
use serde_json::{Value, json};

on_each! {
    fn limits_are_settings(database: Database) {
        let server = Settings::open(database)
            .with("BINNACLE_QUERY_LENGTH", "1024")
            .with("BINNACLE_PAGE_SIZE", "2")
            .with("BINNACLE_PAGE_SIZE_MAX", "3")
            .with("BINNACLE_SEARCH_PARAMETERS", "4")
            .with("BINNACLE_SEARCH_VALUES", "3")
            .with("BINNACLE_SEARCH_CHAIN", "1")
            .with("BINNACLE_SEARCH_SORT_KEYS", "2")
            .with("BINNACLE_SEARCH_INCLUDES", "1")
            .with("BINNACLE_SEARCH_INCLUDED", "2")
            .start();
        let http = server.http();
        let patients: Vec<Value> = (0..5)
            .map(|number| http.create(&json!({ "resourceType": "Patient", "name": [{ "family": format!("F{number}") }] })))
            .collect();
        for patient in &patients {
            let subject = json!({ "reference": crate::http::reference(patient) });
            http.create(&json!({ "resourceType": "Basic", "code": { "text": "x" }, "subject": subject }));
        }
        let entries = |query: &str| http.get(query).expect(200).json()["entry"].as_array().map_or(0, Vec::len);
        assert_eq!((entries("Patient?_sort=family"), entries("Patient?_count=3"), entries("Patient?_count=1000")), (2, 3, 3));
        assert_eq!(http.get("Patient/_history").expect(200).json()["entry"].as_array().unwrap().len(), 2);
        // The links say what was done.
        let page = http.get("Patient?_count=1000").expect(200).json();
        assert!(crate::http::link(&page, "self").unwrap().ends_with("Patient?_count=3"), "{page:#}");
        // Three matches and two of the three that they bring, and a word about the third.
        let page = http.get("Basic?_include=Basic:subject&_count=3").expect(200).json();
        let modes: Vec<&str> = page["entry"].as_array().unwrap().iter().map(|e| e["search"]["mode"].as_str().unwrap()).collect();
        assert_eq!(modes, ["match", "match", "match", "include", "include", "outcome"]);
        for (query, name) in [
            ("Patient?name=a&name=b&name=c&name=d&name=e", "4 parameters"),
            ("Patient?name=a,b,c,d", "name"),
            ("Patient?link:Patient.link:Patient.name=x", "link:Patient"),
            ("Patient?_has:Basic:patient:subject:Patient.name=x", "subject:Patient.name"),
            ("Patient?_sort=family,given,birthdate", "_sort"),
            ("Basic?_include=Basic:subject&_include=Basic:author", "_include"),
        ] {
            let outcome = http.get(query).expect_error(400);
            assert!(outcome.to_string().contains(name), "{query}: {outcome:#}");
        }
        let long = "x".repeat(1100);
        http.get(&format!("Patient?name={long}")).expect_error(414);
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        http.send(Method::POST, "Patient/_search", &form, Some(format!("name:exact={long}").as_bytes())).expect(200);
    }
}

on_each! {
    fn unknown_parameters_may_be_ignored_by_default(database: Database) {
        let server = Settings::open(database).with("BINNACLE_SEARCH_UNKNOWN_PARAMETERS", "ignore").start();
        let http = server.http();
        http.create(&json!({ "resourceType": "Patient" }));
        let page = http.get("Patient?potato=1&_count=5").expect(200).json();
        let modes: Vec<&str> = page["entry"].as_array().unwrap().iter().map(|e| e["search"]["mode"].as_str().unwrap()).collect();
        assert_eq!(modes, ["match", "outcome"]);
        assert!(page.to_string().contains("'potato'"));
        assert!(crate::http::link(&page, "self").unwrap().ends_with("Patient?_count=5"), "{page:#}");
        let strict = |query: &str| http.send(Method::GET, query, &[("Prefer", "handling=strict")], None);
        strict("Patient?potato=1").expect_error(400);
        // Modifiers and values are never ignored.
        http.get("Patient?name:potato=1").expect_error(400);
        http.get("Patient?birthdate=yesterday").expect_error(400);
    }
}
