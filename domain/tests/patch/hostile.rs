//! Patches that mean harm, or nothing: each ends in a resource within bounds or in an error of the client's.

use super::{FHIRPATH, JSON, PATIENT, apply};
use domain::resource::json::{Json, MAX_DEPTH};

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of.get(self.roll(of.len())).unwrap()
    }
}

fn depth(json: &Json<'_>) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(members) => 1 + members.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

/// Applies a patch; what comes out can be written and read again.
fn run(media_type: &str, patch: &str) {
    let before = Json::parse(PATIENT.as_bytes()).unwrap();
    match apply(media_type, patch.as_bytes(), &before) {
        Ok(after) => {
            assert!(depth(&after) <= MAX_DEPTH, "{patch}");
            let text = after.to_vec();
            assert_eq!(Json::parse(&text).unwrap().to_vec(), text, "{patch}");
        }
        Err(error) => assert!((400..500).contains(&error.status()), "{patch}: {error}"),
    }
}

#[test]
fn no_json_patch_breaks_anything() {
    let paths = [
        "",
        "/",
        "/name",
        "/name/0",
        "/name/-",
        "/name/1",
        "/name/0/given",
        "/name/0/given/0",
        "/name/0/given/-",
        "/name/0/_given/1",
        "/active",
        "/extension/0/valueDecimal",
        "/meta",
        "/x",
        "/x/y",
        "/~01",
        "/name/00",
        "/name/-1",
        "/name/99999999999999999999",
        "name",
        "/a~",
        "/x/-",
        "/x/0/0",
    ];
    let values = ["null", "true", "1.10", "\"x\"", "[]", "{}", "[[[]]]", r#"{"a":[{}]}"#, "1e999"];
    let mut dice = Dice(7);
    for _ in 0..10_000 {
        let operations: Vec<String> = (0..=dice.roll(8))
            .map(|_| {
                let op =
                    dice.pick(&["add", "remove", "replace", "move", "copy", "test", "move", "copy", "x"]);
                let (path, from, value) = (dice.pick(&paths), dice.pick(&paths), dice.pick(&values));
                format!(r#"{{"op":"{op}","path":"{path}","from":"{from}","value":{value}}}"#)
            })
            .collect();
        run(JSON, &format!("[{}]", operations.join(",")));
    }
}

#[test]
fn no_fhirpath_patch_breaks_anything() {
    let paths = [
        "Patient",
        "Patient.name",
        "Patient.name[0]",
        "Patient.name.given",
        "Patient.name.given[0]",
        "Patient.name.given.last()",
        "Patient.deceased",
        "Patient.extension",
        "Patient.extension.value",
        "Patient.meta",
        "Patient.id",
        "Patient.active",
        "Patient.name.where(given = 'A')",
        "1",
        "{}",
        "%resource",
        "Patient.descendants()",
        "Patient.name.given[1].id",
        "(",
        "Patient.repeat(children())",
        "Patient.extension.where(url = 'u').value",
        "$this",
        "today()",
    ];
    let names = [
        "name",
        "given",
        "deceased",
        "id",
        "active",
        "meta",
        "x",
        "value",
        "extension",
        "contained",
        "_given",
        "",
    ];
    let values = [
        r#""valueString":"x""#,
        r#""valueBoolean":true"#,
        r#""valueHumanName":{"given":["Z"]}"#,
        r#""_valueString":{"id":"i"}"#,
        r#""valueDecimal":2.50"#,
        r#""part":[{"name":"given","valueString":"q"},{"name":"given","valueString":"r"}]"#,
        r#""part":[]"#,
        r#""valueString":null"#,
        r#""part":[{"name":"period","part":[{"name":"start","valueDate":"2020"}]}]"#,
    ];
    let mut dice = Dice(11);
    for _ in 0..10_000 {
        let operations: Vec<String> = (0..=dice.roll(5))
            .map(|_| {
                let type_ = dice.pick(&["add", "insert", "delete", "replace", "move"]);
                let (path, name, value) = (dice.pick(&paths), dice.pick(&names), dice.pick(&values));
                let (one, two) = (dice.roll(4), dice.roll(4));
                format!(
                    r#"{{"name":"operation","part":[{{"name":"type","valueCode":"{type_}"}},{{"name":"path","valueString":"{path}"}},
                    {{"name":"name","valueString":"{name}"}},{{"name":"value",{value}}},{{"name":"index","valueInteger":{one}}},
                    {{"name":"source","valueInteger":{one}}},{{"name":"destination","valueInteger":{two}}}]}}"#
                )
            })
            .collect();
        run(FHIRPATH, &format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, operations.join(",")));
    }
}
