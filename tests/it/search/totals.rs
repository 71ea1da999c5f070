//! `_total` and `_summary=count` (FHIR R4 `search.html#total`): exact counts while many write, in every process and after a
//! `kill -9`, within access.

use super::Ward;
use crate::http::{Http, reference};
use crate::server::{Server, Settings};
use serde_json::{Value, json};

fn total(http: &Http, query: &str) -> Value {
    http.get(query).expect(200).json()["total"].clone()
}

/// Creates, updates, deletes and brings back; answers how many Basics are left and how many Groups.
fn work(http: &Http, worker: usize) -> (usize, usize) {
    let basic = json!({ "resourceType": "Basic", "code": { "text": "x" } });
    let mut left = 0;
    for round in 0..12 {
        let mut stored = http.create(&basic);
        let path = reference(&stored);
        stored["code"]["text"] = json!("y");
        http.put(&path, &stored).expect(200);
        left += 1;
        if round % 3 > 0 {
            http.delete(&path).expect(204);
            http.delete(&path).expect(204);
            left -= 1;
        }
        if round % 3 == 2 {
            http.put(&path, &stored).expect(201);
            left += 1;
        }
    }
    let entry = |number: usize| {
        json!({
            "resource": { "resourceType": "Group", "id": format!("g{worker}-{number}"), "type": "person", "actual": true },
            "request": { "method": "PUT", "url": format!("Group/g{worker}-{number}") }
        })
    };
    let mut entries: Vec<Value> = (0..5).map(entry).collect();
    entries.push(json!({ "resource": basic, "request": { "method": "POST", "url": "Basic" } }));
    let bundle =
        |entries: &[Value]| json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    http.bundle(&bundle(&entries)).expect(200);
    // One that fails counts nothing.
    entries[0]["resource"]["id"] = json!("other");
    assert!(http.bundle(&bundle(&entries)).status >= 400);
    (left + 1, 5)
}

on_each! {
    fn counts_are_exact_while_many_write(database: Database) {
        let one = Settings::open(database).start();
        let two = one.beside();
        let done: Vec<(usize, usize)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|worker| {
                    let http = [&one, &two][worker % 2].http().another();
                    scope.spawn(move || work(&http, worker))
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().expect("a worker")).collect()
        });
        let basics: usize = done.iter().map(|(basics, _)| basics).sum();
        let groups: usize = done.iter().map(|(_, groups)| groups).sum();
        let expect = |server: &Server| {
            let http = server.http();
            for query in ["Basic?_summary=count", "Basic?_count=1&_total=accurate", "Basic?_total=estimate", "Basic?_count=0"] {
                assert_eq!(total(http, query), json!(basics), "{query}");
            }
            assert_eq!(total(http, "Group?_summary=count"), json!(groups));
            assert_eq!(total(http, "?_type=Basic,Group&_summary=count"), json!(basics + groups));
            // Counted one by one.
            assert_eq!(total(http, "Basic?_lastUpdated=gt2000&_summary=count"), json!(basics));
        };
        expect(&one);
        expect(&two);
        let check = one.command(&["check"], "");
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
        drop(two);
        expect(&one.restart());
    }
}

on_both! {
    fn a_page_that_has_all_tells_the_total(server: &Server) {
        let ward = Ward::new(server.http());
        let page = |query: &str| total(server.http(), &format!("Patient?_tag={}{query}", ward.tag));
        assert_eq!((page(""), page("&_count=3"), page("&_count=2")), (json!(3), json!(3), Value::Null));
        assert_eq!((page("&_total=none"), page("&_count=2&_total=accurate")), (Value::Null, json!(3)));
        assert_eq!(page("&_count=2&_total=estimate"), json!(3));
    }
}
