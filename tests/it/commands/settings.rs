//! Settings: where they come from, that wrong ones are refused by name, and that each of them does what it says.

use super::said;
use crate::database::{Database, Held};
use crate::server::{Server, Settings, command, run};
use crate::token;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// The `public_url` that a binary takes in `folder`: it is the server of the document it prints.
fn public_url(folder: &TempDir, environment: &[(&str, &str)], arguments: &[&str]) -> Result<String, String> {
    let environment: Vec<(String, String)> =
        environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let mut command = command(folder.path(), &environment);
    let output = run(command.args(["openapi", "--type", "Goal"]).args(arguments), "");
    let (status, printed, error) = said(&output);
    if status != 0 {
        assert!(printed.is_empty() && error.starts_with("binnacle: "), "a sentence: {printed}{error}");
        return Err(error);
    }
    let document: Value = serde_json::from_str(&printed).unwrap();
    Ok(document["servers"][0]["url"].as_str().unwrap().to_owned())
}

#[test]
fn the_environment_overrides_the_file_and_the_file_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, url: &str| {
        std::fs::write(folder.path().join(name), format!("public_url = \"{url}\"\n")).unwrap();
    };
    assert_eq!(public_url(&folder, &[], &[]).unwrap(), "http://127.0.0.1:8080");
    file("binnacle.toml", "https://file.example");
    file("other.toml", "https://other.example");
    assert_eq!(public_url(&folder, &[], &[]).unwrap(), "https://file.example");
    assert_eq!(public_url(&folder, &[], &["--config", "other.toml"]).unwrap(), "https://other.example");
    let environment = [("BINNACLE_PUBLIC_URL", "https://environment.example/")];
    for arguments in [&[][..], &["--config", "other.toml"]] {
        assert_eq!(public_url(&folder, &environment, arguments).unwrap(), "https://environment.example");
    }
}

#[test]
fn a_wrong_setting_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("BINNACLE_LISTN", "127.0.0.1:1"),
        ("BINNACLE_AUDIT_READS", "async"),
        ("BINNACLE_LISTEN", "nowhere"),
        ("BINNACLE_WORKERS", "many"),
        ("BINNACLE_WORKERS", "-1"),
        ("BINNACLE_RATE_LIMIT_CLIENT", "1.5"),
        ("BINNACLE_NHS_NUMBER", "maybe"),
        ("BINNACLE_SQLITE_SYNCHRONOUS", "off"),
        ("BINNACLE_STORE_COMPRESSION", "gzip"),
        ("BINNACLE_LOG_FORMAT", "xml"),
        ("BINNACLE_DATABASE_URL", "mysql://root:hunter2@db/x"),
        ("BINNACLE_BODY_LIMIT", "0"),
        ("BINNACLE_REQUEST_TIMEOUT", "0"),
    ] {
        let refused = public_url(&folder, &[(name, value)], &[]).unwrap_err();
        assert!(refused.contains(name), "{name}={value}: {refused}");
        assert!(!refused.contains("hunter2"), "a password is not repeated: {refused}");
    }
    for (text, name) in
        [("listn = 1\n", "listn"), ("workers = \"x\"\n", "WORKERS"), ("= 1\n", "binnacle.toml")]
    {
        std::fs::write(folder.path().join("binnacle.toml"), text).unwrap();
        let refused = public_url(&folder, &[], &[]).unwrap_err();
        assert!(refused.contains(name), "{text}: {refused}");
    }
    let refused = public_url(&folder, &[], &["--config", "missing.toml"]).unwrap_err();
    assert!(refused.contains("missing.toml"), "{refused}");
}

/// A server on which every limit is small.
fn small() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        Settings::open(Database::Sqlite)
            .with("BINNACLE_WORKERS", "1")
            .with("BINNACLE_READER_THREADS", "3")
            .with("BINNACLE_BODY_LIMIT", "4096")
            .with("BINNACLE_BUNDLE_ENTRIES", "2")
            .with("BINNACLE_NHS_NUMBER", "warn")
            .with("BINNACLE_CORS_ORIGINS", "https://one.example https://two.example")
            .with("BINNACLE_LOG", "info,access=debug")
            .with("BINNACLE_LOG_FORMAT", "json")
            .start()
    })
}

/// How many threads of the server have a name that begins with `prefix`.
#[cfg(target_os = "linux")]
fn threads(server: &Server, prefix: &str) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.process_id())).unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.starts_with(prefix))
        .count()
}

#[test]
#[cfg(target_os = "linux")]
fn as_many_threads_run_as_set() {
    let server = small();
    assert_eq!((threads(server, "reader-"), threads(server, "actix-rt|system")), (3, 1));
}

#[test]
fn a_body_and_a_bundle_are_as_large_as_set() {
    let http = small().http();
    let note = |length: usize| {
        json!({ "resourceType": "Basic", "code": { "text": "x".repeat(length) } }).to_string().into_bytes()
    };
    http.send(Method::POST, "Basic", &[], Some(&note(3000))).expect(201);
    http.send(Method::POST, "Basic", &[], Some(&note(5000))).expect_error(413);
    // Few bytes that become many.
    let packed = zstd::encode_all(&note(1 << 20)[..], 3).unwrap();
    assert!(packed.len() < 4096);
    http.send(Method::POST, "Basic", &[("Content-Encoding", "zstd")], Some(&packed)).expect_error(413);
    let entry = json!({ "request": { "method": "GET", "url": "Patient" } });
    let bundle =
        |count: usize| json!({ "resourceType": "Bundle", "type": "batch", "entry": vec![&entry; count] });
    http.bundle(&bundle(2)).expect(200);
    http.bundle(&bundle(3)).expect_error(413);
}

#[test]
fn a_wrong_nhs_number_is_stored_where_it_only_warns() {
    let patient = json!({ "resourceType": "Patient",
        "identifier": [{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000001" }] });
    small().http().post("Patient", &patient).expect(201);
    Server::open(Database::Sqlite).http().post("Patient", &patient).expect_error(422);
}

#[test]
fn set_origins_may_call_and_others_not() {
    let allowed = |origin: &str| {
        let answer = small().http().send(Method::GET, "Patient", &[("Origin", origin)], None).expect(200);
        answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(allowed("https://two.example").as_deref(), Some("https://two.example"));
    assert_eq!(allowed("https://three.example"), None);
}

#[test]
fn the_log_is_as_set() {
    let server = small();
    server.http().send(Method::GET, "Patient/log", &[("X-Request-ID", "log-me")], None).expect_error(404);
    server.http().send(Method::GET, "Patient", &[("X-Request-ID", "and-me")], None).expect(200);
    let output = server.output();
    let lines: Vec<Value> = output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (id, status, level) in [("log-me", 404, "INFO"), ("and-me", 200, "DEBUG")] {
        let line = lines.iter().find(|line| line["fields"]["request_id"] == id);
        let line = line.unwrap_or_else(|| panic!("{id} is not in the log:\n{output}"));
        assert_eq!((&line["fields"]["status"], &line["level"]), (&json!(status), &json!(level)));
    }
    // The default says nothing of a success, in text.
    let quiet = Server::open(Database::Sqlite);
    quiet.http().send(Method::GET, "Patient", &[("X-Request-ID", "not-me")], None).expect(200);
    assert!(!quiet.output().contains("not-me"));
}

#[test]
fn a_request_takes_as_long_as_set_and_as_many_run_as_set() {
    let server = Settings::open(Database::Sqlite)
        .with("BINNACLE_REQUEST_TIMEOUT", "1")
        .with("BINNACLE_MAX_REQUESTS", "1")
        .start();
    let patient = json!({ "resourceType": "Patient" });
    let held = Held::writes(server.database_url());
    std::thread::scope(|scope| {
        let first = scope.spawn(|| server.http().post("Patient", &patient).expect_error(504));
        std::thread::sleep(Duration::from_millis(300));
        let second = server.http().get("Patient");
        assert_eq!(second.header("retry-after"), "1");
        second.expect_error(503);
        assert!(server.http().answers("/health/live"), "health is answered however many run");
        first.join().unwrap();
    });
    drop(held);
    server.http().get("Patient").expect(200);
}

#[test]
fn a_queue_holds_as_many_as_set_and_more_are_told_to_come_again() {
    let server = Settings::open(Database::Sqlite).with("BINNACLE_QUEUE", "1").start();
    let patient = json!({ "resourceType": "Patient" });
    let held = Held::writes(server.database_url());
    let answers: Vec<(u16, bool)> = std::thread::scope(|scope| {
        let write = || {
            let answer = server.http().post("Patient", &patient);
            (answer.status, answer.headers.contains_key("retry-after"))
        };
        let running: Vec<_> = (0..8).map(|_| scope.spawn(write)).collect();
        std::thread::sleep(Duration::from_millis(800));
        drop(held);
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| matches!(answer, (201, false) | (503, true))), "{answers:?}");
    assert!(answers.contains(&(201, false)) && answers.contains(&(503, true)), "{answers:?}");
}

#[test]
fn as_many_connections_are_served_as_set() {
    let server = Settings::open(Database::Sqlite)
        .with("BINNACLE_WORKERS", "1")
        .with("BINNACLE_MAX_CONNECTIONS", "1")
        .start();
    let ask = || -> Option<String> {
        let address = server.http().base();
        let address = address.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok().map(|_| answer)
    };
    // The one connection is kept open by the caller that asked whether the server is ready.
    let unanswered = (0..4).filter(|_| ask().is_none()).count();
    assert!(unanswered > 0, "a second connection was served");
}

#[test]
fn a_client_and_an_address_may_ask_as_often_as_set() {
    let server = Settings::guarded(Database::Sqlite)
        .with("BINNACLE_RATE_LIMIT_CLIENT", "3")
        .with("BINNACLE_RATE_LIMIT_USER", "2")
        .start();
    let one = token::client_credentials(&server, "system/Patient.rs");
    let two = token::client_credentials(&server, "system/Patient.rs");
    (0..3).for_each(|_| drop(one.get("Patient").expect(200)));
    let refused = one.get("Patient");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{refused}");
    let outcome = refused.expect_error(429);
    assert_eq!(outcome["issue"][0]["code"], "throttled");
    two.get("Patient").expect(200);
    let person = token::patient_token(&server, "limit", "patient/Patient.rs");
    (0..2).for_each(|_| drop(person.get("Patient").expect(200)));
    person.get("Patient").expect_error(429);

    let server = Settings::open(Database::Sqlite).with("BINNACLE_RATE_LIMIT_ADDRESS", "4").start();
    (0..4).for_each(|_| drop(server.http().get("metadata").expect(200)));
    for path in ["metadata", "/openapi.json", "/nowhere"] {
        server.http().get(path).expect_error(429);
    }
    let refused = server.http().get("/oauth2/token").expect(429);
    assert_eq!(refused.json()["error"], "temporarily_unavailable", "as RFC 6749 §5.2 has it: {refused}");
    server.http().get("/health/live").expect(200);
}
