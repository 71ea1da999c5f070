//! Conditions in a race (`FHIR R4 http.html#ccreate`, `#concurrency`): many callers at once, on one server and on two.

use super::patient;
use crate::http::{Http, ids};
use crate::server::{Settings, unique};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Barrier;

const SYSTEM: &str = "https://example.org/mrn";

fn identified(values: &[&str]) -> Value {
    let (_, mut person) = patient();
    person["identifier"] = values.iter().map(|value| json!({ "system": SYSTEM, "value": value })).collect();
    person
}

/// Runs `callers` at once, each with a connection of its own to one of `servers`, and answers what they answer.
fn at_once<T: Send>(servers: &[&Http], callers: usize, call: impl Fn(&Http, usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(callers);
    let (barrier, call) = (&barrier, &call);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|number| {
                let http = servers[number % servers.len()].another();
                scope.spawn(move || {
                    http.get("metadata").expect(200);
                    barrier.wait();
                    call(&http, number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// 32 callers create the same thing on one condition: one makes it, and one is there.
fn once(servers: &[&Http]) {
    for _ in 0..4 {
        let value = unique("mrn");
        let condition = format!("identifier={SYSTEM}|{value}");
        let statuses = at_once(servers, 32, |http, _| {
            let body = identified(&[&value]).to_string();
            http.send(Method::POST, "Patient", &[("If-None-Exist", &condition)], Some(body.as_bytes())).status
        });
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(201), count(200)), (1, 31), "{statuses:?}");
        let found = servers[0].get(&format!("Patient?{condition}")).expect(200).json();
        assert_eq!(ids(&found).len(), 1);
    }
}

on_both! {
    fn the_same_conditional_create_makes_one(server: &Server) {
        once(&[server.http()]);
    }
}

on_each! {
    fn the_same_on_two_servers_of_one_database(database: Database) {
        let one = Settings::open(database).start();
        let other = one.beside();
        once(&[one.http(), other.http()]);
    }
}

on_both! {
    /// Different conditions that one resource meets exclude each other too, in creates, updates and transactions.
    fn different_conditions_of_one_resource_make_one(server: &Server) {
        let http = server.http();
        for _ in 0..4 {
            let (one, two) = (unique("mrn"), unique("nhs"));
            let person = identified(&[&one, &two]);
            let condition = |number: usize| match number % 4 {
                0 => format!("identifier={SYSTEM}|{one}"),
                1 => format!("identifier={two}"),
                2 => format!("identifier={SYSTEM}|{two}&active=true"),
                _ => format!("family={}", person["name"][0]["family"].as_str().unwrap()),
            };
            let statuses = at_once(&[http], 24, |http, number| {
                let condition = condition(number);
                match number % 3 {
                    0 => {
                        let body = person.to_string();
                        http.send(Method::POST, "Patient", &[("If-None-Exist", &condition)], Some(body.as_bytes())).status
                    }
                    1 => http.put(&format!("Patient?{condition}"), &person).status,
                    _ => {
                        let entry = json!({ "resource": person, "request": { "method": "POST", "url": "Patient", "ifNoneExist": condition } });
                        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
                        let answer = http.bundle(&bundle).expect(200).json();
                        answer["entry"][0]["response"]["status"].as_str().unwrap()[..3].parse().unwrap()
                    }
                }
            });
            assert!(statuses.iter().all(|status| [200, 201].contains(status)), "{statuses:?}");
            assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
            let found = http.get(&format!("Patient?identifier={one}")).expect(200).json();
            assert_eq!(ids(&found).len(), 1);
        }
    }
}

on_both! {
    /// Transactions that hold several conditions in opposite orders neither block each other nor make anything twice.
    fn transactions_with_crossed_conditions_all_succeed(server: &Server) {
        let http = server.http();
        let values: Vec<String> = (0..6).map(|_| unique("mrn")).collect();
        let statuses = at_once(&[http], 16, |http, number| {
            let mut entries: Vec<Value> = values.iter().map(|value| json!({
                "resource": identified(&[value]),
                "request": { "method": "POST", "url": "Patient", "ifNoneExist": format!("identifier={SYSTEM}|{value}") }
            })).collect();
            entries.rotate_left(number % values.len());
            if number % 2 == 0 {
                entries.reverse();
            }
            http.bundle(&json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })).status
        });
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        for value in &values {
            let found = http.get(&format!("Patient?identifier={value}")).expect(200).json();
            assert_eq!(ids(&found).len(), 1);
        }
    }
}

/// 16 callers add 1 to a counter, each until its version was the current one: nothing is lost.
fn counted(servers: &[&Http], conditional: bool) {
    const EACH: usize = 6;
    let value = unique("counter");
    let mut counter = identified(&[&value]);
    counter["multipleBirthInteger"] = json!(0);
    let path = crate::http::reference(&servers[0].create(&counter));
    let url = if conditional { format!("Patient?identifier={value}") } else { path.clone() };
    at_once(servers, 16, |http, _| {
        for _ in 0..EACH {
            loop {
                let read = http.get(&path).expect(200);
                let (tag, mut counter) = (read.header("etag"), read.json());
                counter["multipleBirthInteger"] =
                    json!(counter["multipleBirthInteger"].as_u64().unwrap() + 1);
                match http.put_with(&url, &[("If-Match", &tag)], &counter).status {
                    200 => break,
                    412 => {}
                    status => panic!("{status} to an update of a counter"),
                }
            }
        }
    });
    let last = servers[0].get(&path).expect(200);
    assert_eq!(last.json()["multipleBirthInteger"], 16 * EACH);
    assert_eq!(last.header("etag"), format!("W/\"{}\"", 16 * EACH + 1));
}

on_both! {
    fn nothing_is_lost_of_a_counter(server: &Server) {
        counted(&[server.http()], false);
        counted(&[server.http()], true);
    }
}

on_each! {
    fn nor_on_two_servers_of_one_database(database: Database) {
        let one = Settings::open(database).start();
        let other = one.beside();
        counted(&[one.http(), other.http()], true);
    }
}
