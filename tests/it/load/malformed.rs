//! RFC 9112: what is no HTTP request is 400 (431 where its head is too long) with an OperationOutcome and its ids, and the
//! connection ends, so that nobody's request is read out of the rest of another's.

use super::Socket;

const IDS: &str = "Host: x\r\nX-Request-ID: mine-1\r\nX-Correlation-ID: ours-2\r\n";
const POST: &str = "POST /FHIR/R4/Patient HTTP/1.1\r\nHost: x\r\nX-Request-ID: mine-1\r\nX-Correlation-ID: ours-2\r\nContent-Type: application/fhir+json\r\n";

fn requests() -> Vec<(&'static str, Vec<u8>, u16)> {
    let get = |line: &str, rest: &str| format!("{line}\r\n{IDS}{rest}\r\n").into_bytes();
    let post = |rest: &str| format!("{POST}{rest}").into_bytes();
    let many: String = (0..200).map(|number| format!("X-{number}: a\r\n")).collect();
    let mut bytes = get("GET /FHIR/R4/Patient?name=~ HTTP/1.1", "");
    let at = bytes.iter().position(|byte| *byte == b'~').unwrap();
    bytes[at] = 0xff;
    vec![
        ("a method that is none", get("G@T( /FHIR/R4/metadata HTTP/1.1", ""), 400),
        ("no request line", get("hello", ""), 400),
        ("a space in the address", get("GET /FHIR/R4/Pat ient HTTP/1.1", ""), 400),
        ("bytes in the address", bytes, 400),
        ("another protocol", get("GET /FHIR/R4/metadata HTTP/9.9", ""), 400),
        ("HTTP/2 without TLS", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), 400),
        ("a header without colon", get("GET /FHIR/R4/metadata HTTP/1.1", "Oops\r\n"), 400),
        ("no host", b"GET /FHIR/R4/Patient/x HTTP/1.1\r\n\r\n".to_vec(), 400),
        ("a space before the colon", get("GET /FHIR/R4/metadata HTTP/1.1", "Accept : */*\r\n"), 400),
        ("a length that is none", post("Content-Length: abc\r\n\r\n{}"), 400),
        ("a negative length", post("Content-Length: -1\r\n\r\n{}"), 400),
        ("a signed length", post("Content-Length: +2\r\n\r\n{}"), 400),
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), 400),
        ("a length beyond numbers", post("Content-Length: 99999999999999999999999\r\n\r\n{"), 400),
        (
            "a length and chunks",
            post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
            400,
        ),
        ("an unknown transfer coding", post("Transfer-Encoding: foo\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 400),
        (
            "a long head",
            get("GET /FHIR/R4/metadata HTTP/1.1", &format!("X: {}\r\n", "a".repeat(150_000))),
            431,
        ),
        ("many headers", get("GET /FHIR/R4/metadata HTTP/1.1", &many), 431),
        ("a long address", get(&format!("GET /FHIR/R4/{} HTTP/1.1", "a".repeat(70_000)), ""), 400),
    ]
}

on_both! {
    fn what_is_no_request_is_refused_with_a_reason(server: &Server) {
        for (name, bytes, status) in requests() {
            let mut socket = Socket::open(server);
            // One that is refused early does not take the rest.
            socket.send(&bytes);
            let answer = socket.answer().unwrap_or_else(|| panic!("{name}: no answer"));
            assert_eq!(answer.status, status, "{name}");
            assert_eq!(answer.code(), if status == 431 { "TOO_LARGE" } else { "INVALID_REQUEST" }, "{name}");
            assert_eq!(answer.header("connection"), Some("close"), "{name}");
            assert!(answer.header("x-request-id").is_some_and(|id| !id.is_empty()), "{name}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
            if status == 400 && bytes.len() < 2000 && bytes.windows(6).any(|part| part == b"mine-1") {
                assert_eq!(answer.header("x-request-id"), Some("mine-1"), "{name}");
                assert_eq!(answer.header("x-correlation-id"), Some("ours-2"), "{name}");
            }
            assert!(socket.answer().is_none(), "{name}: the connection ends, and nothing is read out of the rest");
        }
        server.http().get("metadata").expect(200);
    }
}

on_both! {
    /// Requests that are whole are answered, in order, before the one that is not.
    fn what_comes_before_is_answered(server: &Server) {
        let mut socket = Socket::open(server);
        let whole = format!("GET /FHIR/R4/Patient/nobody HTTP/1.1\r\n{IDS}\r\n");
        socket.send(format!("{whole}{whole}nonsense\r\n\r\n").as_bytes());
        for (status, code) in [(404, "RESOURCE_NOT_FOUND"), (404, "RESOURCE_NOT_FOUND"), (400, "INVALID_REQUEST")] {
            let answer = socket.answer().expect("an answer");
            assert_eq!((answer.status, answer.code().as_str()), (status, code));
            assert!(answer.header("x-request-id").is_some());
        }
        assert!(socket.answer().is_none());
    }
}

on_both! {
    /// A chunk that is none, and a body that ends too soon.
    fn a_body_that_breaks_off_is_refused(server: &Server) {
        let mut socket = Socket::open(server);
        socket.send(format!("{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n").as_bytes());
        let answer = socket.answer().expect("an answer");
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_JSON"));
        let mut socket = Socket::open(server);
        socket.send(format!("{POST}Content-Length: 100\r\n\r\n{{").as_bytes());
        socket.stream.shutdown(std::net::Shutdown::Write).unwrap();
        if let Some(answer) = socket.answer() {
            assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_JSON"));
        }
    }
}
