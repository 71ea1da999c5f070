//! Signing keys and the state behind tokens: rotated, kept over a restart, shared by processes on one database.

use super::assertion::{claims, present, register};
use super::flow::Flow;
use super::jws::{self, Key};
use crate::database::Database;
use crate::http::Http;
use crate::server::{Server, Settings};
use crate::token;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Processes of one deployment have one public address.
const ADDRESS: &str = "https://fhir.example";

fn start(database: Database) -> Server {
    Settings::guarded(database).with("BINNACLE_PUBLIC_URL", ADDRESS).start()
}

fn kid(http: &Http) -> Value {
    jws::part(http.token(), 0)["kid"].clone()
}

fn issued(server: &Server) -> Http {
    token::client_credentials(server, "system/Patient.rs")
}

fn a_rotation_reaches_running_servers(database: Database) {
    let server = start(database);
    let before = issued(&server);
    before.get("Patient").expect(200);
    let rotated = server.command(&["keys", "rotate"], "");
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    let printed: Value = serde_json::from_slice(&rotated.stdout).unwrap();
    let of_kind = |kind| printed["keys"].as_array().unwrap().iter().filter(|key| key["kty"] == kind).count();
    assert_eq!((of_kind("EC"), of_kind("RSA")), (2, 2));
    assert!(!printed.to_string().contains("\"d\""), "no private key is printed");
    let started = Instant::now();
    let after = loop {
        let after = issued(&server);
        if kid(&after) != kid(&before) {
            break after;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "the new key does not sign");
        std::thread::sleep(Duration::from_millis(500));
    };
    let jwks = server.http().get("/oauth2/jwks").expect(200).json();
    assert_eq!(jwks, printed);
    for http in [&before, &after] {
        http.get("Patient").expect(200);
        assert!(jws::is_signed_by(http.token(), &jwks));
    }
}

fn tokens_and_sessions_outlive_a_restart(database: Database) {
    let server = start(database);
    let before = issued(&server);
    let flow = Flow::new(&server);
    let flow = flow.asking(flow.request.with("aud", &format!("{ADDRESS}/FHIR/R4")));
    let (code, client, username) = (flow.code(), flow.client.clone(), flow.username.clone());
    let request = flow.request.clone();
    let server = server.restart();
    let http = server.http().with_token(before.token());
    http.get("Patient").expect(200);
    let after = issued(&server);
    assert_eq!(kid(&before), kid(&after));
    let flow = Flow { server: &server, client, username, request };
    super::endpoint::granted(flow.exchange(&code));
    // And what was used stays used.
    super::endpoint::refused(flow.exchange(&code), 400, "invalid_grant");
}

fn a_token_of_one_process_opens_the_other(database: Database) {
    let first = start(database);
    let second = first.beside();
    let across =
        |http: &Http, server: &Server| server.http().with_token(http.token()).get("Patient").expect(200);
    across(&issued(&first), &second);
    across(&issued(&second), &first);
    // A key that the other process has not heard of yet.
    assert!(first.command(&["keys", "rotate"], "").status.success());
    let third = first.beside();
    let after = issued(&third);
    across(&after, &first);
    across(&after, &second);
    let jwks = second.http().get("/oauth2/jwks").expect(200).json();
    assert!(jws::is_signed_by(after.token(), &jwks));
}

/// A 13, B 108 over two processes: exactly one wins.
fn single_use_holds_over_two_processes(database: Database) {
    let first = start(database);
    let second = first.beside();
    let servers = [&first, &second];
    let own = Key::p384();
    let id = register(&first, &[own.jwk("k")], "system/*.rs");
    let mut right = claims(&first, &id);
    right["aud"] = json!(format!("{ADDRESS}/oauth2/token"));
    let assertion = own.sign(&json!({ "alg": "ES384", "kid": "k" }), &right);
    let statuses = raced(|n| present(servers[n % 2], &assertion).status);
    assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);

    let flow = Flow::new(&first);
    let flow = flow.asking(flow.request.with("aud", &format!("{ADDRESS}/FHIR/R4")));
    let code = flow.code();
    let statuses = raced(|n| {
        let flow = Flow { server: servers[n % 2], ..flow.asking(flow.request.clone()) };
        flow.exchange(&code).status
    });
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
}

/// The statuses of eight attempts at once, sorted.
fn raced(attempt: impl Fn(usize) -> u16 + Sync) -> Vec<u16> {
    let attempt = &attempt;
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || attempt(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    statuses
}

#[test]
fn a_rotation_reaches_running_servers_sqlite() {
    a_rotation_reaches_running_servers(Database::Sqlite);
}

#[test]
fn a_rotation_reaches_running_servers_postgres() {
    a_rotation_reaches_running_servers(Database::Postgres);
}

#[test]
fn tokens_and_sessions_outlive_a_restart_sqlite() {
    tokens_and_sessions_outlive_a_restart(Database::Sqlite);
}

#[test]
fn tokens_and_sessions_outlive_a_restart_postgres() {
    tokens_and_sessions_outlive_a_restart(Database::Postgres);
}

#[test]
fn a_token_of_one_process_opens_the_other_postgres() {
    a_token_of_one_process_opens_the_other(Database::Postgres);
}

#[test]
fn single_use_holds_over_two_processes_postgres() {
    single_use_holds_over_two_processes(Database::Postgres);
}
