//! String, token, reference and date parameters, AND and OR, and what every resource has.

use super::Ward;
use crate::http::set;
use reqwest::Method;

on_both! {
    fn the_kinds_of_value_find_exactly_their_resources(server: &Server) {
        let http = server.http();
        let ward = Ward::new(http);
        let [amara, bronwyn, carlo] = ward.patients.each_ref().map(String::as_str);
        let [january, june, other] = ward.observations.each_ref().map(String::as_str);
        let tag = &ward.tag;
        let amara_id = amara.trim_start_matches("Patient/");
        let cases: Vec<(String, Vec<&str>)> = vec![
            // string: starts with, without case and accents (search.html#string)
            ("Patient?family=whit".into(), vec![amara, bronwyn]),
            ("Patient?family=WHITF".into(), vec![amara]),
            ("Patient?family=field".into(), vec![]),
            ("Patient?given=bronwyn".into(), vec![bronwyn]),
            ("Patient?name=carlo".into(), vec![carlo]),
            ("Patient?name=singh".into(), vec![carlo]),
            // token: code, system|code, |code, system| (search.html#token)
            ("Patient?gender=female".into(), vec![amara, bronwyn]),
            ("Patient?gender=http://hl7.org/fhir/administrative-gender|male".into(), vec![carlo]),
            (format!("Patient?identifier=https://example.org/mrn|{tag}-Amara"), vec![amara]),
            (format!("Patient?identifier={tag}-Carlo"), vec![carlo]),
            (format!("Patient?identifier=|{tag}-Carlo"), vec![]),
            (format!("Patient?identifier=https://example.org/other|{tag}-Carlo"), vec![]),
            ("Patient?identifier=https://example.org/mrn|".into(), vec![amara, bronwyn, carlo]),
            ("Observation?code=http://loinc.org|29463-7".into(), vec![january, other]),
            ("Observation?code=8867-4".into(), vec![june]),
            // reference: id, Type/id, URL (search.html#reference)
            (format!("Observation?subject={amara}"), vec![january, june]),
            (format!("Observation?patient={amara_id}"), vec![january, june]),
            (format!("Observation?subject={}/{bronwyn}", http.base()), vec![other]),
            (format!("Observation?subject:Patient={amara_id}"), vec![january, june]),
            (format!("Observation?patient={carlo}"), vec![]),
            // date: precision and prefixes (search.html#date)
            ("Patient?birthdate=1950-01-31".into(), vec![amara]),
            ("Patient?birthdate=1961".into(), vec![bronwyn, carlo]),
            ("Patient?birthdate=1961-11".into(), vec![carlo]),
            ("Patient?birthdate=gt1961-03-09".into(), vec![carlo]),
            ("Patient?birthdate=ge1961-03-09".into(), vec![bronwyn, carlo]),
            ("Patient?birthdate=lt1961".into(), vec![amara]),
            ("Patient?birthdate=ge1950&birthdate=le1960".into(), vec![amara]),
            ("Observation?date=2024-06".into(), vec![june, other]),
            ("Observation?date=lt2024-06-01T10:00:00Z".into(), vec![january]),
            ("Observation?date=eq2024-06-01T11:00:00%2B01:00".into(), vec![june, other]),
            // several are ANDed, commas ORed
            ("Patient?family=whit&birthdate=1961".into(), vec![bronwyn]),
            ("Patient?family=whitf,singh".into(), vec![amara, carlo]),
            (format!("Observation?patient={amara},{bronwyn}&code=29463-7"), vec![january, other]),
            // of every resource
            (format!("Patient?_id={amara_id},{}", carlo.trim_start_matches("Patient/")), vec![amara, carlo]),
            ("Patient?_lastUpdated=ge2020".into(), vec![amara, bronwyn, carlo]),
            ("Patient?_lastUpdated=lt2020".into(), vec![]),
            ("Patient?_tag=https://example.org/ward|nothing".into(), vec![]),
        ];
        let mut wrong = Vec::new();
        for (query, expected) in &cases {
            let found = ward.finds(http, query);
            if found != set(expected) {
                wrong.push(format!("{query}: expected {expected:?}, found {found:?}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} queries:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }
}

on_both! {
    fn post_search_is_the_same_search(server: &Server) {
        let ward = Ward::new(server.http());
        let body = format!("family=whit&_tag={}", ward.tag);
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = server.http().send(Method::POST, "Patient/_search", &form, Some(body.as_bytes())).expect(200);
        assert_eq!(crate::http::ids(&answer.json()), set(&[&ward.patients[0], &ward.patients[1]]));
    }
}

on_both! {
    fn profile_and_security_are_found(server: &Server) {
        let mark = crate::server::unique("label");
        let profile = format!("https://example.org/StructureDefinition/{mark}");
        let stored = server.http().create(&serde_json::json!({
            "resourceType": "Basic", "code": { "text": "x" },
            "meta": { "profile": [profile], "security": [{ "system": "https://example.org/security", "code": mark }] }
        }));
        let only = set(&[&crate::http::reference(&stored)]);
        for query in [format!("Basic?_profile={profile}"), format!("Basic?_security=https://example.org/security|{mark}")] {
            assert_eq!(crate::http::ids(&server.http().get(&query).expect(200).json()), only, "{query}");
        }
    }
}
