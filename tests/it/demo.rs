//! The demo record set in `api/demo`: what a newcomer sees first is whole, and is made of numbers that belong to nobody.

use crate::architecture::workspace;
use crate::commands::said;
use crate::database::Database;
use crate::http::{ids, reference, set};
use crate::server::{Server, Settings, run};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The Bundles in the order of their names, each with the name of its file.
fn bundles() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/demo");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    assert!(files.len() > 15, "the demo record set is not where it was: {files:?}");
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// Every resource by `Type/id`; fails when an entry is not a PUT of its own resource, or two share an id.
fn resources() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (file, bundle) in bundles() {
        assert_eq!(bundle["type"], "transaction", "{file}");
        for entry in bundle["entry"].as_array().unwrap() {
            let resource = &entry["resource"];
            let name = reference(resource);
            assert_eq!(entry["request"]["method"], "PUT", "{file}: {name}");
            assert_eq!(entry["request"]["url"], *name, "{file}: {name}");
            assert!(found.insert(name.clone(), resource.clone()).is_none(), "{file}: {name} is there twice");
        }
    }
    found
}

/// Calls `visit` with every object inside `value`.
fn objects(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            visit(members);
            members.values().for_each(|member| objects(member, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, visit)),
        _ => {}
    }
}

#[test]
fn every_reference_resolves_within_the_set() {
    let resources = resources();
    let mut seen = 0;
    for (name, resource) in &resources {
        objects(resource, &mut |object| {
            if let Some(pointer) = object.get("reference").and_then(Value::as_str) {
                let target = pointer.split("/_history/").next().unwrap();
                assert!(resources.contains_key(target), "{name} points to {pointer}");
                seen += 1;
            }
        });
    }
    assert!(seen > 1000, "only {seen} references were looked at");
}

#[test]
fn nhs_numbers_are_of_the_block_never_issued_and_have_their_check_digit() {
    let mut people = BTreeSet::new();
    for (name, resource) in resources() {
        objects(&resource, &mut |object| {
            if object.get("system").and_then(Value::as_str) != Some("https://fhir.nhs.uk/Id/nhs-number") {
                return;
            }
            let number = object["value"].as_str().unwrap();
            assert!(number.len() == 10 && number.starts_with("999"), "{name}: {number}");
            let digits: Vec<u32> = number.chars().map(|digit| digit.to_digit(10).unwrap()).collect();
            let sum: u32 = digits[..9].iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
            assert_eq!((11 - sum % 11) % 11, digits[9], "{name}: {number}");
        });
        if name.starts_with("Patient/") {
            let number = resource["identifier"][0]["value"].to_string();
            assert!(people.insert(number), "{name} has the number of somebody else");
        }
    }
    assert_eq!(people.len(), 22);
}

on_both! {
    fn loads_and_shows_the_plan_that_the_readme_shows(server: &Server) {
        for (file, bundle) in bundles() {
            let answer = server.http().bundle(&bundle).expect(200).json();
            let sent = bundle["entry"].as_array().unwrap().len();
            assert_eq!(answer["entry"].as_array().map(Vec::len), Some(sent), "{file}");
        }
        let query = "CarePlan?patient=amina-hussain&status=active&_include=CarePlan:goal&_include=CarePlan:care-team";
        assert_eq!(
            ids(&server.http().get(query).expect(200).json()),
            set(&[
                "CarePlan/amina-hussain-plan-2026",
                "Goal/amina-hussain-goal-walk",
                "Goal/amina-hussain-goal-ramadan",
                "Goal/amina-hussain-goal-time",
                "CareTeam/amina-hussain-team",
                "CareTeam/owlet-neighbourhood-team",
            ])
        );
    }
}

on_each! {
    fn the_printed_command_works_as_printed(database: Database) {
        let server = Settings::demo(database).start();
        let printed = server.output();
        let resources = resources();
        let loaded = format!("The demo record set is in the store: {} resources.", resources.len());
        assert!(printed.contains(&loaded), "{printed}");
        let line = printed.lines().find(|line| line.starts_with("curl ")).unwrap_or_else(|| panic!("{printed}"));
        let (status, answer, error) = said(&shell("sh", &server, line));
        assert_eq!(status, 0, "{error}");
        let bundle: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{line}\n{answer}{error}"));
        let plans = resources.iter().filter(|(name, plan)| {
            name.starts_with("CarePlan/") && plan["subject"]["reference"] == "Patient/amina-hussain"
        });
        let mut expected = BTreeSet::new();
        for (name, plan) in plans {
            expected.insert(name.clone());
            let goals = plan["goal"].as_array().map_or(&[][..], Vec::as_slice);
            expected.extend(goals.iter().map(|goal| goal["reference"].as_str().unwrap().to_owned()));
        }
        assert!(expected.len() > 4);
        assert_eq!(ids(&bundle), expected);

        // The same again: nothing is written, and the secrets stay.
        let server = server.restart();
        let again = server.output();
        assert!(again.contains(&loaded), "{again}");
        let secrets = |text: &str| -> Vec<String> {
            text.lines().filter(|line| line.starts_with("Demo ")).map(|line| line.split("(app").next().unwrap().to_owned()).collect()
        };
        assert_eq!(secrets(&again), secrets(&printed));
        let (_, checked, _) = said(&server.command(&["check"], ""));
        let versions = checked.lines().find(|line| line.starts_with("Versions")).unwrap().to_owned();
        assert!(versions.contains(&format!(" {} ", resources.len())), "{checked}");
    }
}

/// Runs `script` in the server's folder.
fn shell(shell: &str, server: &Server, script: &str) -> std::process::Output {
    run(std::process::Command::new(shell).args(["-c", script]).current_dir(server.path()), "")
}

#[test]
fn the_first_session_of_the_readme_goes_as_it_says() {
    let server = Settings::demo(Database::Sqlite).start();
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let session = readme.split("## A first session").nth(1).unwrap().split("## Settings").next().unwrap();
    let blocks: Vec<&str> =
        session.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 4, "token, read, write, person");
    // The folder of the database is `data` there, and the server's own here. The last block needs a browser.
    let script = blocks[..3].concat().replace("http://127.0.0.1:8080", server.http().origin());
    std::os::unix::fs::symlink(".", server.path().join("data")).unwrap();
    let (status, printed, error) = said(&shell("bash", &server, &script));
    assert_eq!(status, 0, "{error}");
    let mut answers = Vec::new();
    for line in printed.lines() {
        if let Some(status) = line.strip_prefix("HTTP/1.1 ") {
            answers.push(status.split(' ').next().unwrap().to_owned());
        } else if let Ok(json) = serde_json::from_str::<Value>(line) {
            answers.push(json["resourceType"].as_str().unwrap_or_default().to_owned());
        }
    }
    let expected = ["Patient", "Bundle", "200", "Observation", "412", "OperationOutcome"];
    assert_eq!(answers, expected, "{printed}{error}");
    assert!(printed.to_ascii_lowercase().contains("etag: w/\"2\""), "{printed}");
}
