//! Authorization codes and PKCE (RFC 6749 §4.1, RFC 7636, RFC 9700 §2.1.1): used once, by whom and for what they were made.

use super::endpoint::{ask, ask_with, basic, granted, refused};
use super::flow::{Flow, Request, VERIFIER, challenge, redirected};
use super::jws;
use crate::token::{self, CALLBACK, EVERYTHING, SECRET};

guarded! {
    fn an_app_gets_a_token_for_the_person(server: &Server) {
        let flow = Flow::new(server);
        let answer = granted(flow.exchange(&flow.code()));
        assert_eq!(answer["scope"], "launch/patient patient/*.rs");
        assert_eq!(answer["patient"], "p");
        let token = answer["access_token"].as_str().unwrap();
        let claims = jws::part(token, 1);
        assert_eq!((&claims["patient"], &claims["fhirUser"]), (&"p".into(), &"Patient/p".into()));
        assert_eq!((&claims["client_id"], &claims["sub"]), (&flow.client.as_str().into(), &flow.username.as_str().into()));
    }

    fn a1_a5_a_request_without_s256_is_refused(server: &Server) {
        let public = token::public(server);
        let arguments = ["--secret-stdin", "--grant", "authorization_code", "--redirect-uri", CALLBACK, "--scope", EVERYTHING];
        let confidential = token::register(server, &arguments, SECRET);
        for client in [public, confidential] {
            let right = Request::new(server, &client);
            let mut wrong = vec![
                right.without("code_challenge").without("code_challenge_method"),
                right.without("code_challenge"),
                right.without("code_challenge_method"),
                right.with("code_challenge_method", "plain"),
                right.with("code_challenge_method", "s256"),
                right.with("code_challenge_method", ""),
                right.with("code_challenge_method", "plain").with("code_challenge", VERIFIER),
            ];
            let own = challenge(VERIFIER);
            for malformed in ["", &own[..42], &format!("{own}A"), &format!("{own}="), &own.replacen(|c: char| c.is_alphanumeric(), "+", 1), "a b", &"A".repeat(5000)] {
                wrong.push(right.with("code_challenge", malformed));
            }
            for request in wrong {
                redirected(server, server.http().get(&request.address()), &request, "invalid_request");
            }
        }
    }

    fn a6_a10_a_wrong_verifier_is_refused(server: &Server) {
        let flow = Flow::new(server);
        for verifier in [
            &"a".repeat(64), &challenge(VERIFIER), &VERIFIER[..63], &VERIFIER[..43], &format!("{VERIFIER}="), &format!("{VERIFIER} "),
            &VERIFIER.to_lowercase(), &"a".repeat(42), &"a".repeat(129), &"a".repeat(20_000), "a\u{0}", &"\u{1f600}".repeat(20),
        ] {
            refused(flow.exchange_with(&flow.code(), &[("code_verifier", verifier)]), 400, "invalid_grant");
        }
        refused(flow.exchange_with(&flow.code(), &[("code_verifier", "")]), 400, "invalid_request");
        // One wrong guess uses the code up.
        let code = flow.code();
        refused(flow.exchange_with(&code, &[("code_verifier", &"b".repeat(64))]), 400, "invalid_grant");
        refused(flow.exchange(&code), 400, "invalid_grant");
    }

    fn a12_a_second_use_is_refused_and_revokes_the_token_of_the_first(server: &Server) {
        let flow = Flow::new(server);
        let code = flow.code();
        let answer = granted(flow.exchange(&code));
        let http = server.http().with_token(answer["access_token"].as_str().unwrap());
        http.get("Patient").expect(200);
        refused(flow.exchange(&code), 400, "invalid_grant");
        http.get("Patient").expect_error(401);
    }

    fn a13_of_eight_at_once_one_gets_a_token(server: &Server) {
        let flow = Flow::new(server);
        let code = flow.code();
        let mut statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| flow.exchange(&code).status)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
    }

    fn a14_a15_a_code_belongs_to_its_client(server: &Server) {
        let flow = Flow::new(server);
        let code = flow.code();
        let other = token::public(server);
        refused(flow.exchange_with(&code, &[("client_id", &other)]), 400, "invalid_grant");
        refused(flow.exchange_with(&code, &[("client_id", "")]), 401, "invalid_client");
        // A stranger's attempt does not take the code from its client.
        granted(flow.exchange(&code));

        let arguments = ["--secret-stdin", "--grant", "authorization_code", "--redirect-uri", CALLBACK, "--scope", EVERYTHING];
        let client = token::register(server, &arguments, SECRET);
        let confidential = Flow { client: client.clone(), request: Request::new(server, &client), ..flow };
        let code = confidential.code();
        refused(confidential.exchange(&code), 401, "invalid_client");
        let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        granted(ask_with(server.http(), &[("Authorization", &basic(&client, SECRET))], &form));
    }

    fn a16_a17_an_altered_code_is_refused(server: &Server) {
        let flow = Flow::new(server);
        let code = flow.code();
        let flipped = format!("{}{}", if code.starts_with('A') { 'B' } else { 'A' }, &code[1..]);
        for altered in [&flipped, &code[1..], &format!("{code}="), &format!("{code}A"), &code.to_lowercase(), &format!(" {code}"), "x", &"x".repeat(30_000), "'; DROP TABLE x --", "\u{0}"] {
            refused(flow.exchange_with(altered, &[]), 400, "invalid_grant");
        }
        // A code of another session has another challenge.
        let other = flow.asking(flow.request.with("code_challenge", &challenge(&"v".repeat(43))));
        refused(flow.exchange(&other.code()), 400, "invalid_grant");
        granted(flow.exchange(&code));
        refused(flow.exchange_with("", &[]), 400, "invalid_request");
    }

    fn a38_the_redirect_stays_the_same(server: &Server) {
        let flow = Flow::new(server);
        for redirect in ["https://app.example/callback/", "https://app.example/other", "https://evil.example/", "x"] {
            refused(flow.exchange_with(&flow.code(), &[("redirect_uri", redirect)]), 400, "invalid_grant");
        }
        refused(flow.exchange_with(&flow.code(), &[("redirect_uri", "")]), 400, "invalid_request");
    }

    fn a50_what_the_client_adds_does_not_choose_the_patient(server: &Server) {
        let flow = Flow::new(server);
        let request = flow.request.and("patient", "other").and("sub", "other").and("fhirUser", "Practitioner/x").and("encounter", "e");
        let code = flow.asking(request).code();
        let added = [("patient", "other"), ("sub", "other"), ("fhirUser", "Practitioner/x"), ("scope", "patient/*.cruds")];
        let answer = granted(flow.exchange_with(&code, &added));
        assert_eq!((&answer["patient"], &answer["scope"]), (&"p".into(), &"launch/patient patient/*.rs".into()));
        let claims = jws::part(answer["access_token"].as_str().unwrap(), 1);
        assert_eq!((&claims["patient"], &claims["fhirUser"]), (&"p".into(), &"Patient/p".into()));
    }

    fn a_code_is_no_secret_of_another_grant(server: &Server) {
        let flow = Flow::new(server);
        let code = flow.code();
        server.http().with_token(&code).get("Patient").expect_error(401);
        let id = token::confidential(server, "system/*.rs");
        let form = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &code)];
        refused(ask(server, &form), 401, "invalid_client");
    }
}
