//! Limits of load: as many requests at once as set, more are 503 with Retry-After; what takes too long is 504. Whoever asks
//! for tokens gets the JSON of RFC 6749.

use crate::database::Held;
use crate::server::Settings;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

const IDS: [(&str, &str); 2] = [("X-Request-ID", "mine-1"), ("X-Correlation-ID", "ours-2")];

on_each! {
    fn more_than_it_can_hold_is_refused_at_once(database: Database) {
        let server = Settings::open(database).with("BINNACLE_MAX_REQUESTS", "3").start();
        let http = server.http();
        let held = Held::writes(server.database_url());
        let patient = json!({ "resourceType": "Patient" });
        let (http, patient) = (&http, &patient);
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| http.another().post("Patient", patient))).collect();
            std::thread::sleep(Duration::from_millis(600));
            for (method, path) in [(Method::GET, "metadata"), (Method::GET, "Patient"), (Method::GET, "/nowhere"), (Method::PUT, "Patient/x")] {
                let started = Instant::now();
                let answer = http.send(method, path, &IDS, None);
                assert!(started.elapsed() < Duration::from_secs(2), "{answer}");
                assert_eq!(answer.header("retry-after"), "1", "{answer}");
                assert_eq!((answer.header("x-request-id"), answer.header("x-correlation-id")), ("mine-1".into(), "ours-2".into()));
                assert_eq!(answer.expect_error(503)["issue"][0]["details"]["coding"][0]["code"], "SERVICE_UNAVAILABLE");
            }
            let form = [IDS[0], ("Content-Type", "application/x-www-form-urlencoded")];
            let token = http.send(Method::POST, "/oauth2/token", &form, Some(b"grant_type=client_credentials")).expect(503);
            assert_eq!((token.header("content-type"), token.header("retry-after")), ("application/json".into(), "1".into()));
            assert_eq!(token.json()["error"], "temporarily_unavailable");
            http.get("/health/live").expect(200);
            drop(held);
            for thread in waiting {
                thread.join().unwrap().expect(201);
            }
        });
        http.get("metadata").expect(200);
    }
}

on_each! {
    fn what_takes_too_long_is_given_up(database: Database) {
        let server = Settings::open(database).with("BINNACLE_REQUEST_TIMEOUT", "1").start();
        let http = server.http();
        let held = Held::writes(server.database_url());
        let started = Instant::now();
        let answer = http.send(Method::POST, "Patient", &IDS, Some(br#"{"resourceType":"Patient"}"#));
        assert!(started.elapsed() < Duration::from_secs(4), "{answer}");
        assert_eq!((answer.header("x-request-id"), answer.header("x-correlation-id")), ("mine-1".into(), "ours-2".into()));
        let outcome = answer.expect_error(504);
        assert_eq!((&outcome["issue"][0]["code"], &outcome["issue"][0]["details"]["coding"][0]["code"]), (&json!("timeout"), &json!("TIMEOUT")));
        drop(held);
        http.create(&json!({ "resourceType": "Patient" }));
    }
}
