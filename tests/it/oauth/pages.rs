//! The login and approval pages: what they let through, and what nobody can make a person send.

use super::flow::{Flow, Request, redirected};
use crate::browser::{Browser, form};
use crate::http::Answer;
use crate::server::{Server, unique};
use crate::token::{self, PASSWORD};
use reqwest::Method;

#[track_caller]
fn is_guarded(page: &Answer) {
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{page}");
    assert!(policy.contains("base-uri 'none'") && !policy.contains("unsafe"), "{page}");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.headers.contains_key("access-control-allow-origin"), "{page}");
    let html = String::from_utf8_lossy(&page.body);
    assert!(!html.contains("<script"), "{page}");
}

fn says(page: &Answer, text: &str) -> bool {
    String::from_utf8_lossy(&page.body).contains(text)
}

guarded! {
    fn the_pages_are_plain_and_cannot_be_framed(server: &Server) {
        let flow = Flow::new(server);
        let browser = Browser::new(server.http());
        let login = browser.open(&flow.request.address()).expect(200);
        is_guarded(&login);
        let cookie = login.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
        let (_, approval) = flow.logged_in();
        is_guarded(&approval);
        assert!(approval.header("content-security-policy").contains("form-action 'self' https://app.example"), "{approval}");
        is_guarded(&browser.open("/oauth2/authorize").expect(400));
        assert!(says(&approval, &flow.username) && says(&approval, "patient/*.rs") || says(&approval, "patient&#x2f;*.rs"), "{approval}");
    }

    fn smart_lets_an_app_post_its_request(server: &Server) {
        let flow = Flow::new(server);
        let address = flow.request.address();
        let (path, body) = address.split_once('?').unwrap();
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let answer = server.http().send(Method::POST, path, &[form], Some(body.as_bytes())).expect(303);
        Browser::new(server.http()).open(&answer.header("location")).expect(200);
        server.http().send(Method::POST, &address, &[form], Some(body.as_bytes())).expect_error(400);
        server.http().send(Method::POST, path, &[("Content-Type", "application/json")], Some(b"{}")).expect_error(400);
        server.http().send(Method::POST, path, &[form], Some(b"a\r\nb")).expect_error(400);
    }

    fn a51_markup_is_shown_not_run(server: &Server) {
        let markup = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        let arguments = ["--public", "--grant", "authorization_code", "--redirect-uri", token::CALLBACK, "--scope", "patient/*.rs", "--name", markup];
        let request = Request::new(server, &token::register(server, &arguments, ""));
        for request in [request.clone(), request.with("state", markup), request.and("nonce", markup), request.with("scope", &format!("patient/*.rs {markup}"))] {
            let page = Browser::new(server.http()).open(&request.address()).expect(200);
            is_guarded(&page);
            assert!(!says(&page, "<img") && !says(&page, "\"'>"), "{page}");
        }
        for address in [request.with("client_id", markup).address(), request.with("redirect_uri", markup).address()] {
            let page = server.http().get(&address).expect(400);
            is_guarded(&page);
            assert!(!says(&page, "<img") && !says(&page, "alert"), "{page}");
        }
        let browser = Browser::new(server.http());
        let login = browser.open(&request.address());
        let page = browser.submit(&form(&login), &[("username", markup), ("password", markup)]).expect(403);
        assert!(!says(&page, "<img"), "{page}");
    }

    fn a53_nobody_logs_in_for_another(server: &Server) {
        let flow = Flow::new(server);
        let filled = [("username", flow.username.as_str()), ("password", PASSWORD)];
        let login = form(&Browser::new(server.http()).open(&flow.request.address()));
        // Another browser, without the cookie that belongs to the form.
        let answer = Browser::new(server.http()).submit(&login, &filled);
        assert_eq!(answer.status, 403, "{answer}");
        assert_eq!(session(&answer), None);
        // With the cookie, without the form's token, or with another form's.
        for csrf in ["", "x", login.fields[0].1.as_str()] {
            let browser = Browser::new(server.http());
            let mut form = form(&browser.open(&flow.request.address()));
            form.fields = vec![("csrf".into(), csrf.into())];
            let answer = browser.submit(&form, &filled);
            assert_eq!((answer.status, session(&answer)), (403, None), "{answer}");
        }
    }

    fn a54_a_session_is_new_after_the_login(server: &Server) {
        let flow = Flow::new(server);
        let browser = Browser::new(server.http());
        let login = browser.open(&flow.request.address());
        browser.plant("binnacle_session", "planted");
        let filled = [("username", flow.username.as_str()), ("password", PASSWORD)];
        let answer = browser.submit(&form(&login), &filled).expect(303);
        let value = session(&answer).expect("a session");
        assert!(value != "planted" && value.len() >= 43, "{value}");
        assert_ne!(browser.cookie("binnacle_session"), browser.cookie("binnacle_login"));
        // An invented session is none.
        let other = Browser::new(server.http());
        other.plant("binnacle_session", "planted");
        assert!(says(&other.open(&flow.request.address()).expect(200), "name=\"password\""));
    }

    fn a53_the_approval_belongs_to_the_session(server: &Server) {
        let flow = Flow::new(server);
        let (browser, approval) = flow.logged_in();
        let own = form(&approval);
        let (_, others) = flow.logged_in();
        for csrf in ["", "x", form(&others).fields[0].1.as_str()] {
            let mut changed = own.clone();
            changed.fields = vec![("csrf".into(), csrf.into())];
            let answer = browser.submit(&changed, &[("decision", "allow")]);
            assert_eq!(answer.status, 400, "{answer}");
            assert!(!answer.headers.contains_key("location"), "{answer}");
        }
        // Without the session there is nothing to approve.
        let answer = Browser::new(server.http()).submit(&own, &[("decision", "allow")]);
        assert_eq!(answer.status, 403, "{answer}");
        // And a GET approves nothing.
        let answer = browser.open(&own.action);
        assert_eq!(answer.status, 405, "{answer}");
        // The request stands in the address: one altered on the way is judged again.
        let mut altered = own.clone();
        altered.action = own.action.replace("https%3A%2F%2Fapp.example", "https%3A%2F%2Fevil.example");
        assert_ne!(altered.action, own.action);
        let answer = browser.submit(&altered, &[("decision", "allow")]).expect(400);
        assert!(!answer.headers.contains_key("location"), "{answer}");
    }

    fn a55_a_wrong_name_and_a_wrong_password_look_the_same(server: &Server) {
        let flow = Flow::new(server);
        let attempt = |name: &str, password: &str| {
            let browser = Browser::new(server.http());
            let login = form(&browser.open(&flow.request.address()));
            let answer = browser.submit(&login, &[("username", name), ("password", password)]);
            assert_eq!(session(&answer), None);
            let csrf = form(&answer).fields[0].1.clone();
            (answer.status, String::from_utf8_lossy(&answer.body).replace(&csrf, ""))
        };
        let known = attempt(&flow.username, "wrong");
        assert_eq!(known.0, 403);
        assert_eq!(known, attempt(&unique("nobody"), "wrong"));
        assert_eq!(known, attempt("", ""));
        assert_eq!(known, attempt(&flow.username, ""));
        assert_eq!(known, attempt(&flow.username.to_uppercase(), PASSWORD));
    }

    fn a57_no_is_no(server: &Server) {
        let flow = Flow::new(server);
        for decision in ["deny", "", "ALLOW", "x"] {
            let (browser, approval) = flow.logged_in();
            let answer = browser.submit(&form(&approval), &[("decision", decision)]);
            redirected(server, answer, &flow.request, "access_denied");
        }
        let (browser, approval) = flow.logged_in();
        redirected(server, browser.submit(&form(&approval), &[]), &flow.request, "access_denied");
        let (browser, approval) = flow.logged_in();
        let both = browser.submit(&form(&approval), &[("decision", "deny"), ("decision", "allow")]);
        redirected(server, both, &flow.request, "access_denied");
    }

    fn a_person_chooses_among_the_records_they_may_act_for(server: &Server) {
        let client = token::public(server);
        let request = Request::new(server, &client);
        let username = token::user(server, "Patient/p", &["Patient/child"]);
        let flow = Flow { server, client, username, request };
        for (chosen, expected) in [("child", Some("child")), ("p", Some("p")), ("other", None), ("", None)] {
            let (browser, approval) = flow.logged_in();
            assert!(says(&approval, "value=\"child\"") && says(&approval, "value=\"p\""), "{approval}");
            let answer = browser.submit(&form(&approval), &[("decision", "allow"), ("patient", chosen)]);
            match expected {
                Some(patient) => {
                    let code = token::query(&answer.expect(303).header("location"), "code").unwrap();
                    assert_eq!(super::endpoint::granted(flow.exchange(&code))["patient"], patient);
                }
                None => redirected(server, answer, &flow.request, "access_denied"),
            }
        }
        // Somebody without a record has none to share.
        let nurse = Flow { username: token::user(server, "Practitioner/n", &[]), ..flow };
        let (browser, approval) = nurse.logged_in();
        let answer = browser.submit(&form(&approval), &[("decision", "allow"), ("patient", "p")]);
        redirected(server, answer, &nurse.request, "access_denied");
    }
}

/// The session cookie that an answer sets.
fn session(answer: &Answer) -> Option<String> {
    let values = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    values
        .filter_map(|value| value.strip_prefix("binnacle_session="))
        .map(|value| value.split(';').next().unwrap().to_owned())
        .next()
}

#[test]
fn cookies_are_bound_to_the_host_on_https() {
    let settings = crate::server::Settings::guarded(crate::database::Database::Sqlite);
    let server: Server = settings.with("BINNACLE_PUBLIC_URL", "https://fhir.example").start();
    let request = Request::new(&server, &token::public(&server)).with("aud", "https://fhir.example/FHIR/R4");
    let cookie = server.http().get(&request.address()).expect(200).header("set-cookie");
    assert!(cookie.starts_with("__Host-binnacle_login=") && cookie.contains("; Secure"), "{cookie}");
}
