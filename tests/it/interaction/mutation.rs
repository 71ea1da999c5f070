//! Ten thousand random and mutated bodies, and as many as `BINNACLE_BODIES` says: whatever is sent, the answer is a 2xx or
//! 4xx, never a 5xx, a panic or a hang.

use crate::server::Server;
use reqwest::Method;
use std::time::{Duration, Instant};
use tests::storm::Storm;

/// Bodies sent to each database.
const BODIES: usize = 10_000;

/// Longest time an answer may take (a debug build on a busy machine).
const SLOWEST: Duration = Duration::from_secs(20);

on_both! {
    fn never_breaks_the_server(server: &Server) {
        let bodies = std::env::var("BINNACLE_BODIES").map_or(BODIES, |text| text.parse().unwrap());
        let seed = std::env::var("BINNACLE_SEED").map_or_else(|_| rand::random(), |text| text.parse().unwrap());
        let workers = 4;
        let accepted: usize = std::thread::scope(|scope| {
            let storms: Vec<_> = (0..workers)
                .map(|worker| scope.spawn(move || storm(server, u64::wrapping_add(seed, worker), bodies / 4)))
                .collect();
            storms.into_iter().map(|storm| storm.join().unwrap()).sum()
        });
        eprintln!("{accepted} of {bodies} were accepted");
        assert!(accepted > 0 && accepted < bodies, "some are right, some are wrong");
        server.http().get("Patient?_count=1").expect(200);
        assert!(!server.output().contains("panic"), "the server panicked:\n{}", server.output());
    }
}

/// Sends `count` bodies; how many were accepted.
fn storm(server: &Server, seed: u64, count: usize) -> usize {
    let mut storm = Storm::new(seed);
    let mut accepted = 0;
    for number in 0..count {
        let body = storm.body();
        let said = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
        let said = said["resourceType"].as_str().filter(|name| name.bytes().all(|b| b.is_ascii_alphabetic()));
        let type_ = said.unwrap_or("Patient").to_owned();
        let (method, path) = match storm.random().below(8) {
            0..=1 => (Method::POST, server.http().base()),
            2 => (Method::PUT, "Patient/a".to_owned()),
            3 => (Method::PUT, format!("{type_}/a")),
            4 => (Method::POST, "Observation".to_owned()),
            _ => (Method::POST, type_),
        };
        let started = Instant::now();
        let answer = server.http().send(method, &path, &[], Some(&body));
        let whole = (200..500).contains(&answer.status) && started.elapsed() < SLOWEST;
        assert!(
            whole,
            "seed {seed}, body {number}: {}\nwas answered after {:?} by {answer}",
            String::from_utf8_lossy(&body),
            started.elapsed()
        );
        if answer.status >= 400 {
            answer.clone().expect_error(answer.status);
        }
        accepted += usize::from(answer.status < 300);
    }
    accepted
}
