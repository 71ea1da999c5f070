//! Refresh tokens: rotated, bound to their client, never wider (A 66–73). What takes time is tested in the domain.

use super::endpoint::{ask, ask_with, basic, granted, post, refused};
use super::flow::{Flow, Request};
use super::jws;
use crate::database::Database;
use crate::http::Answer;
use crate::server::{Server, Settings};
use crate::token::{self, CALLBACK, EVERYTHING, SECRET};
use serde_json::Value;

const SCOPE: &str = "offline_access launch/patient patient/*.rs";

fn flow(server: &Server) -> Flow<'_> {
    let flow = Flow::new(server);
    let request = flow.request.with("scope", SCOPE).with("aud", &audience(server));
    Flow { request, ..flow }
}

/// The FHIR base as the server calls it.
fn audience(server: &Server) -> String {
    let document = server.http().get("/.well-known/oauth-authorization-server").json();
    format!("{}/FHIR/R4", document["issuer"].as_str().unwrap())
}

fn refresh(server: &Server, client: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)];
    ask(server, &[&form[..], more].concat())
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

guarded! {
    fn each_is_answered_by_the_next(server: &Server) {
        let flow = flow(server);
        let mut answer = granted(flow.exchange(&flow.code()));
        let mut seen = vec![text(&answer, "refresh_token").to_owned()];
        for _ in 0..3 {
            answer = granted(refresh(server, &flow.client, seen.last().unwrap(), &[]));
            assert_eq!((&answer["scope"], &answer["patient"]), (&SCOPE.into(), &"p".into()));
            server.http().with_token(text(&answer, "access_token")).get("Patient").expect(200);
            seen.push(text(&answer, "refresh_token").to_owned());
        }
        seen.dedup();
        assert_eq!(seen.len(), 4);
        assert!(seen.iter().all(|token| token.len() >= 43));
        // No refresh token without being asked for, and none for a system (250).
        let plain = flow.asking(flow.request.with("scope", "patient/*.rs"));
        assert!(granted(plain.exchange(&plain.code()))["refresh_token"].is_null());
    }

    fn a67_a_use_again_at_once_is_refused(server: &Server) {
        let flow = flow(server);
        let first = granted(flow.exchange(&flow.code()));
        let token = text(&first, "refresh_token");
        let second = granted(refresh(server, &flow.client, token, &[]));
        refused(refresh(server, &flow.client, token, &[]), 400, "invalid_grant");
        // The race ends nothing: the winner goes on.
        granted(refresh(server, &flow.client, text(&second, "refresh_token"), &[]));
    }

    fn a68_of_ten_at_once_one_wins(server: &Server) {
        let flow = flow(server);
        let first = granted(flow.exchange(&flow.code()));
        let token = text(&first, "refresh_token");
        assert_eq!(raced(|_| refresh(server, &flow.client, token, &[]).status), [1, 9]);
    }

    fn a70_no_scope_is_widened(server: &Server) {
        let flow = flow(server);
        let first = granted(flow.exchange(&flow.code()));
        let token = text(&first, "refresh_token");
        for scope in ["patient/*.cruds", "patient/*.rs user/*.rs", "system/*.rs", "openid patient/*.rs", "patient/*.rs x", "patient/*.rs patient/Patient.u"] {
            refused(refresh(server, &flow.client, token, &[("scope", scope)]), 400, "invalid_scope");
        }
        let narrow = granted(refresh(server, &flow.client, token, &[("scope", "patient/Patient.r")]));
        assert_eq!(narrow["scope"], "patient/Patient.r");
        let http = server.http().with_token(text(&narrow, "access_token"));
        http.get("Patient").expect_error(403);
        // The next has what was granted at first.
        let next = granted(refresh(server, &flow.client, text(&narrow, "refresh_token"), &[]));
        assert_eq!(next["scope"], SCOPE);
    }

    fn a71_a72_it_belongs_to_its_client(server: &Server) {
        let own = flow(server);
        let first = granted(own.exchange(&own.code()));
        let token = text(&first, "refresh_token");
        let other = token::public(server);
        refused(refresh(server, &other, token, &[]), 400, "invalid_grant");
        let system = token::confidential(server, "system/*.rs");
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        refused(ask_with(server.http(), &[("Authorization", &basic(&system, SECRET))], &form), 400, "unauthorized_client");
        // A public client need not name itself (RFC 6749 §3.2.1): the token says whose it is. Who names itself must be it.
        refused(ask(server, &[form[0], ("refresh_token", "x")]), 401, "invalid_client");
        let next = granted(ask(server, &form));
        assert_eq!(jws::part(text(&next, "access_token"), 1)["client_id"], own.client.as_str());
        refused(ask(server, &form), 400, "invalid_grant");
        let (token, system) = (text(&next, "refresh_token"), basic(&system, SECRET));
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        refused(ask_with(server.http(), &[("Authorization", &system)], &form), 400, "unauthorized_client");
        refused(ask(server, &[form[0], form[1], ("client_id", "")]), 401, "invalid_client");
        granted(refresh(server, &own.client, token, &[]));

        let arguments = ["--secret-stdin", "--grant", "authorization_code", "--redirect-uri", CALLBACK, "--scope", EVERYTHING];
        let client = token::register(server, &arguments, SECRET);
        let request = Request::new(server, &client).with("scope", SCOPE);
        let confidential = Flow { client: client.clone(), request, ..own };
        let first = granted(confidential.exchange_with(&confidential.code(), &[("client_secret", SECRET)]));
        let token = text(&first, "refresh_token");
        refused(refresh(server, &client, token, &[]), 401, "invalid_client");
        refused(ask(server, &[("grant_type", "refresh_token"), ("refresh_token", token)]), 401, "invalid_client");
        refused(refresh(server, &client, token, &[("client_secret", "wrong")]), 401, "invalid_client");
        granted(refresh(server, &client, token, &[("client_secret", SECRET)]));
    }

    fn what_is_no_refresh_token_is_refused(server: &Server) {
        let flow = flow(server);
        let code = flow.code();
        let first = granted(flow.exchange(&code));
        let token = text(&first, "refresh_token");
        for wrong in [&code, text(&first, "access_token"), &token[1..], &format!("{token}="), &token.to_lowercase(), "x", &"x".repeat(30_000)] {
            refused(refresh(server, &flow.client, wrong, &[]), 400, "invalid_grant");
        }
        refused(refresh(server, &flow.client, "", &[]), 400, "invalid_request");
        server.http().with_token(token).get("Patient").expect_error(401);
        // The code again: what it gave ends (RFC 6749 §4.1.2).
        refused(flow.exchange(&code), 400, "invalid_grant");
        refused(refresh(server, &flow.client, token, &[]), 400, "invalid_grant");
        server.http().with_token(text(&first, "access_token")).get("Patient").expect_error(401);
    }

    fn a73_a_refresh_against_a_revocation(server: &Server) {
        let flow = flow(server);
        let first = granted(flow.exchange(&flow.code()));
        let token = text(&first, "refresh_token");
        let form = [("token", token), ("client_id", flow.client.as_str())];
        let refreshed = std::thread::scope(|scope| {
            let revocation = scope.spawn(|| post(server.http(), "revoke", &[], &form).expect(200));
            let answer = refresh(server, &flow.client, token, &[]);
            revocation.join().unwrap();
            answer
        });
        // Whoever came first: the token is used up or revoked.
        assert!([200, 400].contains(&refreshed.status), "{refreshed}");
        refused(refresh(server, &flow.client, token, &[]), 400, "invalid_grant");
    }
}

/// How many of ten attempts at once are answered 200, and how many 400.
fn raced(attempt: impl Fn(usize) -> u16 + Sync) -> [usize; 2] {
    let attempt = &attempt;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10).map(|n| scope.spawn(move || attempt(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    [200, 400].map(|status| statuses.iter().filter(|own| **own == status).count())
}

#[test]
fn a68_a69_two_processes_and_a_restart_postgres() {
    let settings = Settings::guarded(Database::Postgres).with("BINNACLE_PUBLIC_URL", "https://fhir.example");
    let first = settings.start();
    let second = first.beside();
    let flow = flow(&first);
    let answer = granted(flow.exchange(&flow.code()));
    let token = text(&answer, "refresh_token");
    let servers = [&first, &second];
    assert_eq!(raced(|n| refresh(servers[n % 2], &flow.client, token, &[]).status), [1, 9]);
    let answer = granted(flow.exchange(&flow.code()));
    let (client, token) = (flow.client.clone(), text(&answer, "refresh_token").to_owned());
    drop(second);
    let first = first.restart();
    granted(refresh(&first, &client, &token, &[]));
    refused(refresh(&first, &client, &token, &[]), 400, "invalid_grant");
}
