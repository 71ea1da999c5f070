//! Walks over 5,000 matches, to the end and back again, while four writers insert, update and delete (FHIR R4
//! `http.html#paging`): what is there throughout is met exactly once each way.

use super::Ward;
use crate::http::{Http, link, reference};
use crate::server::unique;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Matches at the start of a walk; `BINNACLE_WALK_MATCHES` sets another number.
const MATCHES: usize = 5_000;

fn matches() -> usize {
    std::env::var("BINNACLE_WALK_MATCHES").ok().and_then(|text| text.parse().ok()).unwrap_or(MATCHES)
}

/// Matches added during a walk: a walk in the order of rows would never catch up with writers that always add.
const ADDED: usize = 200;

/// Observation `number` of a crowd; many share a date and a value, and every seventh has no value.
fn member(tag: &str, number: usize, status: &str) -> Value {
    let mut member = json!({
        "resourceType": "Observation", "id": format!("{tag}-{number}"), "status": status, "code": { "text": "crowd" },
        "meta": { "tag": [{ "code": tag }] }, "effectiveDateTime": format!("2024-{:02}-01", 1 + number % 12)
    });
    if !number.is_multiple_of(7) {
        member["valueQuantity"] = json!({ "value": number % 31, "unit": "mg" });
    }
    member
}

fn fill(http: &Http, tag: &str) {
    for from in (0..matches()).step_by(500) {
        let entry = |number: usize| {
            let request = json!({ "method": "PUT", "url": format!("Observation/{tag}-{number}") });
            json!({ "resource": member(tag, number, "final"), "request": request })
        };
        let entries: Vec<Value> = (from..matches().min(from + 500)).map(entry).collect();
        http.bundle(&json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }))
            .expect(200);
    }
}

/// One of four writers: every fourth member from `writer` on. Of three such one stays as it is, one is updated, one deleted; and
/// others are added.
fn write(http: &Http, tag: &str, writer: usize, walking: &AtomicBool, [gone, added]: [&AtomicUsize; 2]) {
    for round in 0.. {
        for number in (writer..matches()).step_by(4) {
            if !walking.load(Ordering::Relaxed) {
                return;
            }
            let path = format!("Observation/{tag}-{number}");
            match number % 3 {
                1 => drop(
                    http.put(&path, &member(tag, number, if round % 2 == 0 { "amended" } else { "final" }))
                        .expect(200),
                ),
                2 if number > gone.load(Ordering::Relaxed) => {
                    http.delete(&path).expect(204);
                    gone.fetch_max(number, Ordering::Relaxed);
                }
                _ if added.fetch_add(1, Ordering::Relaxed) < ADDED => {
                    let mut added = member(tag, number, "preliminary");
                    added.as_object_mut().unwrap().remove("id");
                    http.post("Observation", &added).expect(201);
                }
                _ => {}
            }
        }
    }
}

/// Follows `relation` from the page at `path`; the members of each page, and the last page's address.
fn walk(http: &Http, path: &str, relation: &str) -> (Vec<String>, String) {
    let (mut met, mut at) = (Vec::new(), path.to_owned());
    loop {
        let page = http.get(&at).expect(200).json();
        let entries = page["entry"].as_array().map_or(&[][..], Vec::as_slice);
        met.extend(entries.iter().map(|entry| reference(&entry["resource"])));
        assert!(met.len() < 20 * matches(), "the walk ends");
        match link(&page, relation) {
            Some(next) => at = next.to_owned(),
            None => return (met, at),
        }
    }
}

on_both! {
    fn meets_what_stays_once_each_way_while_four_write(server: &Server) {
        let http = server.http();
        let tag = unique("walk");
        fill(http, &tag);
        for sort in ["", "&_sort=-date", "&_sort=value-quantity,-date"] {
            let (walking, gone, added) = (AtomicBool::new(true), AtomicUsize::new(0), AtomicUsize::new(0));
            let (there, back) = std::thread::scope(|scope| {
                for writer in 0..4 {
                    let (http, tag, walking, counts) = (http.another(), &tag, &walking, [&gone, &added]);
                    scope.spawn(move || write(&http, tag, writer, walking, counts));
                }
                let (there, last) = walk(http, &format!("Observation?_tag={tag}&_count=100{sort}"), "next");
                let (back, _) = walk(http, &last, "previous");
                walking.store(false, Ordering::Relaxed);
                (there, back)
            });
            for (way, met) in [("there", there), ("back", back)] {
                let mut times: BTreeMap<&str, usize> = BTreeMap::new();
                for name in &met { *times.entry(name).or_default() += 1; }
                let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
                assert!(twice.is_empty(), "{sort} {way}: met twice: {twice:?}");
                let stays = (0..matches()).filter(|number| number % 3 != 2).map(|number| format!("Observation/{tag}-{number}"));
                let missed: Vec<String> = stays.filter(|name| !times.contains_key(name.as_str())).collect();
                assert!(missed.is_empty(), "{sort} {way}: {} of {} missed: {:?}", missed.len(), met.len(), &missed[..3.min(missed.len())]);
            }
        }
    }
}

on_both! {
    fn pages_link_to_their_neighbours(server: &Server) {
        let http = server.http();
        let ward = Ward::new(http);
        let [amara, bronwyn, carlo] = ward.patients.clone();
        for (sort, order) in [("", [&amara, &bronwyn, &carlo]), ("&_sort=family", [&carlo, &amara, &bronwyn])] {
            let first = format!("Patient?_tag={}&_count=1{sort}", ward.tag);
            let get = |url: &str| http.get(url).expect(200).json();
            let only = |page: &Value| reference(&page["entry"][0]["resource"]);
            let follow = |page: &Value, relation: &str| get(link(page, relation).expect(relation));
            let pages = [get(&first), follow(&get(&first), "next"), follow(&follow(&get(&first), "next"), "next")];
            assert_eq!(pages.each_ref().map(only).each_ref(), order);
            assert_eq!((link(&pages[0], "previous"), link(&pages[2], "next")), (None, None));
            let back = follow(&pages[2], "previous");
            assert_eq!((only(&back), only(&follow(&back, "next"))), (order[1].clone(), order[2].clone()));
            let start = follow(&back, "previous");
            assert_eq!((only(&start), link(&start, "previous")), (order[0].clone(), None));
            for page in pages.iter().chain([&back, &start]) {
                assert_eq!(only(&follow(page, "first")), *order[0]);
                assert_eq!(only(&follow(page, "self")), only(page));
            }
        }
        // A page that is all has no neighbours.
        let all = http.get(&format!("Patient?_tag={}", ward.tag)).expect(200).json();
        assert_eq!(all["link"].as_array().unwrap().len(), 1, "{all:#}");
    }
}
