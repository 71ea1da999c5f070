//! Search strings of every kind, most of them wrong, wherever a search string may stand: the answer is 2xx or 4xx with an
//! OperationOutcome, in little time (`FHIR R4 search.html#errors`).
//!
//! `BINNACLE_SEARCH_STORM` sets how many are asked of each database, `BINNACLE_SEARCH_STORM_SEED` where they begin.

use super::named::url_encoded;
use crate::http::{Answer, Http};
use crate::server::{Server, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::storm::Random;

/// Strings that are right, or were once too much.
const STRINGS: &str = include_str!("strings.txt");

/// Strings of one database when nobody says how many.
const COUNT: u64 = 1_500;

/// What an answer may take. A slow one is asked for again: a machine that is busy is not slow three times.
const LIMIT: Duration = Duration::from_secs(2);

const NAMES: &[&str] = &[
    "name",
    "birthdate",
    "identifier",
    "subject",
    "patient",
    "code",
    "date",
    "value-quantity",
    "probability",
    "near",
    "url",
    "code-value-quantity",
    "_id",
    "_lastUpdated",
    "_tag",
    "_profile",
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_has",
    "_filter",
    "_text",
    "_content",
    "_list",
    "_in",
    "_type",
    "_summary",
    "_elements",
    "_total",
    "_cursor",
    "_format",
    "_pretty",
    "_contained",
    "_query",
    "potato",
    "",
    "_",
    "__proto__",
    "subject.name",
    "subject:Patient.birthdate",
    "item.item.item",
    "_has:Observation:patient:code",
    "_has:",
    "_has:Observation",
    "_has:Observation:patient:_has:List:item:_filter",
    "status",
];

const MODIFIERS: &[&str] = &[
    "",
    "",
    "",
    ":missing",
    ":exact",
    ":contains",
    ":not",
    ":text",
    ":of-type",
    ":in",
    ":not-in",
    ":above",
    ":below",
    ":identifier",
    ":Patient",
    ":iterate",
    ":",
    "::",
    ":potato",
    ".",
    "..",
    ".name",
    ":Patient.",
    ":missing:not",
];

const PIECES: &[&str] = &[
    "a",
    "Patient/a",
    "http://x.example/a|1",
    "urn:s|1",
    "2024-02-30",
    "2024",
    "ge2024-01-01T24:00:00Z",
    "gt",
    "1e999",
    "-1e-999",
    "0.1",
    "NaN",
    "99999999999999999999999999",
    "9999-12-31T23:59:59.999999999+14:00",
    "0000-00-00",
    "true",
    "*",
    "-",
    "--",
    "_id",
    "%",
    "%0",
    "%zz",
    "%00",
    "%ff",
    "%c3%28",
    "%ed%a0%80",
    "%f0%9f%98%80",
    "%25",
    "%2",
    "%u0041",
    "%0d%0a",
    "%E2%80%AE",
    "\\",
    "\\\\",
    "\\,",
    ",",
    ",,",
    "|",
    "||",
    "|||",
    "$",
    "$$",
    "(",
    ")",
    "((((((((((",
    "[",
    "]",
    "\"",
    "'",
    "';--",
    "&",
    "&&",
    "=",
    "==",
    "+",
    " ",
    ";",
    "/",
    "..",
    ".",
    ":",
    "?",
    "#",
    "\0",
    "\n",
    "\u{202e}",
    "İ",
    "ß",
    "é\u{301}\u{301}",
    "𝕬",
    "<script>",
    "name eq a",
    "not (",
    " and ",
    "name[",
    "].name eq \"",
    "53.8|-1.55|5|km",
    "91|181",
    "ValueSet/x",
    "5||mg",
    "Patient:organization",
];

/// Somewhere a search string stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Get,
    Post,
    Both,
    System,
    SystemPost,
    Compartment,
    Record,
    IfNoneExist,
    Update,
    Delete,
    Patch,
    Entry,
}

const PLACES: &[Place] = &[
    Place::Get,
    Place::Get,
    Place::Get,
    Place::Post,
    Place::Post,
    Place::Both,
    Place::System,
    Place::SystemPost,
    Place::Compartment,
    Place::Record,
    Place::IfNoneExist,
    Place::Update,
    Place::Delete,
    Place::Patch,
    Place::Entry,
    Place::Entry,
];

const TYPES: &[&str] = &[
    "Patient",
    "Observation",
    "RiskAssessment",
    "Location",
    "ValueSet",
    "List",
    "Group",
    "CarePlan",
    "Provenance",
];

/// A type and a string.
fn string(random: &mut Random) -> (String, Vec<u8>) {
    let lines: Vec<&str> = STRINGS.lines().collect();
    let (type_, right) = random.of(&lines).split_once('?').unwrap_or_default();
    let type_ = if type_.is_empty() || random.below(4) == 0 { random.of(TYPES) } else { type_ };
    let text = match random.below(12) {
        0 => right.as_bytes().to_vec(),
        1..=4 => mutated(random, right.as_bytes().to_vec()),
        5 => (0..random.below(80)).map(|_| u8::try_from(random.below(256)).unwrap_or_default()).collect(),
        6 => long(random),
        _ => made(random),
    };
    (type_.to_owned(), text)
}

/// Names, modifiers and pieces put together as a search is.
fn made(random: &mut Random) -> Vec<u8> {
    let pairs = (0..=random.below(3)).map(|_| {
        let (name, modifier) = (random.of(NAMES), random.of(MODIFIERS));
        let value: String = (0..=random.below(4)).map(|_| *random.of(PIECES)).collect();
        format!("{name}{modifier}={value}")
    });
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}

/// Much of one thing.
fn long(random: &mut Random) -> Vec<u8> {
    let name = random.of(NAMES);
    let (piece, times) = (random.of(PIECES), 1 + random.below(3_000));
    match random.below(4) {
        0 => format!("{name}={}", piece.repeat(times)),
        1 => vec![format!("{name}={piece}"); times.min(300)].join("&"),
        2 => format!("{}name=x", "subject.".repeat(times)),
        _ => format!("_filter={}name eq a{}", "not (".repeat(times), ")".repeat(times)),
    }
    .into_bytes()
}

fn mutated(random: &mut Random, mut text: Vec<u8>) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        let from = random.below(text.len());
        let to = text.len().min(from + 1 + random.below(12));
        let piece = random.of(PIECES).as_bytes().to_vec();
        match random.below(4) {
            0 => drop(text.drain(from..to)),
            1 => drop(text.splice(from..from, piece)),
            2 => drop(text.splice(from..to, piece)),
            _ => {
                let copy = text[from..to].to_vec();
                drop(text.splice(from..from, copy));
            }
        }
    }
    text
}

/// Letters of a URL that the tests' own client sends.
const LONGEST: usize = 60_000;

/// Letters that a URL cannot hold as percent-encoded bytes; what is encoded already, rightly or wrongly, stays.
fn in_url(text: &[u8]) -> String {
    let letter = |byte: &u8| match byte {
        0x21..=0x7e if *byte != b'#' => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let mut url: String = text.iter().map(letter).collect();
    url.truncate(LONGEST);
    url
}

fn ask(http: &Http, place: Place, type_: &str, text: &[u8]) -> Answer {
    let (url, form) = (in_url(text), [("Content-Type", "application/x-www-form-urlencoded")]);
    let get = |path: String| http.send(Method::GET, &path, &[], None);
    let patient = json!({ "resourceType": "Patient" }).to_string();
    match place {
        Place::Get => get(format!("{type_}?{url}")),
        Place::Post => http.send(Method::POST, &format!("{type_}/_search"), &form, Some(text)),
        Place::Both => http.send(Method::POST, &format!("{type_}/_search?{url}"), &form, Some(text)),
        Place::System => get(format!("?{url}")),
        Place::SystemPost => http.send(Method::POST, "_search", &form, Some(text)),
        Place::Compartment => get(format!("Patient/a/{type_}?{url}")),
        Place::Record => get(format!("Patient/a/*?{url}")),
        Place::IfNoneExist => {
            let header = [("If-None-Exist", url.as_str())];
            http.send(Method::POST, "Patient", &header, Some(patient.as_bytes()))
        }
        Place::Update => http.send(Method::PUT, &format!("Patient?{url}"), &[], Some(patient.as_bytes())),
        Place::Delete => http.send(Method::DELETE, &format!("{type_}?{url}"), &[], None),
        Place::Patch => {
            let header = [("Content-Type", "application/json-patch+json")];
            http.send(
                Method::PATCH,
                &format!("Patient?{url}"),
                &header,
                Some(br#"[{"op":"test","path":"/id","value":"x"}]"#),
            )
        }
        Place::Entry => {
            let lossy = String::from_utf8_lossy(text);
            let entries = json!([
                { "request": { "method": "GET", "url": format!("{type_}?{lossy}") } },
                { "request": { "method": "DELETE", "url": format!("{type_}?{url}") } },
                { "request": { "method": "POST", "url": "Patient", "ifNoneExist": lossy }, "resource": { "resourceType": "Patient" } },
                { "request": { "method": "PUT", "url": format!("Patient?{lossy}") }, "resource": { "resourceType": "Patient" } },
                { "request": { "method": "POST", "url": "Basic" }, "resource": { "resourceType": "Basic", "code": { "text": "x" },
                    "subject": { "reference": format!("Patient?{lossy}") } } },
            ]);
            http.bundle(&json!({ "resourceType": "Bundle", "type": "batch", "entry": entries }))
        }
    }
}

/// What is wrong with an answer.
fn fault(answer: &Answer) -> Option<&'static str> {
    let body: Value = match serde_json::from_slice(&answer.body) {
        Ok(body) => body,
        Err(_) if answer.body.is_empty() && (200..300).contains(&answer.status) => return None,
        Err(_) => return Some("no JSON"),
    };
    let explains = |outcome: &Value| {
        let said = &outcome["issue"][0]["diagnostics"];
        outcome["resourceType"] == "OperationOutcome" && said.as_str().is_some_and(|said| said.len() > 10)
    };
    match answer.status {
        200..300 => {}
        400..500 if explains(&body) => return None,
        400..500 => return Some("an error without a word"),
        _ => return Some("neither 2xx nor 4xx"),
    }
    let entries = body["entry"].as_array().map_or(&[][..], Vec::as_slice);
    entries.iter().filter(|entry| !entry["response"].is_null()).find_map(|entry| {
        let status = entry["response"]["status"].as_str().unwrap_or_default();
        match status.as_bytes().first() {
            Some(b'2') => None,
            Some(b'4') if explains(&entry["response"]["outcome"]) => None,
            Some(b'4') => Some("an entry with an error without a word"),
            _ => Some("an entry neither 2xx nor 4xx"),
        }
    })
}

/// Asks one string: whether it was answered with 2xx; or what is wrong.
fn judged(http: &Http, place: Place, type_: &str, text: &[u8]) -> Result<bool, String> {
    let mut shortest = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let answer = ask(http, place, type_, text);
        shortest = shortest.min(start.elapsed());
        let shown: String = in_url(text).chars().take(300).collect();
        if let Some(fault) = fault(&answer) {
            let answer: String = answer.to_string().chars().take(1_500).collect();
            return Err(format!("{fault}: {place:?} {type_}?{shown}\n{answer}"));
        }
        if shortest < LIMIT {
            return Ok(answer.status < 300);
        }
    }
    Err(format!("{shortest:?}: {place:?} {type_}?{}", in_url(text).chars().take(300).collect::<String>()))
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// A few resources, so that searches have something to look at.
fn fill(server: &Server) {
    for number in 0..20 {
        let code = url_encoded(&format!("c{}", number % 3));
        server.http().create(&json!({ "resourceType": "Patient", "name": [{ "family": format!("Whit{number}") }], "birthDate": "1961-03-09" }));
        server.http().create(&json!({ "resourceType": "Observation", "status": "final", "code": { "coding": [{ "code": code }] },
            "valueQuantity": { "value": number, "unit": "mg" }, "subject": { "reference": "Patient/a" } }));
    }
    server.http().put("Patient/a", &json!({ "resourceType": "Patient", "id": "a" })).expect(201);
}

on_each! {
    fn whatever_is_searched_for_is_found_or_refused(database: Database) {
        let server = Settings::open(database).start();
        fill(&server);
        let (count, seed) = (setting("BINNACLE_SEARCH_STORM", COUNT), setting("BINNACLE_SEARCH_STORM_SEED", 1));
        let judgements: Vec<Result<bool, String>> = std::thread::scope(|scope| {
            let askers = (0..4).map(|asker| {
                let http = server.http().another();
                scope.spawn(move || {
                    let mut random = Random(seed * 4 + asker);
                    let one = |_| {
                        let (type_, text) = string(&mut random);
                        let place = *random.of(PLACES);
                        judged(&http, place, &type_, &text)
                    };
                    (0..count / 4).map(one).collect::<Vec<_>>()
                })
            });
            askers.collect::<Vec<_>>().into_iter().flat_map(|asker| asker.join().unwrap()).collect()
        });
        let faults: Vec<&String> = judgements.iter().filter_map(|judged| judged.as_ref().err()).collect();
        let shown: Vec<&str> = faults.iter().take(10).map(|fault| fault.as_str()).collect();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), shown.join("\n\n"));
        let answered = judgements.iter().filter(|judged| **judged == Ok(true)).count();
        eprintln!("{answered} of {} strings were answered, the others refused", judgements.len());
        // Neither all of them understood nor all refused at the door.
        assert!(answered * 10 > judgements.len() && answered * 10 < judgements.len() * 9, "{answered} of {}", judgements.len());
        server.http().get("Patient?name=whit").expect(200);
    }
}
