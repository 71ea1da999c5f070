//! Clients whose keys are at an address (`client add --jwks-url`, RFC 7591 `jwks_uri`): fetched when they are needed,
//! kept no longer than their host says, and never from where outgoing calls may not go.

use super::assertion::{claims, present};
use super::endpoint::{granted, refused};
use super::jws::Key;
use super::key_host::KeyHost;
use crate::database::Database;
use crate::server::{Server, Settings, unique};
use crate::token;
use serde_json::json;
use std::time::{Duration, Instant};

/// A server that may call this machine.
fn server(database: Database) -> Server {
    Settings::guarded(database).with("BINNACLE_EGRESS_ALLOW", "127.0.0.1 ::1").start()
}

/// Registers a client whose keys are at `address`.
fn register(server: &Server, address: &str) -> String {
    let arguments = ["--jwks-url", address, "--grant", "client_credentials", "--scope", "system/*.rs"];
    token::register(server, &arguments, "")
}

/// An assertion of `id`, signed by the key named `kid`.
fn signed(server: &Server, id: &str, key: &Key, kid: &str) -> String {
    key.sign(&json!({ "alg": "ES384", "kid": kid, "typ": "JWT" }), &claims(server, id))
}

on_each! {
    fn keys_are_fetched_kept_and_fetched_anew_for_a_new_kid(database: Database) {
        let (server, host, old, new) = (server(database), KeyHost::start(), Key::p384(), Key::p384());
        // Keys for other uses stand beside the one that signs.
        let encryption = json!({ "kty": "RSA", "use": "enc", "kid": "e", "n": "AQAB", "e": "AQAB" });
        host.hold(&[encryption.clone(), Key::p256().jwk("p"), old.jwk("old")], "Cache-Control: max-age=600\r\n");
        let id = register(&server, &host.address("127.0.0.1"));
        assert_eq!(host.asked(), 0, "registering fetches nothing");
        for _ in 0..3 {
            granted(present(&server, &signed(&server, &id, &old, "old")));
        }
        assert_eq!(host.asked(), 1);
        // Neither a foreign key under the right name nor the right key under a foreign name counts.
        refused(present(&server, &signed(&server, &id, &new, "old")), 401, "invalid_client");
        assert_eq!(host.asked(), 1);
        host.hold(&[encryption, new.jwk("new")], "Cache-Control: max-age=600\r\n");
        std::thread::sleep(Duration::from_secs(5));
        granted(present(&server, &signed(&server, &id, &new, "new")));
        assert_eq!(host.asked(), 2);
        // The key that was taken away ended with the set it was in; asking for it does not make us ask each time.
        for _ in 0..4 {
            refused(present(&server, &signed(&server, &id, &old, "old")), 401, "invalid_client");
        }
        assert_eq!(host.asked(), 2);
        let listed = server.command(&["client", "list"], "");
        assert!(String::from_utf8_lossy(&listed.stdout).contains(&host.address("127.0.0.1")));
    }
}

on_each! {
    fn keys_are_kept_no_longer_than_their_host_says(database: Database) {
        let (server, host, key) = (server(database), KeyHost::start(), Key::p384());
        for (headers, again) in [
            ("Cache-Control: no-store\r\n", true), ("Cache-Control: max-age=1\r\n", true), ("", false),
            ("Cache-Control: max-age=600\r\nAge: 599\r\n", true), ("Cache-Control: public, max-age=600\r\n", false),
        ] {
            host.hold(&[key.jwk("k")], headers);
            // An address of its own for each: what is kept is kept by address.
            let id = register(&server, &format!("{}?{}", host.address("127.0.0.1"), unique("set")));
            let before = host.asked();
            granted(present(&server, &signed(&server, &id, &key, "k")));
            std::thread::sleep(Duration::from_millis(1100));
            granted(present(&server, &signed(&server, &id, &key, "k")));
            assert_eq!(host.asked() - before, if again { 2 } else { 1 }, "{headers}");
        }
    }
}

on_each! {
    fn requests_that_come_together_fetch_once(database: Database) {
        let (server, host, key) = (server(database), KeyHost::start(), Key::p384());
        host.hold(&[key.jwk("k")], "Cache-Control: max-age=600\r\n");
        host.slow(Duration::from_millis(300));
        let id = register(&server, &host.address("localhost"));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| granted(present(&server, &signed(&server, &id, &key, "k"))));
            }
        });
        assert_eq!(host.asked(), 1);
    }
}

on_each! {
    fn what_is_no_prompt_answer_with_fit_keys_is_not_taken(database: Database) {
        let (server, host, key) = (server(database), KeyHost::start(), Key::p384());
        let elsewhere = KeyHost::start();
        elsewhere.hold(&[key.jwk("k")], "");
        let set = json!({ "keys": [key.jwk("k")] });
        let long = json!({ "keys": [key.jwk("k")], "padding": "x".repeat(300_000) }).to_string();
        let twice = json!({ "keys": [key.jwk("k"), Key::p384().jwk("k")] }).to_string();
        let encryption = json!({ "keys": [{ "use": "enc", "kty": "EC", "crv": "P-384", "kid": "k", "x": key.jwk("k")["x"], "y": key.jwk("k")["y"] }] });
        let location = format!("Location: {}\r\n", elsewhere.address("127.0.0.1"));
        for (status, headers, body) in [
            ("500 Internal Server Error", "", set.to_string()), ("302 Found", location.as_str(), set.to_string()),
            ("200 OK", "", "<html>".to_owned()), ("200 OK", "", json!({ "keys": [] }).to_string()),
            ("200 OK", "", long), ("200 OK", "", twice), ("200 OK", "", encryption.to_string()),
        ] {
            host.answer(status, headers, &body);
            let id = register(&server, &format!("{}?{}", host.address("127.0.0.1"), unique("set")));
            let before = host.asked();
            for _ in 0..3 {
                refused(present(&server, &signed(&server, &id, &key, "k")), 401, "invalid_client");
            }
            assert_eq!(host.asked() - before, 1, "{status} {}: one try, then a pause", &body[..body.len().min(60)]);
        }
        assert_eq!(elsewhere.asked(), 0, "a redirect was followed");
        // A host that dribbles is left, and nobody else waits for it.
        host.hold(&[key.jwk("k"), json!({ "padding": "x".repeat(30_000) })], "");
        host.slow(Duration::from_secs(1));
        let id = register(&server, &host.address("127.0.0.1"));
        std::thread::scope(|scope| {
            let start = Instant::now();
            let slow = scope.spawn(|| refused(present(&server, &signed(&server, &id, &key, "k")), 401, "invalid_client"));
            token::client_credentials(&server, "system/Patient.rs").get("Patient?_count=1").expect(200);
            assert!(!slow.is_finished() && start.elapsed() < Duration::from_secs(5));
            slow.join().unwrap();
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        });
        assert!(server.output().contains("the keys of a client could not be fetched"));
    }
}

on_each! {
    fn with_tls_the_certificate_must_be_trusted(database: Database) {
        let (host, key) = (KeyHost::with_tls(), Key::p384());
        host.hold(&[key.jwk("k")], "");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), host.certificate.as_deref().unwrap()).unwrap();
        for trusted in [true, false] {
            let settings = Settings::guarded(database).with("BINNACLE_EGRESS_ALLOW", "127.0.0.0/8 ::1");
            let settings = if trusted { settings.with("SSL_CERT_FILE", file.path().to_str().unwrap()) } else { settings };
            let server = settings.start();
            let id = register(&server, &host.address("localhost"));
            let answer = present(&server, &signed(&server, &id, &key, "k"));
            if trusted {
                granted(answer);
            } else {
                refused(answer, 401, "invalid_client");
            }
        }
    }
}

on_each! {
    fn keys_are_not_fetched_from_where_calls_may_not_go(database: Database) {
        let server = Settings::guarded(database).start();
        let (host, secure, key) = (KeyHost::start(), KeyHost::with_tls(), Key::p384());
        host.hold(&[key.jwk("k")], "");
        secure.hold(&[key.jwk("k")], "");
        for address in [
            host.address("127.0.0.1"), secure.address("127.0.0.1"), secure.address("2130706433"), secure.address("[::ffff:127.0.0.1]"),
            "https://169.254.169.254/latest".into(), "https://10.0.0.1/k".into(), "https://[fd00::1]/k".into(), "https://0x7f.1/k".into(),
            "http://8.8.8.8/k".into(), "ftp://app.example/k".into(), "https://u:p@app.example/k".into(), "https://app.example/k#x".into(), "k".into(),
        ] {
            let id = unique("client");
            let arguments = ["client", "add", "--id", &id, "--jwks-url", &address, "--grant", "client_credentials", "--scope", "system/*.rs"];
            let output = server.command(&arguments, "");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && !said.contains("panicked") && said.trim().lines().count() == 1, "{address}: {said}");
        }
        // A name is judged by where it leads when it is looked up.
        for address in [host.address("localhost"), secure.address("localhost")] {
            let id = register(&server, &address);
            refused(present(&server, &signed(&server, &id, &key, "k")), 401, "invalid_client");
        }
        assert_eq!((host.asked(), secure.asked()), (0, 0));
        assert!(server.output().contains("its name leads to no address that outgoing calls may reach"));
    }
}
