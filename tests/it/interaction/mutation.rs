//! Ten thousand random and mutated bodies: whatever is sent, the answer is a 2xx or 4xx, never a 5xx, a panic or a hang.

use crate::server::Server;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;

/// Bodies sent per database.
const BODIES: usize = 10_000;

/// What the mutations start from: structure of every kind in few bytes.
const SEEDS: &[&str] = &[
    r#"{"resourceType":"Patient","id":"a","meta":{"tag":[{"system":"s","code":"c"}]},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},"contained":[{"resourceType":"Organization","id":"o","name":"n"}],"extension":[{"url":"u","valueString":"v"}],"name":[{"family":"f","_family":{"id":"i"},"given":["a","b"],"_given":[null,{"id":"x"}]}],"birthDate":"1961-03-09","managingOrganization":{"reference":"\#o"}}"#,
    r#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-1"}]},"subject":{"reference":"Patient/a"},"effectiveDateTime":"2024-05-06T07:08:09+01:00","valueQuantity":{"value":1.10,"system":"http://unitsofmeasure.org","code":"kg"},"component":[{"code":{"text":"c"},"valueRange":{"low":{"value":-0.0e-3}}}]}"#,
    r#"{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059","resource":{"resourceType":"Basic","code":{"text":"t"}},"request":{"method":"POST","url":"Basic"}},{"request":{"method":"GET","url":"Basic?_count=1"}}]}"#,
    r#"{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/a"},"period":{"start":"2024","end":"2025-01"},"activity":[{"detail":{"status":"scheduled","scheduledTiming":{"repeat":{"frequency":1,"period":1,"periodUnit":"d"}}}}]}"#,
];

/// Pieces that have broken FHIR parsers before.
const PIECES: &[&str] = &[
    "null",
    "[]",
    "{}",
    "[[]]",
    "\"\"",
    "-0",
    "1e400",
    "1E-999999",
    "99999999999999999999",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"&lt;script&gt;\"",
    "\"resourceType\":",
    "\"_\":",
    "\"id\":\"\\n\",",
    "\u{202e}",
    "\"#\"",
    "\"urn:uuid:\"",
    "%",
    "'",
    "\"../../../etc\"",
    "\"Patient?identifier=x\"",
    "true",
    ",",
    ":",
    "}",
    "]",
    "\"",
];

fn mutated(random: &mut StdRng) -> Vec<u8> {
    let mut body = SEEDS[random.random_range(0..SEEDS.len())].replace("\\#", "#").into_bytes();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..body.len());
        match random.random_range(0..6) {
            0 => body[at] = random.random(),
            1 => drop(body.remove(at)),
            2 => drop(body.splice(at..at, PIECES[random.random_range(0..PIECES.len())].bytes())),
            3 => body.truncate(at.max(1)),
            4 => {
                let end = (at + random.random_range(1..80)).min(body.len());
                let copy = body[at..end].to_vec();
                let to = random.random_range(0..body.len());
                drop(body.splice(to..to, copy));
            }
            _ => {
                let end = (at + random.random_range(1..20)).min(body.len());
                let piece = PIECES[random.random_range(0..PIECES.len())];
                drop(body.splice(at..end, piece.bytes()));
            }
        }
        if body.is_empty() {
            body.push(b' ');
        }
    }
    body
}

on_both! {
    fn never_breaks_the_server(server: &Server) {
        let seed: u64 = rand::random();
        let workers = 4;
        std::thread::scope(|scope| {
            for worker in 0..workers {
                scope.spawn(move || storm(server, seed.wrapping_add(worker), BODIES / workers as usize));
            }
        });
        server.http().get("Patient?_count=1").expect(200);
        assert!(!server.output().contains("panic"), "the server panicked:\n{}", server.output());
    }
}

fn storm(server: &Server, seed: u64, count: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    for number in 0..count {
        let body = mutated(&mut random);
        let (method, path) = match random.random_range(0..4) {
            0 => (Method::POST, server.http().base()),
            1 => (Method::POST, "Observation".to_owned()),
            2 => (Method::PUT, "Patient/a".to_owned()),
            _ => (Method::POST, "Patient".to_owned()),
        };
        let answer = server.http().send(method, &path, &[], Some(&body));
        assert!(
            (200..500).contains(&answer.status),
            "seed {seed}, body {number}: {}\nwas answered by {answer}",
            String::from_utf8_lossy(&body)
        );
    }
}
