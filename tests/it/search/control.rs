//! Counts, totals, sorting, includes, paging, and parameters nobody knows.

use super::Ward;
use crate::http::{ids, link, reference, set};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The ids of a Bundle, in order.
fn in_order(bundle: &Value) -> Vec<String> {
    bundle["entry"]
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .map(|e| reference(&e["resource"]))
        .collect()
}

on_both! {
    fn counts_and_totals(server: &Server) {
        let ward = Ward::new(server.http());
        let count = server.http().get(&format!("Patient?_tag={}&_summary=count", ward.tag)).expect(200).json();
        assert_eq!((&count["total"], count.get("entry")), (&json!(3), None));
        let one = server.http().get(&format!("Patient?_tag={}&_count=1&_total=accurate", ward.tag)).expect(200).json();
        assert_eq!((&one["total"], in_order(&one).len()), (&json!(3), 1));
        let zero = server.http().get(&format!("Patient?_tag={}&_count=0", ward.tag)).expect(200).json();
        assert_eq!((&zero["total"], in_order(&zero).len()), (&json!(3), 0));
        server.http().get("Patient?_count=-1").expect_error(400);
        server.http().get("Patient?_total=perhaps").expect_error(400);
    }
}

on_both! {
    fn sorts_by_date_and_last_updated(server: &Server) {
        let ward = Ward::new(server.http());
        let [january, june, other] = &ward.observations;
        let sorted = |sort: &str| {
            in_order(&server.http().get(&format!("Observation?_tag={}&_sort={sort}", ward.tag)).expect(200).json())
        };
        assert_eq!(sorted("date").first(), Some(january));
        assert_eq!(sorted("-date").last(), Some(january));
        assert_eq!(sorted("_lastUpdated"), [january.clone(), june.clone(), other.clone()]);
        assert_eq!(sorted("-_lastUpdated"), [other.clone(), june.clone(), january.clone()]);
        server.http().get("Observation?_sort=potato").expect_error(400);
    }
}

on_both! {
    fn sorts_by_text_and_refuses_what_has_no_order(server: &Server) {
        let ward = Ward::new(server.http());
        let [amara, bronwyn, carlo] = ward.patients.clone();
        let sorted = |sort: &str| {
            in_order(&server.http().get(&format!("Patient?_tag={}&_sort={sort}", ward.tag)).expect(200).json())
        };
        assert_eq!(sorted("family"), [carlo.clone(), amara.clone(), bronwyn.clone()]);
        assert_eq!(sorted("-family"), [bronwyn.clone(), amara.clone(), carlo.clone()]);
        assert_eq!(sorted("-given,birthdate"), [carlo.clone(), bronwyn.clone(), amara.clone()]);
        // No Patient has died: all lack the value, and the next key decides.
        assert_eq!(sorted("-death-date,-birthdate"), [carlo, bronwyn, amara]);
        server.http().get("Observation?_sort=code-value-quantity").expect_error(400);
    }
}

on_both! {
    fn brings_what_refers_to_it_and_iterates(server: &Server) {
        let ward = Ward::new(server.http());
        let [january, june, _] = ward.observations.each_ref().map(String::as_str);
        let amara = ward.patients[0].as_str();
        // A Provenance of a version is found by what it is a version of.
        let provenance = reference(&server.http().create(&json!({
            "resourceType": "Provenance", "recorded": "2024-06-02T08:00:00Z",
            "target": [{ "reference": format!("{june}/_history/1") }], "agent": [{ "who": { "display": "x" } }]
        })));
        let found = |query: &str| ids(&server.http().get(query).expect(200).json());
        let id = amara.trim_start_matches("Patient/");
        assert_eq!(found(&format!("Provenance?target={june}")), set(&[&provenance]));
        assert_eq!(
            found(&format!("Patient?_id={id}&_revinclude=Observation:subject")),
            set(&[amara, january, june])
        );
        let twice = "_revinclude=Observation:subject&_revinclude:iterate=Provenance:target";
        assert_eq!(found(&format!("Patient?_id={id}&{twice}")), set(&[amara, january, june, &provenance]));
        server.http().get("Patient?_revinclude=Observation").expect_error(400);
    }
}

on_both! {
    fn includes_one_hop_once(server: &Server) {
        let ward = Ward::new(server.http());
        let [january, june, _] = ward.observations.each_ref().map(String::as_str);
        let amara = ward.patients[0].as_str();
        let query = format!("Observation?patient={amara}&_include=Observation:subject&_tag={}", ward.tag);
        let bundle = server.http().get(&query).expect(200).json();
        assert_eq!(ids(&bundle), set(&[january, june, amara]));
        let mode = |wanted: &str| -> BTreeSet<String> {
            let entries = bundle["entry"].as_array().unwrap();
            entries.iter().filter(|e| e["search"]["mode"] == wanted).map(|e| reference(&e["resource"])).collect()
        };
        assert_eq!((mode("match"), mode("include")), (set(&[january, june]), set(&[amara])));
        server.http().get("Observation?_include=Observation:potato").expect_error(400);
    }
}

on_both! {
    fn pages_meet_every_resource_once(server: &Server) {
        let ward = Ward::new(server.http());
        for sort in ["", "&_sort=-date", "&_sort=_lastUpdated"] {
            let mut seen = Vec::new();
            let mut next = Some(format!("Observation?_tag={}&_count=1{sort}", ward.tag));
            while let Some(url) = next {
                let page = server.http().get(&url).expect(200).json();
                seen.extend(in_order(&page));
                assert!(seen.len() <= 3, "paging ends: {seen:?}");
                next = link(&page, "next").map(str::to_owned);
            }
            let all: BTreeSet<String> = seen.iter().cloned().collect();
            assert_eq!((seen.len(), all), (3, ward.observations.iter().cloned().collect()), "{sort}");
        }
    }
}

on_both! {
    fn a_forged_cursor_is_refused(server: &Server) {
        let ward = Ward::new(server.http());
        let page = server.http().get(&format!("Patient?_tag={}&_count=1", ward.tag)).expect(200).json();
        let next = link(&page, "next").expect("a next page").to_owned();
        let at = next.len() - 8;
        let flipped = if &next[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{flipped}{}", &next[..at], &next[at + 1..]);
        let answer = server.http().get(&forged);
        assert!([400, 410].contains(&answer.status), "expected a refusal from {answer}");
    }
}

on_both! {
    fn unknown_parameters_are_400_unless_lenient(server: &Server) {
        let ward = Ward::new(server.http());
        let query = format!("Patient?potato=1&_tag={}", ward.tag);
        let outcome = server.http().get(&query).expect_error(400);
        assert!(outcome.to_string().contains("potato"), "the parameter is named: {outcome:#}");
        server.http().send(Method::GET, &query, &[("Prefer", "handling=strict")], None).expect_error(400);
        let lenient = server.http().send(Method::GET, &query, &[("Prefer", "handling=lenient")], None).expect(200).json();
        assert_eq!(ids(&lenient), ward.patients.iter().cloned().collect());
        let warned = lenient["entry"].as_array().unwrap().iter().any(|entry| {
            entry["search"]["mode"] == "outcome" && entry["resource"]["resourceType"] == "OperationOutcome"
        });
        assert!(warned, "what was ignored is said: {lenient:#}");
        let own = link(&lenient, "self").expect("a self link");
        assert!(!own.contains("potato"), "the self link tells what was done: {own}");
        server.http().get("Patient?birthdate=yesterday").expect_error(400);
        server.http().get("Patient?family:potato=x").expect_error(400);
    }
}
