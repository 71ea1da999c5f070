//! A server that is killed in the middle of the walk, at several places and in both passes: the work goes on where it was
//! saved, by the same server started anew or by another that lives on, and nothing is left out.

use super::{check, until};
use crate::database::{Database, execute, texts};
use crate::http::ids;
use crate::server::{Server, Settings};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

/// Enough for the walk to last longer than it takes to look.
const PATIENTS: usize = 2500;

/// Patients of whom every one has an order of birth, from 0 to 9.
fn filled(database: Database) -> Server {
    let server = Settings::open(database).start();
    for first in (0..PATIENTS).step_by(250) {
        let entry = |number: usize| {
            let patient = json!({ "resourceType": "Patient", "id": format!("p{number}"), "multipleBirthInteger": number % 10 });
            json!({ "resource": patient, "request": { "method": "PUT", "url": format!("Patient/p{number}") } })
        };
        let entries: Vec<Value> = (first..first + 250).map(entry).collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        server.http().bundle(&bundle).expect(200);
    }
    server
}

/// The order of birth as a parameter, whose indexing writes a row for every patient.
fn define(server: &Server) {
    let own = json!({ "resourceType": "SearchParameter", "id": "order", "url": "https://example.org/fhir/order", "name": "Own",
        "status": "active", "description": "Own", "code": "birth-order", "base": ["Patient"], "type": "number",
        "expression": "Patient.multipleBirth.as(integer)" });
    server.http().put("SearchParameter/order", &own).expect(201);
}

/// How far a walk is: the pass, the instant and row of the last resource, how many are done.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
struct Place {
    second: bool,
    row: Option<(i64, i64)>,
    done: u64,
}

/// Where the open job is, by what it has saved.
fn place(url: &str) -> Option<Place> {
    let state = texts(url, "SELECT state AS text FROM job WHERE status = 0 AND kind = 'reindex'").pop()?;
    let state: Value = serde_json::from_str(&state).ok()?;
    let at = |place: usize| state["walk"][place].as_i64();
    Some(Place { second: state["second"] == true, row: at(0).zip(at(1)), done: state["done"].as_u64()? })
}

/// Waits until the walk is where `reached` says, kills the server there, and tells where it was.
#[track_caller]
fn kill_at(server: &mut Server, reached: impl Fn(&Place) -> bool) -> Place {
    let url = server.database_url().to_owned();
    until("a place in the walk", || place(&url).is_some_and(|place| place.row.is_some() && reached(&place)));
    server.kill();
    place(&url).expect("the work is not over")
}

/// All have been indexed, and rightly.
fn check_all(server: &Server) {
    until("the parameter", || server.http().get("Patient?birth-order=0").status == 200);
    for order in [0, 4, 9] {
        let found = server.http().get(&format!("Patient?birth-order={order}&_count=1000")).expect(200).json();
        let expected: BTreeSet<String> = (0..PATIENTS)
            .filter(|number| number % 10 == order)
            .map(|number| format!("Patient/p{number}"))
            .collect();
        assert_eq!(ids(&found), expected);
    }
    check(server);
}

/// Ends the lease of a process that is no more, which others wait 15 seconds for.
fn end_lease(server: &Server) {
    execute(server.database_url(), "UPDATE job SET lease_us = 0");
}

on_each! {
    fn the_walk_goes_on_where_it_was(database: Database) {
        let mut server = filled(database);
        define(&server);
        let mut last = None::<Place>;
        let total = u64::try_from(PATIENTS).unwrap();
        for _ in 0..4 {
            let from = last.as_ref().map_or(0, |last| last.done);
            let at = kill_at(&mut server, |place| place.done > from + 100);
            assert!(!at.second && at.done < total, "the walk was over: {at:?}");
            assert!(last.as_ref() < Some(&at), "{at:?} after {last:?}");
            // What was killed had written what it had saved.
            let query = "SELECT CAST(COUNT(*) AS TEXT) AS text FROM ix_number";
            let rows: u64 = texts(server.database_url(), query).pop().unwrap().parse().unwrap();
            assert_eq!(rows, at.done, "{at:?}");
            last = Some(at);
            server = server.restart();
            server.http().get("Patient?birth-order=0").expect_error(400);
            end_lease(&server);
        }
        let at = kill_at(&mut server, |place| place.second);
        assert!(at.second && last.as_ref() < Some(&at), "{at:?} after {last:?}");
        // This time nobody ends the lease.
        let server = server.restart();
        check_all(&server);
    }
}

on_each! {
    fn another_process_takes_over(database: Database) {
        let mut one = filled(database);
        let other = one.beside();
        // The other does not get hold of the work while it is stopped.
        signal(&other, "-STOP");
        define(&one);
        let at = kill_at(&mut one, |place| place.done > 100);
        signal(&other, "-CONT");
        end_lease(&one);
        until("the other", || place(one.database_url()).is_none_or(|place| place > at));
        check_all(&other);
    }
}

fn signal(server: &Server, signal: &str) {
    let sent = Command::new("kill").args([signal, &server.process_id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{signal} reaches the server");
}
