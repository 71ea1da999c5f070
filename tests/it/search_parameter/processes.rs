//! Two processes on one database: what one is told both search by, and what either writes is found.

use super::parameter;
use crate::database::Database;
use crate::http::{Http, ids};
use crate::reindex::{check, until};
use crate::server::Settings;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Within which a small store is searchable by a new parameter on every process.
const WITHIN: Duration = Duration::from_secs(20);

/// Writes patients until told to stop: every one of an order of birth, under ids of its own, some of them twice.
fn write(http: &Http, name: &str, stop: &AtomicBool) -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("{name}{number}");
        let patient =
            |order: i64| json!({ "resourceType": "Patient", "id": id, "multipleBirthInteger": order });
        http.put(&format!("Patient/{id}"), &patient(if number % 3 == 0 { 1 } else { 2 })).expect(201);
        if number % 3 == 0 {
            http.put(&format!("Patient/{id}"), &patient(2)).expect(200);
        }
        written.insert(format!("Patient/{id}"));
        std::thread::sleep(Duration::from_millis(10));
    }
    written
}

/// Writes at both while one defines a parameter by this expression for the order of birth.
fn both_write(database: Database, expression: &str) {
    let one = Settings::open(database).start();
    let two = one.beside();
    let stop = AtomicBool::new(false);
    let search = "Patient?birth-order=2&_count=1000";
    let own = parameter("order", "Patient", "birth-order", "number", expression);
    let written = std::thread::scope(|scope| {
        let writers = [(&one, "a"), (&two, "b")].map(|(server, name)| {
            let (http, stop) = (server.http().another(), &stop);
            scope.spawn(move || write(&http, name, stop))
        });
        std::thread::sleep(Duration::from_millis(500));
        one.http().put("SearchParameter/order", &own).expect(201);
        let told = Instant::now();
        for server in [&one, &two] {
            until("a search on both", || server.http().get(search).status == 200);
            assert!(told.elapsed() < WITHIN, "{:?}", told.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<BTreeSet<String>>()
    });
    assert!(written.len() > 20, "{}", written.len());
    for server in [&one, &two] {
        assert_eq!(ids(&server.http().get(search).expect(200).json()), written);
        assert!(ids(&server.http().get("Patient?birth-order=1").expect(200).json()).is_empty());
    }
    check(&one);
    // What is retired at one is refused there at once, and soon by the other.
    let mut retired = own;
    retired["status"] = "retired".into();
    two.http().put("SearchParameter/order", &retired).expect(200);
    two.http().get(search).expect_error(400);
    let told = Instant::now();
    until("the refusal", || one.http().get(search).status == 400);
    assert!(told.elapsed() < Duration::from_secs(3), "{:?}", told.elapsed());
}

on_each! {
    fn both_search_by_it_and_lose_nothing_that_either_writes(database: Database) {
        both_write(database, "Patient.multipleBirth.as(integer)");
    }
}

on_each! {
    fn so_they_do_by_what_is_evaluated(database: Database) {
        both_write(database, "Patient.multipleBirth.ofType(integer).select($this * 3 - $this * 2)");
    }
}
