//! Every base search parameter of R4 against HL7's examples: a value that finds exactly some of them, and one close to it
//! that does not. The table and how it was made are in `tests/parameters`.

use super::named::url_encoded;
use crate::database::Database;
use crate::http::{Http, ids};
use crate::server::Settings;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Type, parameter, and what is asked of it.
const TABLE: &str = include_str!("../../parameters/table.tsv");

/// HL7's examples that the server refuses.
const REFUSED: &str = include_str!("../../../domain/src/conformance/validation/tests/refused.tsv");

/// One line of the table.
struct Line {
    type_: &'static str,
    code: &'static str,
    /// Searches, and the ids that each finds.
    searches: Vec<(String, BTreeSet<String>)>,
    /// How many examples have an element that the parameter reads.
    there: usize,
}

impl Line {
    fn read(line: &'static str) -> Line {
        let cells: Vec<&str> = line.split('\t').collect();
        let (type_, code) = (cells[0], cells[1]);
        let all =
            |ids: &str| ids.split_whitespace().map(|id| format!("{type_}/{id}")).collect::<BTreeSet<_>>();
        let with = |value: &str| format!("{code}={}", url_encoded(value));
        let there = |modifier: &str| format!("{code}:missing={modifier}");
        let searches = match cells[2..] {
            ["no example"] => Vec::new(),
            ["no value", found] => vec![(there("false"), all(found))],
            [value, found, near, nearly, _] => vec![(with(value), all(found)), (with(near), all(nearly))],
            _ => panic!("{line} is no line of the table"),
        };
        if let [(_, found), (_, nearly)] = searches.as_slice() {
            assert!(!found.is_empty() && !found.is_subset(nearly), "{line} tells nothing apart");
        }
        let there = match cells[2..] {
            ["no value", found] => found.split(' ').count(),
            [.., there] => there.parse().unwrap_or_default(),
            _ => 0,
        };
        Line { type_, code, searches, there }
    }

    /// What is wrong with the answers of a server that holds the examples.
    fn wrong(&self, http: &Http) -> Vec<String> {
        let mut wrong = Vec::new();
        for (query, expected) in &self.searches {
            let answer = http.get(&format!("{}?{query}&_count=500&_elements=id", self.type_));
            if answer.status != 200 {
                wrong.push(answer.to_string());
                continue;
            }
            let found = ids(&answer.json());
            if found != *expected {
                wrong.push(format!("{}?{query}: expected {expected:?}, found {found:?}", self.type_));
            }
        }
        let query = format!("{}?{}:missing=false&_summary=count", self.type_, self.code);
        let total = http.get(&query).expect(200).json()["total"].as_u64();
        if total != Some(self.there as u64) {
            wrong.push(format!("{query}: expected {}, found {total:?}", self.there));
        }
        wrong
    }
}

/// Runs `each` on all items, four at a time.
fn side_by_side<T: Sync>(items: &[T], each: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    each(item);
                }
            });
        }
    });
}

/// Stores the examples under their own ids.
fn fill(http: &Http, examples: &BTreeMap<String, Vec<u8>>) {
    let refused: BTreeSet<&str> = REFUSED.lines().filter_map(|line| line.split('\t').next()).collect();
    let taken = examples.iter().filter(|(file, _)| !refused.contains(file.as_str()));
    let resources: Vec<Value> = taken.map(|(_, text)| serde_json::from_slice(text).unwrap()).collect();
    let resources: Vec<&Value> =
        resources.iter().filter(|resource| resource["resourceType"] != "Parameters").collect();
    assert!(resources.len() > 350, "{} examples", resources.len());
    side_by_side(&resources.chunks(25).collect::<Vec<_>>(), |chunk| {
        let entry = |resource: &&Value| {
            let url = crate::http::reference(resource);
            json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
        };
        let entries: Vec<Value> = chunk.iter().map(entry).collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
        let answer = http.bundle(&bundle).expect(200).json();
        for (sent, entry) in chunk.iter().zip(answer["entry"].as_array().unwrap()) {
            let status = entry["response"]["status"].as_str().unwrap_or_default();
            assert!(status.starts_with("201"), "{}: {entry:#}", crate::http::reference(sent));
        }
    });
}

fn each_parameter_finds_its_examples(database: Database) {
    let Some(examples) = tests::published::json_files("r4-examples.tar.zst") else { return };
    let server = Settings::open(database).start();
    fill(server.http(), &examples);
    let lines: Vec<Line> = TABLE.lines().map(Line::read).collect();
    let wrong = Mutex::new(Vec::new());
    side_by_side(&lines, |line| {
        let found = line.wrong(server.http());
        wrong.lock().unwrap().extend(found);
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

#[test]
fn each_parameter_finds_its_examples_sqlite() {
    each_parameter_finds_its_examples(Database::Sqlite);
}

#[test]
fn each_parameter_finds_its_examples_postgres() {
    each_parameter_finds_its_examples(Database::Postgres);
}

on_both! {
    fn the_table_names_every_listed_parameter(server: &Server) {
        let statement = server.http().get("metadata").expect(200).json();
        let rest = &statement["rest"][0];
        let named = |from: &Value| -> Vec<String> {
            let all = from["searchParam"].as_array().into_iter().flatten();
            all.filter(|one| one["type"] != "special").map(|one| one["name"].as_str().unwrap().to_owned()).collect()
        };
        // Of no expression, or of what the server writes: they have tests of their own.
        let apart = ["_text", "_content", "_lastUpdated", "_has", "_list", "_in", "_type", "_filter", "_query"];
        let mut listed = BTreeSet::new();
        for type_ in rest["resource"].as_array().unwrap() {
            for code in named(type_).into_iter().chain(named(rest)).filter(|code| !apart.contains(&code.as_str())) {
                listed.insert((type_["type"].as_str().unwrap().to_owned(), code));
            }
        }
        let table = TABLE.lines().map(Line::read).map(|line| (line.type_.to_owned(), line.code.to_owned()));
        let table: BTreeSet<(String, String)> = table.collect();
        // Other tests of this server may add parameters of their own.
        let missing: Vec<_> = table.difference(&listed).collect();
        assert!(missing.is_empty(), "in the table, and not listed: {missing:?}");
        let unnamed: Vec<_> = listed.difference(&table).filter(|(_, code)| !code.contains("custom")).collect();
        assert!(unnamed.is_empty(), "listed, and not in the table: {unnamed:?}");
    }
}
