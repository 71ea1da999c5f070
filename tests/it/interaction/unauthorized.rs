//! Without a token there is nothing to see: 401 with `WWW-Authenticate` (RFC 6750 §3), and clients come from the command.

use super::patient;
use crate::database::Database;
use crate::server::{Server, unique};

fn asks_for_a_token(database: Database) {
    let server = Server::guarded(database);
    let (_, patient) = patient();
    for answer in [
        server.http().get("Patient/1"),
        server.http().get("Patient"),
        server.http().post("Patient", &patient),
        server.http().delete("Patient/1"),
        server.http().get("_history"),
        server.http().with_token("not-a-token").get("Patient/1"),
    ] {
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer}");
        answer.expect_error(401);
    }
    server.http().get("metadata").expect(200);
    server.http().get("/health/live").expect(200);
}

fn a_weak_secret_is_refused(database: Database) {
    let server = Server::guarded(database);
    let id = unique("client");
    let arguments = [
        "client",
        "add",
        "--id",
        &id,
        "--secret-stdin",
        "--grant",
        "client_credentials",
        "--scope",
        "system/*.rs",
    ];
    let refused = server.command(&arguments, "short\n");
    assert!(!refused.status.success(), "a secret below 128 bits is refused");
    let added = server.command(&arguments, "bRk0q3vY2m1XnT8sJ5wLh7Gd4pZc6aFe\n");
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&added.stdout).unwrap();
    assert!(printed.to_string().contains(&id) && !printed.to_string().contains("bRk0q3vY2m1X"));
}

#[test]
fn asks_for_a_token_sqlite() {
    asks_for_a_token(Database::Sqlite);
}

#[test]
fn asks_for_a_token_postgres() {
    asks_for_a_token(Database::Postgres);
}

#[test]
fn a_weak_secret_is_refused_sqlite() {
    a_weak_secret_is_refused(Database::Sqlite);
}

#[test]
fn a_weak_secret_is_refused_postgres() {
    a_weak_secret_is_refused(Database::Postgres);
}
