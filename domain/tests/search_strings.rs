//! Whatever a search string is, it is understood or refused as the caller's fault: never a panic, never a fault of ours.
//!
//! `BINNACLE_FUZZ_SECONDS` sets for how long strings are made, `BINNACLE_FUZZ_SEED` where the generator begins.
#![expect(clippy::unwrap_used, reason = "tests")]

use domain::clock::Instant;
use domain::conformance::{Definitions, SearchParameters};
use domain::interaction::address::{Address, parameters};
use domain::search::page::Seal;
use domain::search::{Context, Limits, SearchScope, parse};
use std::time::Duration;
use tests::storm::Random;

/// What searches are made of, and what has broken parsers of them.
const PIECES: &[&str] = &[
    "name",
    "identifier",
    "subject",
    "patient",
    "date",
    "birthdate",
    "code",
    "value-quantity",
    "probability",
    "url",
    "code-value-quantity",
    "near",
    "_id",
    "_lastUpdated",
    "_tag",
    "_profile",
    "_has",
    "_filter",
    "_text",
    "_content",
    "_list",
    "_type",
    "_sort",
    "_count",
    "_total",
    "_summary",
    "_elements",
    "_include",
    "_revinclude",
    "_contained",
    "_containedType",
    "_cursor",
    "_format",
    "_query",
    ":",
    ".",
    "=",
    "&",
    ",",
    "|",
    "$",
    "\\",
    "\\,",
    "\\\\",
    "*",
    "-",
    "+",
    "%2B",
    "%00",
    "%",
    "%C3%28",
    "%F0%9F%98%80",
    "é",
    "\u{202e}",
    "\u{0}",
    "\n",
    " ",
    "'",
    "\"",
    "(",
    ")",
    "[",
    "]",
    "missing",
    "exact",
    "contains",
    "not",
    "text",
    "of-type",
    "in",
    "not-in",
    "above",
    "below",
    "identifier",
    "iterate",
    "Patient",
    "Observation",
    "Group",
    "Device",
    "eq",
    "ne",
    "gt",
    "lt",
    "ge",
    "le",
    "sa",
    "eb",
    "ap",
    "co",
    "and",
    "or",
    "true",
    "false",
    "2020",
    "2020-02-30",
    "2020-02-29T25:61:61Z",
    "2024-01-01T00:00:00+14:00",
    "0000",
    "9999-12-31",
    "-1",
    "1e308",
    "1e-324",
    "1e999999",
    "NaN",
    "inf",
    "0.1",
    "5.40",
    "99999999999999999999",
    "http://loinc.org",
    "http://unitsofmeasure.org",
    "mg/dL",
    "km",
    "Patient/a",
    "https://x.example/FHIR/R4/Patient/a",
    "urn:uuid:1",
    "#p",
    "/_history/1",
    "accurate",
    "count",
    "system|code",
    "||",
    "5.4||mg",
    "_has:Observation:patient:",
    "subject:Patient.",
    "has-member.",
    "name eq \"x\" and (birthdate gt 2000)",
    "1|2|3|km",
];

/// A string of some pieces, now and then with characters of any kind between them.
fn string(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..1 + random.below(12) {
        text.push_str(random.of::<&str>(PIECES));
        match random.below(8) {
            0 => text.push_str(random.of::<&str>(&["=", "=", "&", ".", ":"])),
            1 => text
                .push(char::from_u32(u32::try_from(random.below(0x11_0000)).unwrap()).unwrap_or('\u{fffd}')),
            2 => text = text.repeat(1 + random.below(3)),
            _ => {}
        }
        text.truncate(text.floor_char_boundary(4000));
    }
    text
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn any_search_string_is_understood_or_refused() {
    let definitions = Definitions::r4();
    let mut random = Random(setting("BINNACLE_FUZZ_SEED", 7));
    let start = std::time::Instant::now();
    let limit = Duration::from_secs(setting("BINNACLE_FUZZ_SECONDS", 3));
    let types = ["Patient", "Observation", "Location", "RiskAssessment", "ValueSet", "Bundle"];
    let (mut made, mut understood) = (0_u64, 0_u64);
    while start.elapsed() < limit {
        let text = string(&mut random);
        let scope = match random.below(8) {
            0 => SearchScope::System,
            _ => SearchScope::from(definitions.type_id(random.of::<&str>(&types))),
        };
        let context = Context {
            parameters: SearchParameters::r4(),
            limits: &Limits::DEFAULT,
            base: "https://x.example/FHIR/R4",
            now: Instant(1_700_000_000_000_000),
            lenient: random.below(4) == 0,
            seal: Seal { key: &[0; 32], caller: "" },
        };
        let outcome = std::panic::catch_unwind(|| parse(&context, scope.clone(), &parameters(&text)));
        let outcome = outcome.unwrap_or_else(|_| panic!("{scope:?}?{text:?} panics"));
        match outcome {
            Ok(_) => understood += 1,
            Err(error) => {
                let status = error.status();
                assert!((400..500).contains(&status), "{scope:?}?{text:?} gives {status}: {error}");
            }
        }
        // The same text as a path.
        if let Err(error) = Address::parse(&text) {
            assert!((400..500).contains(&error.status()), "{text:?}: {error}");
        }
        made += 1;
    }
    eprintln!("{made} strings, {understood} of them understood");
    assert!(understood > 0 && understood < made);
}
