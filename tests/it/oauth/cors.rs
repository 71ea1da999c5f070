//! Which origins' scripts may read what (SMART App Launch 2.2 §CORS, RFC 9700 §2.6; 211).

use super::endpoint::ask_with;
use crate::http::Answer;
use crate::server::{Server, unique};
use crate::token::{self, CALLBACK};
use reqwest::Method;
use std::time::{Duration, Instant};

/// Registers an app whose pages come from an origin that no other test knows, and answers the origin.
fn registered(server: &Server) -> (String, String) {
    let origin = format!("https://{}.example", unique("app"));
    let arguments = [
        "--public",
        "--grant",
        "authorization_code",
        "--redirect-uri",
        CALLBACK,
        "--scope",
        "patient/*.rs",
        "--origin",
        &origin,
    ];
    let id = token::register(server, &arguments, "");
    // At once, unless others ask about unknown origins all the time: then within ten seconds.
    let started = Instant::now();
    while allowed(&from(server, &origin, "Patient")).is_none() {
        assert!(started.elapsed() < Duration::from_secs(30), "{origin} stays unknown");
        std::thread::sleep(Duration::from_millis(150));
    }
    (id, origin)
}

/// The origin that may read an answer.
fn allowed(answer: &Answer) -> Option<String> {
    assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{answer}");
    answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
}

fn from(server: &Server, origin: &str, path: &str) -> Answer {
    server.http().send(Method::GET, path, &[("Origin", origin)], None)
}

fn preflight(server: &Server, origin: &str, path: &str) -> Answer {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization"),
    ];
    server.http().send(Method::OPTIONS, path, &headers, None)
}

const DISCOVERY: [&str; 4] = [
    ".well-known/smart-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth2/jwks",
    "metadata",
];

guarded! {
    fn discovery_is_for_every_origin(server: &Server) {
        for path in DISCOVERY {
            for origin in ["https://nobody.example", "null"] {
                assert_eq!(allowed(&from(server, origin, path).expect(200)).as_deref(), Some("*"), "{path}");
                assert_eq!(allowed(&preflight(server, origin, path)).as_deref(), Some("*"), "{path}");
            }
        }
    }

    fn tokens_and_records_are_for_registered_origins(server: &Server) {
        let (_, origin) = registered(server);
        let answer = ask_with(server.http(), &[("Origin", &origin)], &[("grant_type", "x")]).expect(400);
        assert_eq!(allowed(&answer).as_deref(), Some(origin.as_str()));
        assert!(answer.headers.get_all("vary").iter().any(|value| value.to_str().unwrap().contains("Origin")), "{answer}");
        let http = token::client_credentials(server, "system/Patient.rs");
        let answer = http.send(Method::GET, "Patient?_count=1", &[("Origin", &origin)], None).expect(200);
        assert_eq!(allowed(&answer).as_deref(), Some(origin.as_str()));
        let exposed = answer.header("access-control-expose-headers");
        for name in ["ETag", "Location", "Content-Location", "Last-Modified", "X-Request-ID", "X-Correlation-ID"] {
            assert!(exposed.contains(name), "{exposed}");
        }
        assert_eq!(allowed(&from(server, &origin, "Patient").expect(401)).as_deref(), Some(origin.as_str()));
        for path in ["/oauth2/token", "Patient", "Patient/1"] {
            let answer = preflight(server, &origin, path);
            assert_eq!((answer.status, allowed(&answer).as_deref()), (204, Some(origin.as_str())), "{path}");
            assert!(answer.header("access-control-allow-methods").contains("POST"), "{answer}");
            assert!(answer.header("access-control-allow-headers").contains("Authorization"), "{answer}");
        }
    }

    fn a211_other_origins_are_not_reflected(server: &Server) {
        let (_, origin) = registered(server);
        let host = origin.strip_prefix("https://").unwrap();
        for other in [
            "null", "https://nobody.example", "*", "", &format!("http://{host}"), &format!("{origin}.evil.example"), &format!("{origin}:8443"),
            &format!("https://evil.{host}"), &format!("{origin}/"), &origin.to_uppercase(), &format!("{origin} https://evil.example"),
        ] {
            for path in ["/oauth2/token", "Patient"] {
                assert_eq!(allowed(&preflight(server, other, path)), None, "{other} {path}");
            }
            assert_eq!(allowed(&from(server, other, "Patient")), None, "{other}");
            assert_eq!(allowed(&ask_with(server.http(), &[("Origin", other)], &[])), None, "{other}");
        }
    }

    fn the_pages_are_for_no_origin(server: &Server) {
        let (id, origin) = registered(server);
        for path in ["/oauth2/authorize", &format!("/oauth2/authorize?client_id={id}"), "/oauth2/login", "/oauth2/approve"] {
            assert_eq!(allowed(&from(server, &origin, path)), None, "{path}");
            assert_eq!(allowed(&preflight(server, &origin, path)), None, "{path}");
        }
    }

    fn what_is_no_origin_cannot_be_registered(server: &Server) {
        for origin in ["null", "*", "https://*.example", "https://app.example/", "https://app.example/x", "app.example", "https://u@app.example", "https://", "javascript:x", "https://APP.example"] {
            let id = unique("client");
            let arguments = ["client", "add", "--id", &id, "--public", "--grant", "authorization_code", "--redirect-uri", CALLBACK, "--scope", "patient/*.rs", "--origin", origin];
            assert!(!server.command(&arguments, "").status.success(), "{origin}");
        }
    }
}
