//! What every answer has, whatever its status: the request's ids, an outcome if it failed, and addresses of the public base.
//! HEAD is GET without a body (RFC 9110 §9.3.2), OPTIONS says what an address takes (§9.3.7).

use crate::database::Database;
use crate::http::{Answer, Http};
use crate::server::{Settings, unique};
use reqwest::Method;
use serde_json::{Value, json};

const IDS: [(&str, &str); 2] = [("X-Request-ID", "mine-1:a.b_c"), ("X-Correlation-ID", "ours-2")];

/// Sends a request with ids, which the answer repeats.
fn ask(http: &Http, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
    let headers = [&IDS[..], headers].concat();
    let body = body.map(|body| body.to_string().into_bytes());
    let answer = http.send(method, path, &headers, body.as_deref());
    assert_eq!(answer.header("x-request-id"), IDS[0].1, "{answer}");
    assert_eq!(answer.header("x-correlation-id"), IDS[1].1, "{answer}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer}");
    answer
}

/// Method, address, headers, body, and the status it is answered with.
type Case<'c> = (Method, &'c str, Vec<(&'c str, &'c str)>, Option<&'c Value>, u16);

on_both! {
    fn ids_are_repeated_and_failures_have_an_outcome(server: &Server) {
        let http = server.http();
        let person = json!({ "resourceType": "Patient", "identifier": [{ "value": unique("mrn") }] });
        let made = http.create(&person);
        let path = format!("Patient/{}", made["id"].as_str().unwrap());
        let gone = http.create(&person);
        let gone = format!("Patient/{}", gone["id"].as_str().unwrap());
        http.delete(&gone).expect(204);
        let wrong = json!({ "resourceType": "Patient", "potato": 1 });
        let rule = json!({ "resourceType": "Patient", "identifier": [{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "1" }] });
        let csv = ("Content-Type", "text/csv");
        let cases: Vec<Case<'_>> = vec![
            (Method::GET, "metadata", vec![], None, 200),
            (Method::GET, &path, vec![("If-None-Match", "W/\"1\"")], None, 304),
            (Method::POST, "Patient", vec![], Some(&person), 201),
            (Method::POST, "Patient", vec![], Some(&wrong), 400),
            (Method::GET, "Patient?potato=1", vec![], None, 400),
            (Method::GET, "Patient/nobody", vec![], None, 404),
            (Method::GET, "Potato", vec![], None, 404),
            (Method::GET, "/nowhere", vec![], None, 404),
            (Method::GET, "/", vec![], None, 404),
            (Method::DELETE, "metadata", vec![], None, 405),
            (Method::TRACE, "Patient", vec![], None, 405),
            (Method::POST, "/health/live", vec![], None, 405),
            (Method::GET, &path, vec![("Accept", "image/png")], None, 406),
            (Method::GET, &gone, vec![], None, 410),
            (Method::DELETE, &path, vec![("If-Match", "W/\"7\"")], None, 412),
            (Method::GET, "Patient?name=~", vec![], None, 414),
            (Method::POST, "Patient", vec![csv], Some(&person), 415),
            (Method::POST, "Patient", vec![], Some(&rule), 422),
        ];
        for (method, path, headers, body, status) in cases {
            let path = path.replace('~', &"a".repeat(17_000));
            let answer = ask(http, method, &path, &headers, body).expect(status);
            if status >= 400 {
                answer.expect_error(status);
            }
        }
        // An id that cannot be repeated as it is gets another; there always is one.
        for sent in ["a b", "<x>", &"a".repeat(129)] {
            let answer = http.send(Method::GET, "Patient/nobody", &[("X-Request-ID", sent)], None);
            assert!(!header(&answer, "x-request-id").is_empty() && answer.header("x-request-id") != sent);
        }
    }
}

guarded! {
    fn who_may_not_is_told_so_with_the_same_ids(server: &Server) {
        let refused = ask(server.http(), Method::GET, "Patient", &[], None);
        assert!(refused.header("www-authenticate").starts_with("Bearer "), "{refused}");
        refused.expect_error(401);
        let app = crate::token::client_credentials(server, "system/Observation.rs");
        ask(&app, Method::GET, "Patient", &[], None).expect_error(403);
        // Where the authorization server answers, it answers as RFC 6749 §5.2 has it.
        for (method, path, status) in [
            (Method::GET, "/oauth2/token", 405), (Method::PUT, "/oauth2/revoke", 405), (Method::GET, "/oauth2/introspect", 405),
            (Method::POST, "/oauth2/token", 415), (Method::DELETE, "/oauth2/userinfo", 405),
        ] {
            let answer = ask(server.http(), method, path, &[], None).expect(status);
            assert_eq!(answer.header("content-type"), "application/json", "{answer}");
            assert_eq!(answer.json()["error"], "invalid_request", "{answer}");
            assert_eq!(header(&answer, "allow").is_empty(), status != 405, "{answer}");
        }
    }
}

/// A header that need not be there.
fn header(answer: &Answer, name: &str) -> String {
    answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// One address of each kind that takes GET.
fn addresses(http: &Http) -> Vec<String> {
    let made = http.create(&json!({ "resourceType": "Patient" }));
    let id = made["id"].as_str().unwrap();
    let fhir = ["metadata", "", "Patient?_count=1", "_history?_count=1", "Patient/_history?_count=1"];
    let mut all: Vec<String> = fhir.iter().map(|path| format!("/FHIR/R4/{path}")).collect();
    let of_patient = ["", "/_history", "/_history/1", "/Observation", "/*"];
    all.extend(of_patient.iter().map(|path| format!("/FHIR/R4/Patient/{id}{path}")));
    let more = [
        "/FHIR/R4/.well-known/smart-configuration",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/oauth2/jwks",
        "/openapi.json",
        "/openapi/Patient.json",
        "/docs",
        "/health/live",
        "/health/ready",
        "/metrics",
    ];
    all.extend(more.map(str::to_owned));
    all
}

on_both! {
    fn head_is_get_without_its_body(server: &Server) {
        let http = server.http();
        for path in addresses(http) {
            let get = http.send(Method::GET, &path, &IDS, None);
            let head = http.send(Method::HEAD, &path, &IDS, None);
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            for name in ["content-type", "etag", "last-modified", "allow", "x-request-id", "x-correlation-id"] {
                assert_eq!(header(&head, name), header(&get, name), "{path} {name}");
            }
        }
        for (path, status) in [("Patient/nobody", 404), ("Potato", 404), ("Patient?potato=1", 400), ("Patient/_search", 405)] {
            let head = http.send(Method::HEAD, path, &IDS, None);
            assert_eq!((head.status, head.body.len()), (status, 0), "{path}");
            assert_eq!(head.header("content-type"), "application/fhir+json; charset=utf-8", "{path}");
        }
    }
}

on_both! {
    fn options_says_what_an_address_takes(server: &Server) {
        let http = server.http();
        let mut paths = addresses(http);
        paths.extend(["/FHIR/R4/Patient/_search", "/FHIR/R4/_search", "/oauth2/token", "/oauth2/authorize"].map(str::to_owned));
        for path in paths {
            let path = path.split('?').next().unwrap();
            let answer = ask(http, Method::OPTIONS, path, &[], None).expect(204);
            let refused = http.send(Method::TRACE, path, &[], None).expect(405);
            assert_eq!(answer.header("allow"), refused.header("allow"), "{path}");
            assert!(!answer.header("allow").is_empty() && answer.body.is_empty(), "{path}");
        }
        ask(http, Method::OPTIONS, "Potato", &[], None).expect_error(404);
    }
}

/// A browser asks before it sends, and is answered alike at every address that its scripts may use.
#[test]
fn a_preflight_is_answered_at_every_fhir_address() {
    let server =
        Settings::open(Database::Sqlite).with("BINNACLE_CORS_ORIGINS", "https://app.example").start();
    let http = server.http();
    for path in
        addresses(http).iter().filter(|path| path.starts_with("/FHIR/") && !path.contains("well-known"))
    {
        for (origin, allowed) in [("https://app.example", true), ("https://other.example", false)] {
            let asks = [
                ("Origin", origin),
                ("Access-Control-Request-Method", "PUT"),
                ("Access-Control-Request-Headers", "if-match"),
            ];
            let answer = ask(http, Method::OPTIONS, path, &asks, None);
            let anyone = path.ends_with("/metadata");
            let expected = if anyone {
                "*"
            } else if allowed {
                origin
            } else {
                ""
            };
            assert_eq!(header(&answer, "access-control-allow-origin"), expected, "{answer}");
            assert_eq!(header(&answer, "access-control-allow-credentials"), "", "never with cookies");
        }
        let failed = ask(http, Method::TRACE, path, &[("Origin", "https://app.example")], None).expect(405);
        assert!(!failed.header("access-control-allow-origin").is_empty(), "a script may read why: {failed}");
    }
}

/// Every URL in a JSON document that begins with http, from the elements that this server writes itself.
fn urls(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text)
            if text.starts_with("http://127.0.0.1") || text.starts_with("https://care.example") =>
        {
            found.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| urls(item, found)),
        Value::Object(members) => members.values().for_each(|member| urls(member, found)),
        _ => {}
    }
}

on_each! {
    /// Behind a proxy with a path of its own, whatever Host and Forwarded say.
    fn addresses_have_the_public_base(database: Database) {
        let public = "https://care.example/api/x";
        let server = Settings::open(database).with("BINNACLE_PUBLIC_URL", public).start();
        let http = server.http();
        let forged = [("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example;proto=http")];
        let made = http.send(Method::POST, "Patient", &forged, Some(br#"{"resourceType":"Patient"}"#)).expect(201);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let address = format!("{public}/FHIR/R4/Patient/{id}");
        assert_eq!(made.header("location"), format!("{address}/_history/1"));
        assert_eq!(made.header("content-location"), made.header("location"));
        http.post("Patient", &json!({ "resourceType": "Patient" })).expect(201);
        // A link to the public address is a link to this server.
        let about = json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" }, "subject": { "reference": address } });
        http.post("Observation", &about).expect(201);
        let found = http.get(&format!("Observation?subject=Patient/{id}&_include=Observation:subject&_total=accurate")).expect(200).json();
        assert_eq!((found["total"].as_u64(), found["entry"].as_array().unwrap().len()), (Some(1), 2));
        for path in [
            "metadata", "Patient?_count=1", "_history?_count=1", "Patient/_history?_count=1", ".well-known/smart-configuration",
            "/.well-known/openid-configuration", &format!("Patient/{id}/_history"), &format!("Patient?_id={id}"),
        ] {
            let answer = http.send(Method::GET, path, &forged, None).expect(200);
            assert!(!String::from_utf8_lossy(&answer.body).contains("evil.example"), "{path}");
            let mut found = Vec::new();
            urls(&answer.json(), &mut found);
            assert!(!found.is_empty(), "{path} names no address");
            let other: Vec<&String> = found.iter().filter(|url| !url.starts_with(public)).collect();
            assert!(other.is_empty(), "{path}: {other:?}");
        }
        let document = http.get("/openapi.json").expect(200).json();
        assert_eq!(document["servers"], json!([{ "url": public }]));
        // The proxy leaves its own path out: a page leads on through it.
        let next = http.get("Patient?_count=1").expect(200).json();
        let next = crate::http::link(&next, "next").unwrap().strip_prefix(public).unwrap().to_owned();
        assert_eq!(http.get(&next).expect(200).json()["entry"].as_array().unwrap().len(), 1);
    }
}
