//! Forged and misplaced access tokens at the FHIR base (B: 81–101, 111, 112).

use super::assertion;
use super::endpoint::granted;
use super::flow::Flow;
use super::jws::{self, Key};
use crate::server::Server;
use crate::token;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Asserts that a token opens nothing, and that the answer says so without repeating it.
#[track_caller]
fn opens_nothing(server: &Server, what: &str, token: &str) {
    let answer = server.http().with_token(token).get("Patient");
    assert_eq!(answer.status, 401, "{what}: {token} {answer}");
    let challenge = answer.header("www-authenticate");
    let is_right = challenge.starts_with("Bearer") && challenge.ends_with("error=\"invalid_token\"");
    assert!(is_right, "{what}: {answer}");
    let said = answer.to_string();
    assert!(token.len() < 20 || !said.contains(token), "{what}: the token is repeated");
    answer.expect_error(401);
}

guarded! {
    fn b81_b96_a_forged_token_is_refused(server: &Server) {
        let http = token::client_credentials(server, "system/Patient.rs");
        http.get("Patient?_count=1").expect(200);
        let right = http.token().to_owned();
        let (header, mut claims) = (jws::part(&right, 0), jws::part(&right, 1));
        claims["scope"] = json!("system/*.cruds");
        let payload = claims.to_string();
        let kid = header["kid"].as_str().unwrap();
        let with = |changes: Value| {
            let mut changed = header.clone();
            for (name, value) in changes.as_object().unwrap() {
                changed[name] = value.clone();
            }
            changed
        };
        let (message, signature) = right.rsplit_once('.').unwrap();
        for alg in ["none", "None", "NONE", "nOnE", "none "] {
            let header = with(json!({ "alg": alg })).to_string();
            let unsigned = jws::complete(&header, &payload, |_| Vec::new());
            opens_nothing(server, "81", &unsigned);
            opens_nothing(server, "81", &format!("{unsigned}{signature}"));
        }
        for header in [json!({ "typ": "at+jwt", "kid": kid }), json!({ "typ": "at+jwt", "kid": kid, "alg": null })] {
            opens_nothing(server, "82", &format!("{}{signature}", jws::complete(&header.to_string(), &payload, |_| Vec::new())));
        }
        opens_nothing(server, "83", &format!("{message}."));
        opens_nothing(server, "83", message);
        let edited = jws::complete(&header.to_string(), &payload, |_| Vec::new());
        opens_nothing(server, "84", &format!("{edited}{signature}"));
        let jwk = http.get("/oauth2/jwks").expect(200).json()["keys"][0].clone();
        for secret in public_forms(&jwk) {
            opens_nothing(server, "85", &jws::hs256(&with(json!({ "alg": "HS256" })).to_string(), &payload, &secret));
        }
        for secret in ["", "secret", "binnacle", kid] {
            opens_nothing(server, "86", &jws::hs256(&with(json!({ "alg": "HS256" })).to_string(), &payload, secret.as_bytes()));
        }
        let foreign = Key::p256();
        opens_nothing(server, "87", &foreign.sign(&header, &claims));
        opens_nothing(server, "87", &Key::p384().sign(&with(json!({ "alg": "ES384" })), &claims));
        opens_nothing(server, "88", &foreign.sign(&with(json!({ "jwk": foreign.jwk(kid) })), &claims));
        opens_nothing(server, "88", &foreign.sign(&with(json!({ "jwk": foreign.jwk("own"), "kid": "own" })), &claims));
        opens_nothing(server, "89", &foreign.sign(&with(json!({ "x5c": [STANDARD.encode("x")] })), &claims));
        for kid in ["../../../../dev/null", "/dev/null", "x' UNION SELECT 'x", "\u{0}", &"k".repeat(4000), ""] {
            opens_nothing(server, "91-93", &foreign.sign(&with(json!({ "kid": kid })), &claims));
            opens_nothing(server, "91", &jws::hs256(&with(json!({ "kid": kid, "alg": "HS256" })).to_string(), &payload, b""));
        }
        for bytes in [vec![0; 64], vec![0xff; 64], vec![0; 63], Vec::new()] {
            opens_nothing(server, "94", &jws::complete(&header.to_string(), &payload, |_| bytes));
        }
        opens_nothing(server, "95", &foreign.sign(&with(json!({ "crit": ["exp"], "exp": 1 })), &claims));
        http.get("Patient?_count=1").expect(200);
    }

    fn b90_no_address_in_a_header_is_fetched(server: &Server) {
        let http = token::client_credentials(server, "system/Patient.rs");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        for name in ["jku", "x5u"] {
            let mut header = jws::part(http.token(), 0);
            header[name] = json!(address);
            header["kid"] = json!("unknown");
            opens_nothing(server, "90", &Key::p256().sign(&header, &jws::part(http.token(), 1)));
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(listener.accept().is_err(), "somebody called");
    }

    fn b96_b97_what_is_no_access_token_opens_nothing(server: &Server) {
        let own = Key::p384();
        let id = assertion::register(server, &[own.jwk("k")], "system/*.rs");
        let header = json!({ "alg": "ES384", "kid": "k", "typ": "at+jwt" });
        let mut claims = assertion::claims(server, &id);
        opens_nothing(server, "97 assertion", &own.sign(&header, &claims));
        for (name, value) in [("aud", json!(server.http().base())), ("scope", json!("system/*.cruds")), ("client_id", json!(id))] {
            claims[name] = value;
        }
        opens_nothing(server, "96", &own.sign(&header, &claims));
        claims["iss"] = json!(server.http().origin());
        opens_nothing(server, "96", &own.sign(&header, &claims));
        let flow = Flow::new(server);
        opens_nothing(server, "97 code", &flow.code());
        let (browser, _) = flow.logged_in();
        opens_nothing(server, "97 session", &browser.cookie("binnacle_session").unwrap());
        opens_nothing(server, "97 secret", token::SECRET);
    }

    fn b99_b101_a_token_comes_in_one_header_alone(server: &Server) {
        let http = token::client_credentials(server, "system/Patient.rs");
        let right = http.token();
        let plain = server.http();
        plain.get(&format!("Patient?access_token={right}")).expect_error(401);
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let body = format!("access_token={right}");
        plain.send(reqwest::Method::POST, "Patient/_search", &[form], Some(body.as_bytes())).expect_error(401);
        let cookie = format!("access_token={right}; binnacle_session={right}; Authorization=Bearer {right}");
        plain.send(reqwest::Method::GET, "Patient", &[("Cookie", &cookie)], None).expect_error(401);
        let bearer = format!("Bearer {right}");
        for headers in [
            vec![("Authorization", bearer.as_str()), ("Authorization", bearer.as_str())],
            vec![("Authorization", bearer.as_str()), ("Authorization", "Bearer x")],
            vec![("X-Authorization", bearer.as_str())],
            vec![("X-Forwarded-User", "admin"), ("X-Remote-User", "admin"), ("X-Forwarded-For", "127.0.0.1")],
            vec![("X-Forwarded-Client-Cert", "Subject=\"CN=admin\""), ("X-SSL-Client-Verify", "SUCCESS")],
        ] {
            plain.send(reqwest::Method::GET, "Patient", &headers, None).expect_error(401);
        }
        for value in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", &format!("Token {right}"), &format!("Bearer  {right}"), &format!("Bearer {right} {right}"), &format!("Bearer {right},{right}"), right] {
            plain.send(reqwest::Method::GET, "Patient", &[("Authorization", value)], None).expect_error(401);
        }
        plain.send(reqwest::Method::GET, "Patient?_count=1", &[("Authorization", &format!("bearer {right}"))], None).expect(200);
    }

    fn b111_a_mutated_token_is_refused(server: &Server) {
        let http = token::client_credentials(server, "system/Patient.rs");
        let right = http.token();
        let parts: Vec<&str> = right.split('.').collect();
        for mutated in [
            format!("{right}{right}"), format!("{right}.{right}"), format!("{right}="), format!("{right}A"), format!("{right}."), format!(".{right}"),
            format!("{}.{}=.{}", parts[0], parts[1], parts[2]), format!("{}..{}", parts[0], parts[2]), right.to_lowercase(),
            right[..right.len() - 1].to_owned(), format!("{}%2e{}.{}", parts[0], parts[1], parts[2]), "x".repeat(9000),
        ] {
            opens_nothing(server, "111", &mutated);
        }
        // Each character of the signature counts but the unused bits of the last.
        for position in (0..85).step_by(7) {
            let at = right.len() - 86 + position;
            let other = if right.as_bytes()[at] == b'A' { "B" } else { "A" };
            opens_nothing(server, "111", &format!("{}{other}{}", &right[..at], &right[at + 1..]));
        }
    }

    fn b112_a_header_of_two_megabytes_does_no_harm(server: &Server) {
        let mut socket = TcpStream::connect(server.http().origin().trim_start_matches("http://")).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        let request = format!("GET /FHIR/R4/Patient HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", "A".repeat(2 << 20));
        // The server may close before it has read everything.
        let _ = socket.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
        assert!(line.is_empty() || line.starts_with("HTTP/1.1 4"), "{line}");
        token::client_credentials(server, "system/Patient.rs").get("Patient?_count=1").expect(200);
    }

    fn a_revoked_app_is_out(server: &Server) {
        let flow = Flow::new(server);
        let answer = granted(flow.exchange(&flow.code()));
        assert!(server.command(&["client", "disable", "--id", &flow.client], "").status.success());
        opens_nothing(server, "disabled", answer["access_token"].as_str().unwrap());
        // Nor may the app ask again.
        server.http().get(&flow.request.address()).expect(400);
    }
}

/// The texts that a careless library takes a public key for.
fn public_forms(jwk: &Value) -> Vec<Vec<u8>> {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    // SubjectPublicKeyInfo of a P-256 key, up to the point.
    let prefix = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
        0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    let der = [&prefix[..], &point].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    vec![
        jwk.to_string().into_bytes(),
        jwk["x"].as_str().unwrap().into(),
        point,
        der,
        pem.clone().into(),
        pem.trim_end().into(),
    ]
}
