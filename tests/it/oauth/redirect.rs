//! Where the authorization endpoint redirects to (RFC 9700 §2.1): the registered text, and nowhere else.

use super::flow::{Request, redirected};
use crate::http::Answer;
use crate::token::{self, CALLBACK};

/// A page that tells the person, without a way out.
#[track_caller]
fn stays(answer: Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {answer}");
    assert!(!answer.headers.contains_key("location"), "{what}: {answer}");
    assert!(answer.header("content-type").starts_with("text/html"), "{what}: {answer}");
    assert!(answer.header("content-security-policy").contains("form-action 'none'"), "{what}: {answer}");
}

guarded! {
    fn a18_a37_a_redirect_that_is_not_registered_is_never_followed(server: &Server) {
        let client = token::public(server);
        let right = Request::new(server, &client);
        server.http().get(&right.address()).expect(200);
        for (number, redirect) in [
            (18, "https://app.example/callback/more"), (19, "https://app.example/callback/"), (20, "https://app.example/callback?x=1"),
            (21, "https://app.example/callback#"), (21, "https://app.example/callback#code=1"), (22, "https://app.example/x/../callback"),
            (22, "https://app.example/./callback"), (23, "https://app.example/callback/..;/callback"), (24, "https://app.example/%2e%2e/callback"),
            (24, "https://app.example/callback%2f"), (25, "https://APP.example/callback"), (25, "https://app.example/Callback"),
            (26, "https://app.example.evil.example/callback"), (26, "https://evilapp.example/callback"), (27, "https://app.example@evil.example/callback"),
            (27, "https://user@app.example/callback"), (28, "https://a@b@app.example/callback"), (29, "https://evil.example\\@app.example/callback"),
            (29, "https:\\\\app.example\\callback"), (30, "https://app.example/callback\r\nSet-Cookie: x=y"), (30, "https://app.example/callback%0d%0aX:y"),
            (31, "javascript:alert(1)"), (31, "data:text/html,x"), (32, "//app.example/callback"), (32, "/callback"), (33, "https://*.example/callback"),
            (34, "https://app.example/callback\u{0}"), (34, "https://app.example/\tcallback"), (35, "http://app.example/callback"),
            (35, "https://app.example:8443/callback"), (36, ""), (36, "https://app.example/callback https://evil.example/"),
        ] {
            stays(server.http().get(&right.with("redirect_uri", redirect).address()), &format!("{number} {redirect:?}"));
        }
        stays(server.http().get(&right.without("redirect_uri").address()), "36 missing");
        stays(server.http().get(&right.and("redirect_uri", CALLBACK).address()), "36 repeated");
        stays(server.http().get(&right.and("redirect_uri", "https://evil.example/").address()), "36 repeated");
    }

    fn a37_a39_the_redirect_belongs_to_the_client(server: &Server) {
        let other = ["--public", "--grant", "authorization_code", "--redirect-uri", "https://other.example/cb", "--scope", "patient/*.rs"];
        let other = token::register(server, &other, "");
        let right = Request::new(server, &other).with("redirect_uri", "https://other.example/cb");
        server.http().get(&right.address()).expect(200);
        stays(server.http().get(&right.with("redirect_uri", CALLBACK).address()), "37");
        for client in ["nobody", "", "' OR 1=1", "<script>"] {
            stays(server.http().get(&right.with("client_id", client).address()), "39");
        }
        stays(server.http().get(&right.without("client_id").address()), "39 missing");
        stays(server.http().get(&right.and("client_id", &other).address()), "39 repeated");
        stays(server.http().get("/oauth2/authorize"), "39 nothing");
    }

    fn only_the_port_of_a_loopback_address_may_differ(server: &Server) {
        let arguments = ["--public", "--grant", "authorization_code", "--redirect-uri", "http://127.0.0.1/cb", "--scope", "patient/*.rs"];
        let client = token::register(server, &arguments, "");
        let right = Request::new(server, &client).with("redirect_uri", "http://127.0.0.1:49152/cb");
        server.http().get(&right.address()).expect(200);
        for redirect in ["http://localhost:49152/cb", "http://127.0.0.1:49152/cb/", "https://127.0.0.1:49152/cb", "http://127.0.0.2:49152/cb", "http://127.0.0.1:49152@evil.example/cb", "http://127.0.0.1:99999/cb"] {
            stays(server.http().get(&right.with("redirect_uri", redirect).address()), redirect);
        }
    }

    fn a31_a33_what_is_no_safe_redirect_cannot_be_registered(server: &Server) {
        for redirect in ["http://app.example/cb", "https://app.example/cb#x", "https://*.example/", "javascript:alert(1)", "data:text/html,x", "//app.example/cb", "https://u@app.example/", "https://app.example/a/../cb", "https://app.example/..;/cb", ""] {
            let id = crate::server::unique("client");
            let arguments = ["client", "add", "--id", &id, "--public", "--grant", "authorization_code", "--redirect-uri", redirect, "--scope", "patient/*.rs"];
            assert!(!server.command(&arguments, "").status.success(), "{redirect}");
        }
    }

    fn a40_a47_what_else_is_wrong_is_told_to_the_app(server: &Server) {
        let client = token::public(server);
        let right = Request::new(server, &client);
        let mut wrong = Vec::new();
        for kind in ["token", "id_token", "code token", "code id_token", "none", "CODE"] {
            wrong.push((right.with("response_type", kind), "unsupported_response_type"));
        }
        wrong.push((right.without("response_type"), "invalid_request"));
        for mode in ["fragment", "form_post", "jwt", "x"] {
            wrong.push((right.with("response_mode", mode), "invalid_request"));
        }
        wrong.push((right.and("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"));
        wrong.push((right.and("request_uri", "http://127.0.0.1:1/x"), "request_uri_not_supported"));
        for aud in ["https://evil.example/FHIR/R4", server.http().origin(), &server.http().base().to_uppercase(), "", &format!("{}/Patient", server.http().base())] {
            wrong.push((right.with("aud", aud), "invalid_request"));
        }
        wrong.push((right.without("aud"), "invalid_request"));
        for scope in ["", "system/*.rs", "system/Patient.rs", "x", "fhirUser", "launch/patient", "patient/Nothing.rs", "patient/*.rs user/*.rs"] {
            wrong.push((right.with("scope", scope), "invalid_scope"));
        }
        wrong.push((right.without("scope"), "invalid_scope"));
        wrong.push((right.and("launch", "invented"), "invalid_request"));
        for name in ["scope", "state", "aud", "code_challenge", "response_type", "x"] {
            wrong.push((right.and(name, "x").and(name, "x"), "invalid_request"));
        }
        for (request, error) in wrong {
            redirected(server, server.http().get(&request.address()), &request, error);
        }
        // 47: what the registration does not cover falls away, and a grant it lacks is refused.
        let arguments = ["--public", "--grant", "authorization_code", "--redirect-uri", CALLBACK, "--scope", "patient/Patient.rs"];
        let narrow = Request::new(server, &token::register(server, &arguments, ""));
        let request = narrow.with("scope", "patient/Observation.rs");
        redirected(server, server.http().get(&request.address()), &request, "invalid_scope");
    }

    fn a45_the_state_comes_back_as_it_was(server: &Server) {
        let client = token::public(server);
        for state in ["a b+c%20d&e=f#g", "<script>alert(1)</script>", "\u{1f9ed}\"'", "\r\nX: y", &"s".repeat(2000)] {
            let request = Request::new(server, &client).with("state", state).with("aud", "x");
            redirected(server, server.http().get(&request.address()), &request, "invalid_request");
        }
    }
}
