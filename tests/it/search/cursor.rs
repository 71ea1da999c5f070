//! Page cursors: whom they serve, how long they live, and what a walk by them meets while others write.

use super::Ward;
use crate::database::Database;
use crate::http::{Http, link, reference};
use crate::server::{Server, Settings, unique};
use base64::Engine;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// The path and query of a page's `next` link, below the FHIR base, so that it can be sent to another process.
#[track_caller]
fn next(page: &Value) -> Option<String> {
    let url = link(page, "next")?;
    let (_, path) = url.split_once("/FHIR/R4/").expect("a link below the base");
    Some(path.to_owned())
}

/// Walks from `first` to the last page; the matches in order.
fn walk(http: &Http, first: &str, mut between: impl FnMut(usize)) -> Vec<String> {
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut url = Some(first.to_owned());
    while let Some(path) = url {
        let page = http.get(&path).expect(200).json();
        let entries = page["entry"].as_array().map_or(&[][..], Vec::as_slice);
        seen.extend(entries.iter().map(|entry| reference(&entry["resource"])));
        pages += 1;
        assert!(pages < 500, "the walk ends");
        between(pages);
        url = next(&page);
    }
    seen
}

fn serves_other_processes_and_outlives_a_restart(database: Database) {
    let one = Settings::open(database).start();
    let ward = Ward::new(one.http());
    let two = one.beside();
    for sort in ["", "&_sort=-date", "&_sort=_lastUpdated"] {
        let first = format!("Observation?_tag={}&_count=1{sort}", ward.tag);
        let page = one.http().get(&first).expect(200).json();
        let here = walk(one.http(), &next(&page).expect("a second page"), |_| ());
        let there = walk(two.http(), &next(&page).expect("a second page"), |_| ());
        assert_eq!((here.len(), &here), (2, &there), "{sort}");
    }
    let history = two.http().get("Patient/_history?_count=1").expect(200).json();
    let page = one.http().get(&format!("Patient?_tag={}&_count=2", ward.tag)).expect(200).json();
    drop(two);
    let again = one.restart();
    assert_eq!(walk(again.http(), &next(&page).expect("a second page"), |_| ()), ward.patients[2..]);
    again.http().get(&next(&history).expect("an older version")).expect(200);
}

#[test]
fn serves_other_processes_and_outlives_a_restart_sqlite() {
    serves_other_processes_and_outlives_a_restart(Database::Sqlite);
}

#[test]
fn serves_other_processes_and_outlives_a_restart_postgres() {
    serves_other_processes_and_outlives_a_restart(Database::Postgres);
}

/// A caller with a token of a new client, `system/` scopes.
fn client(server: &Server, scope: &str) -> Http {
    let (id, secret) = (unique("client"), "bRk0q3vY2m1XnT8sJ5wLh7Gd4pZc6aFe");
    let add =
        ["client", "add", "--id", &id, "--secret-stdin", "--grant", "client_credentials", "--scope", scope];
    let added = server.command(&add, &format!("{secret}\n"));
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    let headers = [
        ("Authorization", &*format!("Basic {basic}")),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let form = format!("grant_type=client_credentials&scope={}", scope.replace(' ', "+"));
    let answer =
        server.http().send(Method::POST, "/oauth2/token", &headers, Some(form.as_bytes())).expect(200);
    server.http().with_token(answer.json()["access_token"].as_str().expect("an access token"))
}

fn serves_its_caller_and_query_only(database: Database) {
    let server = Server::guarded(database);
    let own = client(server, "system/*.cruds");
    let ward = Ward::new(&own);
    let first = format!("Patient?_tag={}&_count=1", ward.tag);
    let page = own.get(&first).expect(200).json();
    let next = next(&page).expect("a second page");
    let (query, cursor) = next.split_once("_cursor=").expect("a cursor");
    let cursor = cursor.split('&').next().unwrap_or_default();

    // Another client with the same scopes, and one that may see more or less.
    for scope in ["system/*.cruds", "system/*.rs", "system/Patient.s"] {
        client(server, scope).get(&next).expect_error(400);
    }
    // Another query, type, sort, and the cursor of a history.
    for other in [
        format!("Patient?_tag={}x&_count=1&_cursor={cursor}", ward.tag),
        format!("Observation?_tag={}&_count=1&_cursor={cursor}", ward.tag),
        format!("Patient?_tag={}&_count=1&_sort=birthdate&_cursor={cursor}", ward.tag),
        format!("Patient/_history?_count=1&_cursor={cursor}"),
        format!("{query}_cursor=&_cursor={cursor}"),
        format!("{query}_cursor={cursor}A"),
        format!("{query}_cursor=A{cursor}"),
    ] {
        own.get(&other).expect_error(400);
    }
    for at in (0..cursor.len()).step_by(5) {
        let mut altered = cursor.as_bytes().to_vec();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        own.get(&format!("{query}_cursor={}", String::from_utf8_lossy(&altered))).expect_error(400);
    }
    // A page of another size goes on from the same place.
    let rest = own.get(&format!("Patient?_tag={}&_count=5&_cursor={cursor}", ward.tag)).expect(200).json();
    assert_eq!(crate::http::ids(&rest), ward.patients[1..].iter().cloned().collect());
    own.get(&next).expect(200);
}

#[test]
fn serves_its_caller_and_query_only_sqlite() {
    serves_its_caller_and_query_only(Database::Sqlite);
}

#[test]
fn serves_its_caller_and_query_only_postgres() {
    serves_its_caller_and_query_only(Database::Postgres);
}

/// Observation `number` of a crowd, its date and value shared with others so that pages break between equals.
fn member(tag: &str, number: usize, status: &str) -> Value {
    json!({
        "resourceType": "Observation", "status": status, "code": { "text": "crowd" },
        "meta": { "tag": [{ "code": tag }] },
        "effectiveDateTime": format!("2024-01-{:02}", 1 + number % 9),
        "valueQuantity": { "value": number % 4, "unit": "mg" }
    })
}

on_both! {
    fn a_walk_meets_what_stays_once_while_others_write(server: &Server) {
        let http = server.http();
        for sort in ["", "&_sort=-date", "&_sort=value-quantity,-date", "&_sort=-_lastUpdated"] {
            let tag = unique("crowd");
            let stored: Vec<String> =
                (0..60).map(|number| reference(&http.create(&member(&tag, number, "final")))).collect();
            // A third stays untouched, a third is updated all the time, a third is deleted during the walk.
            let [stays, changes, goes] = [0, 1, 2].map(|rest| {
                stored.iter().enumerate().filter(|(n, _)| n % 3 == rest).collect::<Vec<_>>()
            });
            let walking = AtomicBool::new(true);
            let seen = std::thread::scope(|scope| {
                scope.spawn(|| {
                    for round in 0.. {
                        for (number, id) in &changes {
                            if !walking.load(Ordering::Relaxed) { return; }
                            let mut body = member(&tag, *number, if round % 2 == 0 { "amended" } else { "final" });
                            body["id"] = json!(id.trim_start_matches("Observation/"));
                            http.put(id, &body).expect(200);
                            http.post("Observation", &member(&tag, *number, "preliminary")).expect(201);
                        }
                    }
                });
                let mut doomed = goes.iter();
                let seen = walk(http, &format!("Observation?_tag={tag}&_count=7{sort}"), |_| {
                    for (_, id) in doomed.by_ref().take(2) {
                        let status = http.delete(id).status;
                        assert!([200, 204].contains(&status), "{status}");
                    }
                });
                walking.store(false, Ordering::Relaxed);
                seen
            });
            let mut times: BTreeMap<&String, usize> = BTreeMap::new();
            for id in &seen { *times.entry(id).or_default() += 1; }
            // Sorted by `_lastUpdated` an update moves the resource; in every other order it stays where it was.
            let moved = sort.contains("_lastUpdated");
            let steady = stays.iter().chain(if moved { &[][..] } else { &changes[..] });
            let missed: BTreeSet<&String> =
                steady.map(|(_, id)| *id).filter(|id| times.get(id) != Some(&1)).collect();
            assert!(missed.is_empty(), "{sort}: {} of {} not met once: {missed:?}", missed.len(), seen.len());
            assert!(moved || times.values().all(|times| *times == 1), "{sort}: nothing is met twice");
        }
    }
}
