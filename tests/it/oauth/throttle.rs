//! Failed logins are counted per account and per address (A 55, 56), and the log of it all tells nothing secret.

use super::endpoint::granted;
use super::flow::Flow;
use crate::browser::{Browser, form};
use crate::database::Database;
use crate::http::Answer;
use crate::server::{Settings, unique};
use crate::token::{self, PASSWORD, SECRET};
use std::time::Duration;

/// One attempt. A server that says it is busy (503, `Retry-After`) has not looked at it and is asked again.
fn attempt(flow: &Flow<'_>, name: &str, password: &str) -> Answer {
    let browser = Browser::new(flow.server.http());
    let login = form(&browser.open(&flow.request.address()));
    for _ in 0..5 {
        let answer = browser.submit(&login, &[("username", name), ("password", password)]);
        if answer.status != 503 {
            return answer;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    panic!("the server stays busy")
}

fn a56_guessing_ends_for_accounts_that_exist_or_not(database: Database) {
    let server = Settings::guarded(database).with("BINNACLE_LOGIN_FAILURES", "3,0").start();
    let flow = Flow::new(&server);
    // A right password forgets nothing but its own attempt.
    for name in [flow.username.clone(), unique("nobody")] {
        let statuses: Vec<u16> = (0..5).map(|_| attempt(&flow, &name, "wrong").status).collect();
        assert_eq!(statuses, [403, 403, 403, 429, 429], "{name}");
    }
    // Now even the right one waits, and others do not.
    let refused = attempt(&flow, &flow.username, PASSWORD);
    assert_eq!(refused.status, 429, "{refused}");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{refused}");
    let other = token::user(&server, "Patient/q", &[]);
    attempt(&flow, &other, PASSWORD).expect(303);
}

fn a56_guessing_ends_for_an_address(database: Database) {
    let server = Settings::guarded(database).with("BINNACLE_LOGIN_FAILURES", "0,4").start();
    let flow = Flow::new(&server);
    let statuses: Vec<u16> = (0..6).map(|_| attempt(&flow, &unique("user"), "wrong").status).collect();
    assert_eq!(statuses, [403, 403, 403, 403, 429, 429]);
    attempt(&flow, &flow.username, PASSWORD).expect(429);
}

fn a56_sixteen_guesses_at_once_count_too(database: Database) {
    let server = Settings::guarded(database).with("BINNACLE_LOGIN_FAILURES", "5,0").start();
    // SQLite has one process, PostgreSQL two.
    let beside = (database == Database::Postgres).then(|| server.beside());
    let flow = Flow::new(&server);
    let other = Flow {
        server: beside.as_ref().unwrap_or(&server),
        client: flow.client.clone(),
        username: flow.username.clone(),
        request: flow.request.with("aud", &beside.as_ref().unwrap_or(&server).http().base()),
    };
    let flows = [&flow, &other];
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|n| scope.spawn(move || attempt(flows[n % 2], &flows[n % 2].username, "wrong").status))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 11, "{statuses:?}");
}

fn the_log_names_clients_and_no_secret(database: Database) {
    let server = Settings::guarded(database).with("BINNACLE_LOG", "debug").start();
    let flow = Flow::new(&server);
    let code = flow.code();
    let answer = granted(flow.exchange(&code));
    let token = answer["access_token"].as_str().unwrap();
    server.http().with_token(token).get("Patient?name=Canary").expect(200);
    let system = token::client_credentials(&server, "system/Patient.rs");
    system.get("Observation?code=Canary").expect_error(403);
    attempt(&flow, &flow.username, "wrong-canary");
    let log = server.output();
    assert!(log.contains(&format!("client=\"{}\"", flow.client)), "{log}");
    for secret in [
        token,
        system.token(),
        &code,
        SECRET,
        PASSWORD,
        "Canary",
        "wrong-canary",
        &flow.username,
        flow.request.value("state"),
    ] {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
}

macro_rules! on_each {
    ($($name:ident)+) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                super::$name(crate::database::Database::Sqlite);
            }

            #[test]
            fn postgres() {
                super::$name(crate::database::Database::Postgres);
            }
        }
    )+};
}

on_each! {
    a56_guessing_ends_for_accounts_that_exist_or_not
    a56_guessing_ends_for_an_address
    a56_sixteen_guesses_at_once_count_too
    the_log_names_clients_and_no_secret
}

#[test]
fn the_demo_shows_its_code_and_others_do_not() {
    let server = Settings::demo(Database::Sqlite).start();
    let page = server.http().get("/demo/callback?code=abc%3Cb%3E&state=x").expect(200);
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert!(html.contains("<code>abc&lt;b&gt;</code>") && !html.contains("<script"), "{page}");
    assert!(page.header("content-security-policy").contains("default-src 'none'"), "{page}");
    let page = server.http().get("/demo/callback?error=access_denied&error_description=No").expect(200);
    assert!(String::from_utf8_lossy(&page.body).contains("<p>No</p>"), "{page}");
    crate::server::Server::guarded(Database::Sqlite).http().get("/demo/callback?code=abc").expect_error(404);
}
