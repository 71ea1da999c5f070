//! How clients prove who they are at the token endpoint (RFC 6749 §2.3, §3.2), and how they may not.

use super::endpoint::{ask, ask_with, basic, granted, refused};
use super::jws;
use crate::token::{self, SECRET};
use reqwest::Method;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const SCOPE: (&str, &str) = ("scope", "system/Patient.rs");

guarded! {
    fn a_secret_goes_into_the_header_or_into_the_body(server: &Server) {
        let id = token::confidential(server, "system/*.cruds");
        let header = basic(&id, SECRET);
        let by_header = granted(ask_with(server.http(), &[("Authorization", &header)], &[GRANT, SCOPE]));
        let by_body = granted(ask(server, &[GRANT, SCOPE, ("client_id", &id), ("client_secret", SECRET)]));
        for answer in [by_header, by_body] {
            assert_eq!(answer["scope"], "system/Patient.rs");
            assert!(answer["expires_in"].as_u64().unwrap() <= 300, "SMART 2.2 backend services, expires_in");
            assert!(answer["refresh_token"].is_null() && answer["patient"].is_null());
            let claims = jws::part(answer["access_token"].as_str().unwrap(), 1);
            assert_eq!(claims["iss"], server.http().origin());
            assert_eq!(claims["aud"], server.http().base());
            assert_eq!((&claims["sub"], &claims["client_id"]), (&id.clone().into(), &id.clone().into()));
            server.http().with_token(answer["access_token"].as_str().unwrap()).get("Patient?_count=1").expect(200);
        }
    }

    fn the_basic_header_is_form_encoded(server: &Server) {
        let odd = "pa%ss+word&=: 0123456789abcdef";
        let arguments = ["--secret-stdin", "--grant", "client_credentials", "--scope", "system/*.rs"];
        let id = token::register(server, &arguments, &format!("{odd}\n"));
        let encoded = basic(&id, "pa%25ss%2Bword%26%3D%3A+0123456789abcdef");
        granted(ask_with(server.http(), &[("Authorization", &encoded)], &[GRANT, SCOPE]));
        granted(ask(server, &[GRANT, SCOPE, ("client_id", &id), ("client_secret", odd)]));
    }

    fn a15_a64_a_wrong_secret_is_refused_in_one_way(server: &Server) {
        let id = token::confidential(server, "system/*.rs");
        let app = token::public(server);
        let longer = format!("{SECRET}a");
        let attempts = [
            ask(server, &[GRANT, SCOPE, ("client_id", &id), ("client_secret", "wrong")]),
            ask(server, &[GRANT, SCOPE, ("client_id", &id), ("client_secret", &SECRET[1..])]),
            ask(server, &[GRANT, SCOPE, ("client_id", &id), ("client_secret", &longer)]),
            ask(server, &[GRANT, SCOPE, ("client_id", &id), ("client_secret", &SECRET.to_lowercase())]),
            ask(server, &[GRANT, SCOPE, ("client_id", &id), ("client_secret", "")]),
            ask(server, &[GRANT, SCOPE, ("client_id", &id)]),
            ask(server, &[GRANT, SCOPE, ("client_id", "nobody"), ("client_secret", SECRET)]),
            ask(server, &[GRANT, SCOPE, ("client_id", &app), ("client_secret", SECRET)]),
            ask(server, &[GRANT, SCOPE]),
            ask_with(server.http(), &[("Authorization", &basic(&id, "wrong"))], &[GRANT, SCOPE]),
            ask_with(server.http(), &[("Authorization", &basic(&id, ""))], &[GRANT, SCOPE]),
            ask_with(server.http(), &[("Authorization", &basic("", SECRET))], &[GRANT, SCOPE]),
            ask_with(server.http(), &[("Authorization", "Basic !!!")], &[GRANT, SCOPE]),
            ask_with(server.http(), &[("Authorization", "Basic")], &[GRANT, SCOPE]),
            ask_with(server.http(), &[("Authorization", &format!("Bearer {SECRET}"))], &[GRANT, SCOPE]),
        ];
        let answers: Vec<_> = attempts.into_iter().map(|attempt| refused(attempt, 401, "invalid_client")).collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "which check failed is not told");
    }

    fn a58_odd_grants_are_refused(server: &Server) {
        let id = token::confidential(server, "system/*.rs");
        let who = [("client_id", id.as_str()), ("client_secret", SECRET)];
        for grant in ["password", "implicit", "CLIENT_CREDENTIALS", "client_credentials ", "urn:ietf:params:oauth:grant-type:jwt-bearer"] {
            refused(ask(server, &[&who[..], &[("grant_type", grant)]].concat()), 400, "unsupported_grant_type");
        }
        refused(ask(server, &who), 400, "invalid_request");
        refused(ask(server, &[&who[..], &[("grant_type", "")]].concat()), 400, "invalid_request");
        // Registered for client_credentials alone.
        let code = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", "x"), ("code_verifier", "x")];
        refused(ask(server, &[&who[..], &code].concat()), 400, "unauthorized_client");
    }

    fn a59_a60_a61_the_request_is_a_form_in_the_body_of_a_post(server: &Server) {
        let id = token::confidential(server, "system/*.rs");
        let query = format!("/oauth2/token?grant_type=client_credentials&client_id={id}&client_secret={SECRET}");
        let get = server.http().get(&query);
        assert_eq!(get.status, 405, "{get}");
        assert_eq!(get.header("allow"), "POST");
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let by_query = server.http().send(Method::POST, &query, &[form], Some(b"scope=system/Patient.rs"));
        refused(by_query, 400, "invalid_request");
        let json = serde_json::json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": SECRET });
        let typed = [("Content-Type", "application/json")];
        let body = json.to_string();
        refused(server.http().send(Method::POST, "/oauth2/token", &typed, Some(body.as_bytes())), 415, "invalid_request");
        let untyped = server.http().send(Method::POST, "/oauth2/token", &[("Content-Type", "")], Some(body.as_bytes()));
        refused(untyped, 415, "invalid_request");
        for body in [&b"\xff\xfe=1"[..], b"", b"%", b"&&&&"] {
            refused(server.http().send(Method::POST, "/oauth2/token", &[form], Some(body)), 400, "invalid_request");
        }
        let large = vec![b'a'; 1 << 20];
        refused(server.http().send(Method::POST, "/oauth2/token", &[form], Some(&large)), 413, "invalid_request");
    }

    fn a62_no_parameter_stands_twice(server: &Server) {
        let id = token::confidential(server, "system/*.rs");
        let right = [GRANT, SCOPE, ("client_id", id.as_str()), ("client_secret", SECRET)];
        for repeated in [GRANT, SCOPE, ("client_id", &id), ("client_secret", SECRET), ("scope", "system/*.cruds"), ("client_id", "other")] {
            refused(ask(server, &[&right[..], &[repeated]].concat()), 400, "invalid_request");
        }
        for unknown in [("x", "1"), ("x", "2")] {
            refused(ask(server, &[&right[..], &[unknown, unknown]].concat()), 400, "invalid_request");
        }
    }

    fn a63_a_client_proves_itself_once(server: &Server) {
        let id = token::confidential(server, "system/*.rs");
        let header = basic(&id, SECRET);
        let headers = [("Authorization", header.as_str())];
        let secret = [GRANT, SCOPE, ("client_id", id.as_str()), ("client_secret", SECRET)];
        refused(ask_with(server.http(), &headers, &secret), 400, "invalid_request");
        let assertion = [GRANT, SCOPE, ("client_assertion", "a.b.c"), ("client_assertion_type", "x")];
        refused(ask_with(server.http(), &headers, &assertion), 400, "invalid_request");
        let twice = [headers[0], headers[0]];
        refused(ask_with(server.http(), &twice, &[GRANT, SCOPE]), 400, "invalid_request");
        let other = token::confidential(server, "system/*.rs");
        refused(ask_with(server.http(), &headers, &[GRANT, SCOPE, ("client_id", &other)]), 401, "invalid_client");
    }

    fn a65_a_public_client_has_no_client_credentials(server: &Server) {
        let id = token::public(server);
        refused(ask(server, &[GRANT, SCOPE, ("client_id", &id)]), 400, "unauthorized_client");
        let arguments = ["client", "add", "--id", "no-such", "--public", "--grant", "client_credentials", "--scope", "system/*.rs"];
        assert!(!server.command(&arguments, "").status.success());
    }

    fn a_disabled_client_gets_nothing_more(server: &Server) {
        let id = token::confidential(server, "system/*.rs");
        let right = [GRANT, SCOPE, ("client_id", id.as_str()), ("client_secret", SECRET)];
        let answer = granted(ask(server, &right));
        assert!(server.command(&["client", "disable", "--id", &id], "").status.success());
        refused(ask(server, &right), 401, "invalid_client");
        // This token was never used, so nothing of it is cached.
        let http = server.http().with_token(answer["access_token"].as_str().unwrap());
        http.get("Patient").expect_error(401);
        assert!(!server.command(&["client", "disable", "--id", "no-such-client"], "").status.success());
    }

}
