//! Limits of size: a body over the limit is refused (413) without being held, compressed or not; so are too many entries,
//! a query that is too long (414), and what nests too deep (400).

use super::Socket;
use crate::database::Database;
use crate::server::{Server, Settings};
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;

fn limited() -> Server {
    Settings::open(Database::Sqlite)
        .with("BINNACLE_BODY_LIMIT", "1048576")
        .with("BINNACLE_BUNDLE_ENTRIES", "5")
        .with("BINNACLE_QUERY_LENGTH", "2000")
        .start()
}

/// The most memory that a process has had, in KiB.
pub(super) fn peak(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn head(more: &str) -> String {
    format!(
        "POST /FHIR/R4/Patient HTTP/1.1\r\nHost: x\r\nX-Request-ID: mine-1\r\nContent-Type: application/fhir+json\r\n{more}\r\n"
    )
}

#[test]
fn a_body_over_the_limit_is_refused_without_being_held() {
    let server = limited();
    server.http().create(&json!({ "resourceType": "Patient" }));
    let before = peak(&server);
    // One that says how long it is.
    for expect in ["", "Expect: 100-continue\r\n"] {
        let mut socket = Socket::open(&server);
        socket.send(head(&format!("{expect}Content-Length: 1000000000000\r\n")).as_bytes());
        let answer = socket.answer().expect("an answer before the body has come");
        assert_eq!((answer.status, answer.code().as_str()), (413, "TOO_LARGE"));
        assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    }
    // One that does not end: the server stops reading it.
    let mut socket = Socket::open(&server);
    socket.send(head("Transfer-Encoding: chunked\r\n").as_bytes());
    let chunk = [b"100000\r\n".to_vec(), vec![b' '; MIB], b"\r\n".to_vec()].concat();
    let started = Instant::now();
    while socket.send(&chunk) {
        assert!(started.elapsed() < Duration::from_secs(12), "an endless body is taken");
    }
    if let Some(answer) = socket.answer() {
        assert_eq!((answer.status, answer.code().as_str()), (413, "TOO_LARGE"));
    }
    // What is refused for another reason is not read on and on either.
    for (path, status) in [("Potato", 404), ("metadata", 405), ("_search", 415)] {
        let mut socket = Socket::open(&server);
        let head = head("Transfer-Encoding: chunked\r\n").replace("/Patient", &format!("/{path}"));
        socket.send(head.as_bytes());
        assert_eq!(socket.answer().expect("an answer before the body has come").status, status, "{path}");
        let started = Instant::now();
        while socket.send(&chunk) {
            assert!(started.elapsed() < Duration::from_secs(12), "{path}: an endless body is taken");
        }
    }
    // Many at once.
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut socket = Socket::open(&server);
                socket.send(head("Transfer-Encoding: chunked\r\n").as_bytes());
                (0..20).take_while(|_| socket.send(&chunk)).count()
            });
        }
    });
    let grown = peak(&server).saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB for bodies that were refused");
    server.http().create(&json!({ "resourceType": "Patient" }));
}

#[test]
fn what_is_small_until_it_is_decompressed_is_refused() {
    let server = limited();
    server.http().create(&json!({ "resourceType": "Patient" }));
    let before = peak(&server);
    let spaces = vec![b' '; 64 * MIB];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&spaces).unwrap();
    for (coding, bomb) in
        [("gzip", gzip.finish().unwrap()), ("zstd", zstd::encode_all(spaces.as_slice(), 1).unwrap())]
    {
        let answer = server.http().send(
            reqwest::Method::POST,
            "Patient",
            &[("Content-Encoding", coding)],
            Some(&bomb),
        );
        assert_eq!(answer.expect_error(413)["issue"][0]["details"]["coding"][0]["code"], "TOO_LARGE");
    }
    let grown = peak(&server).saturating_sub(before);
    assert!(grown < 24 * 1024, "{grown} KiB for what was refused");
}

#[test]
fn entries_queries_and_nesting_have_limits() {
    let server = limited();
    let http = server.http();
    let entry = json!({ "resource": { "resourceType": "Patient" }, "request": { "method": "POST", "url": "Patient" } });
    for (count, status) in [(5, 200), (6, 413)] {
        for kind in ["batch", "transaction"] {
            let bundle =
                json!({ "resourceType": "Bundle", "type": kind, "entry": vec![entry.clone(); count] });
            let answer = http.bundle(&bundle).expect(status);
            if status == 413 {
                assert_eq!(answer.expect_error(413)["issue"][0]["expression"][0], "Bundle.entry");
            }
        }
    }
    let long = vec!["a".repeat(60); 50].join(",");
    let outcome = http.get(&format!("Patient?_id={long}")).expect_error(414);
    assert_eq!(outcome["issue"][0]["code"], "too-long");
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    http.send(reqwest::Method::POST, "Patient/_search", &form, Some(format!("_id={long}").as_bytes()))
        .expect(200);
    let nested = |levels: usize| {
        let open = r#"{"url":"urn:x","extension":["#.repeat(levels);
        let close = "]}".repeat(levels);
        format!(
            r#"{{"resourceType":"Patient","extension":[{open}{{"url":"urn:y","valueBoolean":true}}{close}]}}"#
        )
    };
    http.send(reqwest::Method::POST, "Patient", &[], Some(nested(20).as_bytes())).expect(201);
    for levels in [60, 10_000] {
        let outcome = http
            .send(reqwest::Method::POST, "Patient", &[], Some(nested(levels).as_bytes()))
            .expect_error(400);
        assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], "INVALID_JSON", "{levels}");
    }
}
