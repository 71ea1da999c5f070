//! Callers that send slowly or not at all do not keep their connection, and nobody else waits for them.

use crate::database::Database;
use crate::server::{Server, Settings};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Sends `start`, then a byte of `more` every 400 ms, until the server answers or closes; answers what it said, and when.
fn slowly(server: &Server, start: &str, more: u8) -> (String, Duration) {
    let base = server.http().base();
    let address = base.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    stream.write_all(start.as_bytes()).unwrap();
    let mut said = Vec::new();
    while started.elapsed() < Duration::from_secs(20) {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => said.extend_from_slice(&buffer[..length]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => {
                if stream.write_all(&[more]).is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
        if !said.is_empty() {
            break;
        }
    }
    (String::from_utf8_lossy(&said).into_owned(), started.elapsed())
}

#[test]
fn a_slow_caller_is_let_go() {
    let server = Settings::open(Database::Sqlite).with("BINNACLE_BODY_TIMEOUT", "2").start();
    std::thread::scope(|scope| {
        let header =
            scope.spawn(|| slowly(&server, "GET /FHIR/R4/metadata HTTP/1.1\r\nHost: x\r\nX-Slow: ", b'a'));
        let body = scope.spawn(|| {
            let start = "POST /FHIR/R4/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 1000\r\n\r\n{";
            slowly(&server, start, b' ')
        });
        let crowd: Vec<_> = (0..50).map(|_| scope.spawn(|| slowly(&server, "GET /", b'a'))).collect();
        let started = Instant::now();
        server.http().get("Patient").expect(200);
        assert!(started.elapsed() < Duration::from_secs(2), "another caller waited");

        let (said, took) = body.join().unwrap();
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
        assert!(said.contains("OperationOutcome") && said.contains("REQUEST_TIMEOUT"), "{said}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        for (said, took) in [header].into_iter().chain(crowd).map(|thread| thread.join().unwrap()) {
            assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
            assert!(
                said.is_empty() || said.contains("REQUEST_TIMEOUT") && said.contains("x-request-id"),
                "{said}"
            );
            assert!(took < Duration::from_secs(15), "{took:?}");
        }
    });
}
