//! `private_key_jwt` (RFC 7523, SMART backend services, NHS signed JWT): assertions that count, and forged ones that do not.

use super::endpoint::{ask, granted, refused};
use super::jws::{self, Key};
use crate::http::Answer;
use crate::server::Server;
use crate::token;
use serde_json::{Value, json};
use std::io::Write;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Registers a client with these public keys.
pub(crate) fn register(server: &Server, keys: &[Value], scope: &str) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    token::register(server, &["--jwks", path, "--grant", "client_credentials", "--scope", scope], "")
}

/// The claims of a right assertion.
pub(crate) fn claims(server: &Server, id: &str) -> Value {
    let audience = super::endpoint::address(server);
    json!({ "iss": id, "sub": id, "aud": audience, "exp": now() + 60, "iat": now(), "jti": crate::server::unique("jti") })
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Asks for a token with an assertion.
pub(crate) fn present(server: &Server, assertion: &str) -> Answer {
    ask(
        server,
        &[
            ("grant_type", "client_credentials"),
            ("scope", "system/Patient.rs"),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
        ],
    )
}

fn header(alg: &str) -> Value {
    json!({ "alg": alg, "kid": "k", "typ": "JWT" })
}

/// `claims` with one member changed; `Null` takes it away.
fn but(claims: &Value, name: &str, value: Value) -> Value {
    let mut changed = claims.clone();
    if value.is_null() {
        changed.as_object_mut().unwrap().remove(name);
    } else {
        changed[name] = value;
    }
    changed["jti"] = if name == "jti" { changed["jti"].take() } else { crate::server::unique("jti").into() };
    if changed["jti"].is_null() {
        changed.as_object_mut().unwrap().remove("jti");
    }
    changed
}

guarded! {
    fn rs384_es384_and_rs512_are_accepted(server: &Server) {
        let elliptic = Key::p384();
        let id = register(server, &[Key::rsa().jwk("r"), elliptic.jwk("k")], "system/*.rs");
        for alg in ["RS384", "RS512"] {
            let header = json!({ "alg": alg, "kid": "r", "typ": "JWT" });
            granted(present(server, &Key::rsa().sign(&header, &claims(server, &id))));
        }
        let answer = granted(present(server, &elliptic.sign(&header("ES384"), &claims(server, &id))));
        assert_eq!(answer["scope"], "system/Patient.rs");
        server.http().with_token(answer["access_token"].as_str().unwrap()).get("Patient?_count=1").expect(200);
        let in_list = but(&claims(server, &id), "aud", json!([super::endpoint::address(server)]));
        granted(present(server, &elliptic.sign(&header("ES384"), &in_list)));
        let without = but(&claims(server, &id), "iat", Value::Null);
        granted(present(server, &elliptic.sign(&header("ES384"), &without)));
    }

    fn a_key_is_pinned_to_the_algorithm_it_names(server: &Server) {
        let mut jwk = Key::rsa().jwk("k");
        jwk["alg"] = json!("RS512");
        let id = register(server, &[jwk], "system/*.rs");
        granted(present(server, &Key::rsa().sign(&header("RS512"), &claims(server, &id))));
        refused(present(server, &Key::rsa().sign(&header("RS384"), &claims(server, &id))), 401, "invalid_client");
    }

    fn what_is_no_fit_key_cannot_be_registered(server: &Server) {
        let rsa = Key::rsa();
        for keys in [
            json!([]), json!([Key::p256().jwk("k")]), json!([{ "kty": "oct", "kid": "k", "k": "c2VjcmV0" }]),
            json!([rsa.jwk("")]), json!([rsa.jwk("k"), rsa.jwk("k")]), json!([{ "kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB" }]),
            json!([{ "kty": "EC", "kid": "k", "crv": "P-384", "x": "AA", "y": "AA" }]), json!("x"),
        ] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
            let id = crate::server::unique("client");
            let arguments = ["client", "add", "--id", &id, "--jwks", file.path().to_str().unwrap(), "--grant", "client_credentials", "--scope", "system/*.rs"];
            let output = server.command(&arguments, "");
            assert!(!output.status.success(), "{keys}");
            assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{keys}");
        }
    }

    fn b81_b96_a_forged_assertion_is_refused(server: &Server) {
        let own = Key::p384();
        let id = register(server, &[own.jwk("k"), Key::rsa().jwk("r")], "system/*.rs");
        let right = claims(server, &id);
        let payload = right.to_string();
        let foreign = Key::p384();
        let mut forged: Vec<(&str, String)> = Vec::new();
        for alg in ["none", "None", "NONE", "nOnE", "none "] {
            forged.push(("81 none", jws::complete(&header(alg).to_string(), &payload, |_| Vec::new())));
            forged.push(("81 none with a signature", own.sign(&header(alg), &right)));
        }
        forged.push(("82 no alg", own.sign(&json!({ "kid": "k" }), &right)));
        forged.push(("82 alg null", own.sign(&json!({ "kid": "k", "alg": null }), &right)));
        let signed = own.sign(&header("ES384"), &right);
        let (message, signature) = signed.rsplit_once('.').unwrap();
        forged.push(("83 no signature", format!("{message}.")));
        forged.push(("83 two parts", message.to_owned()));
        let edited = jws::complete(&header("ES384").to_string(), &but(&right, "x", json!(1)).to_string(), |_| Vec::new());
        forged.push(("84 edited", format!("{edited}{signature}")));
        let jwk = own.jwk("k");
        for secret in [jwk.to_string(), jwk["x"].as_str().unwrap().to_owned(), Key::rsa().jwk("r")["n"].as_str().unwrap().to_owned()] {
            for kid in ["k", "r"] {
                let header = json!({ "alg": "HS256", "kid": kid }).to_string();
                forged.push(("85 HS256 with the public key", jws::hs256(&header, &payload, secret.as_bytes())));
            }
        }
        for secret in ["", "secret", "password", &id] {
            forged.push(("86 weak secret", jws::hs256(&header("HS256").to_string(), &payload, secret.as_bytes())));
        }
        forged.push(("87 foreign key", foreign.sign(&header("ES384"), &right)));
        let with = |name: &str, value: Value| but_header(name, value);
        forged.push(("88 jwk", foreign.sign(&with("jwk", foreign.jwk("k")), &right)));
        forged.push(("89 x5c", foreign.sign(&with("x5c", json!(["MIIB"])), &right)));
        for kid in ["../../../../dev/null", "k' OR '1'='1", "k\u{0}", "", "K", " k"] {
            forged.push(("91-93 kid", own.sign(&json!({ "alg": "ES384", "kid": kid }), &right)));
        }
        forged.push(("93 huge kid", own.sign(&json!({ "alg": "ES384", "kid": "k".repeat(20_000) }), &right)));
        forged.push(("93 no kid", own.sign(&json!({ "alg": "ES384" }), &right)));
        for bytes in [vec![0; 96], vec![0xff; 96], Vec::new(), vec![0; 95]] {
            forged.push(("94 psychic", jws::complete(&header("ES384").to_string(), &payload, |_| bytes)));
        }
        forged.push(("95 crit", own.sign(&with("crit", json!(["exp"])), &right)));
        forged.push(("95 b64", own.sign(&json!({ "alg": "ES384", "kid": "k", "b64": false, "crit": ["b64"] }), &right)));
        forged.push(("96 RS256", Key::rsa().sign(&json!({ "alg": "RS256", "kid": "r" }), &right)));
        forged.push(("96 the other key's kid", Key::rsa().sign(&json!({ "alg": "RS384", "kid": "k" }), &right)));
        for (what, assertion) in forged {
            let answer = present(server, &assertion);
            assert_eq!(answer.status, 401, "{what}: {assertion} {answer}");
            refused(answer, 401, "invalid_client");
        }
        granted(present(server, &own.sign(&header("ES384"), &right)));
    }

    fn b90_no_address_in_a_header_is_fetched(server: &Server) {
        let own = Key::p384();
        let id = register(server, &[own.jwk("k")], "system/*.rs");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        for name in ["jku", "x5u"] {
            let header = but_header(name, json!(address));
            let assertion = Key::p384().sign(&header, &claims(server, &id));
            refused(present(server, &assertion), 401, "invalid_client");
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(listener.accept().is_err(), "somebody called");
    }

    fn b102_b107_b109_claims_are_typed_and_bound(server: &Server) {
        let own = Key::p384();
        let id = register(server, &[own.jwk("k")], "system/*.rs");
        let other = register(server, &[own.jwk("k")], "system/*.rs");
        let right = claims(server, &id);
        let endpoint = super::endpoint::address(server);
        let now = now();
        let wrong = [
            ("103", "exp", vec![Value::Null, json!("4102444800"), json!([now + 60]), json!(true), json!(1e30), json!(-1), json!(0), json!(now - 1), json!({}), json!(now as f64 + 60.5)]),
            ("109", "exp", vec![json!(now + 400), json!(now + 86_400), json!(i64::MAX), json!(u64::MAX)]),
            ("104", "nbf", vec![json!("0"), json!(now + 120), json!([0]), json!(true)]),
            ("105", "aud", vec![Value::Null, json!(server.http().origin()), json!(server.http().base()), json!(format!("{endpoint}/")), json!(endpoint[..endpoint.len() - 1]), json!({}), json!([]), json!([endpoint, "https://other.example"]), json!(1), json!("")]),
            ("106", "iss", vec![Value::Null, json!(other), json!([id]), json!(""), json!(1), json!("nobody")]),
            ("106", "sub", vec![Value::Null, json!(other), json!([id]), json!(""), json!(1)]),
            ("107", "jti", vec![Value::Null, json!(""), json!(1), json!(["x"]), json!("j".repeat(256)), json!("j".repeat(30_000))]),
        ];
        for (number, name, values) in wrong {
            for value in values {
                let assertion = own.sign(&header("ES384"), &but(&right, name, value.clone()));
                let answer = present(server, &assertion);
                assert_eq!(answer.status, 401, "{number} {name} {value}: {answer}");
                refused(answer, 401, "invalid_client");
            }
        }
        let twice = right.to_string().replacen('{', &format!("{{\"iss\":\"{other}\","), 1);
        refused(present(server, &own.sign_text(&header("ES384").to_string(), &twice)), 401, "invalid_client");
        for nonsense in ["", ".", "..", "...", "a.b.c", "\u{1f600}", "eyJhbGciOiJFUzM4NCJ9.e30.AA"] {
            let answer = present(server, nonsense);
            assert!((400..=401).contains(&answer.status), "{nonsense}: {answer}");
        }
    }

    fn b108_an_assertion_counts_once(server: &Server) {
        let own = Key::p384();
        let id = register(server, &[own.jwk("k")], "system/*.rs");
        let right = claims(server, &id);
        let assertion = own.sign(&header("ES384"), &right);
        granted(present(server, &assertion));
        refused(present(server, &assertion), 401, "invalid_client");
        // Signed again, with the same jti.
        refused(present(server, &own.sign(&header("ES384"), &right)), 401, "invalid_client");
        // Another client's jti is its own affair.
        let other = register(server, &[own.jwk("k")], "system/*.rs");
        let same = json!({ "iss": other, "sub": other, "aud": right["aud"], "exp": right["exp"], "jti": right["jti"] });
        granted(present(server, &own.sign(&header("ES384"), &same)));
    }

    fn b108_of_eight_at_once_one_counts(server: &Server) {
        let own = Key::p384();
        let id = register(server, &[own.jwk("k")], "system/*.rs");
        let assertion = own.sign(&header("ES384"), &claims(server, &id));
        let mut statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| present(server, &assertion).status)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);
    }

    fn b110_an_assertion_belongs_to_one_client_and_says_its_type(server: &Server) {
        let own = Key::p384();
        let id = register(server, &[own.jwk("k")], "system/*.rs");
        let sign = || own.sign(&header("ES384"), &claims(server, &id));
        let fields = |assertion: &str, kind: &str, client: &str| {
            let mut fields = vec![("grant_type", "client_credentials"), ("scope", "system/Patient.rs"), ("client_assertion", assertion)];
            fields.extend((!kind.is_empty()).then_some(("client_assertion_type", kind)));
            fields.extend((!client.is_empty()).then_some(("client_id", client)));
            ask(server, &fields)
        };
        granted(fields(&sign(), TYPE, &id));
        let other = token::confidential(server, "system/*.rs");
        refused(fields(&sign(), TYPE, &other), 401, "invalid_client");
        for kind in ["", "jwt-bearer", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"] {
            refused(fields(&sign(), kind, ""), 400, "invalid_request");
        }
        // A client with a secret does not become one with keys.
        let forged = own.sign(&header("ES384"), &claims(server, &other));
        refused(present(server, &forged), 401, "invalid_client");
        // Nor the other way round.
        let secret = [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("client_secret", token::SECRET)];
        refused(ask(server, &secret), 401, "invalid_client");
    }
}

fn but_header(name: &str, value: Value) -> Value {
    let mut header = header("ES384");
    header[name] = value;
    header
}
