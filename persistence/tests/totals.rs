//! Totals: exact ones from the counts of types and by counting, estimates close to them, both within access.
//!
//! `BINNACLE_TEST_ROWS` sets how many resources are stored (20,000 if not).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests, that tell how long it took")]

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use domain::Error;
use domain::access::{Access, Clause, Reach};
use domain::clock::Instant;
use domain::conformance::{Definitions, TypeId};
use domain::id::Id;
use domain::index::hash::{resource_key, text_key};
use domain::index::{Facet, IndexEntry, IndexValue, Indexed, Part};
use domain::search::query::{Criterion, Parts, Query, SystemTest, Test, TextMatch, Total};
use domain::store::{Executor, Method, NewVersion, WriteJob, WriteTx};
use persistence::{Estimates, SqlStore, StoreSettings};
use std::ops::Range;
use std::sync::mpsc::{Sender, channel};

/// Resources written in one transaction.
const BATCH: i64 = 1000;

struct Write(Range<i64>, Method, Sender<Result<(), Error>>);

impl WriteJob for Write {
    fn run(&mut self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        tx.write(self.0.clone().map(|number| version(number, self.1)).collect())
    }

    fn done(self: Box<Self>, outcome: Result<(), Error>) {
        self.2.send(outcome).unwrap();
    }
}

fn type_id(name: &str) -> TypeId {
    Definitions::r4().type_id(name).unwrap()
}

fn parameter(code: &str) -> domain::conformance::ParameterId {
    Definitions::r4().parameter(type_id("Observation"), code).unwrap().id
}

/// Every tenth is a Patient, the others Observations: of a common code in the first half of the store and of a rare one all
/// over it, in runs, as loaded records have them; one in four is of one patient.
fn version(number: i64, method: Method) -> NewVersion {
    let entry = |code: &str, value| IndexEntry {
        parameter: parameter(code),
        facet: Facet::Value,
        part: Part::Itself,
        value,
    };
    let token = |code: &str| IndexValue::Token { code: text_key(code), system: 0, text: code.to_owned() };
    let rare = (number / 50) % 8 == 0;
    let common = number < rows() / 2;
    let text = if rare { "rare words" } else { "common words" };
    let text = IndexValue::String { folded: text.to_owned(), exact: text.to_owned() };
    let entries = vec![
        entry("code", token(if common { "common" } else { "other" })),
        entry("status", token(if rare { "final" } else { "amended" })),
        entry("value-string", text),
    ];
    let patient = if (number / 20) % 4 == 0 { "one" } else { "two" };
    let (is_patient, deletes) = (number % 10 == 0, method == Method::Delete);
    let indexed = Indexed {
        entries: if is_patient || deletes { vec![] } else { entries },
        patients: vec![resource_key("Patient", patient)],
        ..Indexed::default()
    };
    NewVersion {
        type_: type_id(if is_patient { "Patient" } else { "Observation" }),
        id: Id::parse(&format!("n{number}")).unwrap(),
        version: if deletes { 2 } else { 1 },
        row: deletes.then_some(number + 1),
        revives: false,
        updated: Instant(number + if deletes { rows() } else { 0 }),
        method,
        body: if deletes { vec![] } else { b"{}".to_vec() },
        indexed,
    }
}

fn rows() -> i64 {
    std::env::var("BINNACLE_TEST_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

fn write(store: &SqlStore, range: Range<i64>, method: Method) {
    let (done, outcome) = channel();
    store.write(Box::new(Write(range, method, done))).unwrap();
    outcome.recv().unwrap().unwrap();
}

fn total(store: &SqlStore, access: &Access, types: &[&str], criteria: &[Criterion], total: Total) -> u64 {
    let query = Query {
        types: types.iter().map(|name| type_id(name)).collect(),
        criteria: criteria.to_vec(),
        sort: vec![],
        count: 0,
        total,
        parts: Parts::No,
        includes: vec![],
        included: 10,
        after: None,
        backward: false,
    };
    let (send, receive) = channel();
    let access = access.clone();
    store.read(Box::new(move |tx| send.send(tx.and_then(|tx| tx.search(&access, &query))).unwrap())).unwrap();
    receive.recv().unwrap().unwrap().total.unwrap()
}

fn token(code: &str, value: &str) -> Criterion {
    let test = Test::Token { system: SystemTest::Any, code: Some(text_key(value)) };
    Criterion::Matches { parameter: parameter(code), facet: Facet::Value, tests: vec![test], negated: false }
}

fn words(text: &str) -> Criterion {
    let test = Test::Text { how: TextMatch::Contains, text: text.to_owned() };
    let parameter = parameter("value-string");
    Criterion::Matches { parameter, facet: Facet::Value, tests: vec![test], negated: false }
}

/// Compares estimates with counts, and counts with what was written.
fn check(store: &SqlStore) {
    let rows = rows();
    for from in (0..rows).step_by(BATCH as usize) {
        write(store, from..rows.min(from + BATCH), Method::Create);
    }
    write(store, 0..BATCH, Method::Delete);
    let everything = Access::everything();
    let clause = |criteria| vec![Clause { patients: Some(vec![resource_key("Patient", "one")]), criteria }];
    let one = Access::by_type([(type_id("Observation"), Reach::Any(clause(vec![])))]);
    let patients = (rows / 10 - BATCH / 10) as u64;
    let observations = (rows - rows / 10 - (BATCH - BATCH / 10)) as u64;
    for asked in [Total::Accurate, Total::Estimate] {
        assert_eq!(total(store, &everything, &["Patient"], &[], asked), patients);
        assert_eq!(total(store, &everything, &[], &[], asked), patients + observations);
        assert_eq!(
            total(store, &everything, &["Patient", "Observation", "Goal"], &[], asked),
            patients + observations
        );
        let only = Access::by_type([(type_id("Patient"), Reach::All)]);
        assert_eq!(total(store, &only, &[], &[], asked), patients);
        assert_eq!(total(store, &only, &["Observation"], &[], asked), 0);
        assert_eq!(total(store, &Access::nothing(), &["Observation"], &[token("code", "common")], asked), 0);
        assert_eq!(total(store, &one, &["Patient"], &[], asked), 0);
    }
    let ask = |access, asked| total(store, access, &["Observation", "Patient"], &[], asked) as f64;
    let (estimate, exact) = (ask(&one, Total::Estimate), ask(&one, Total::Accurate));
    assert!((estimate - exact).abs() <= 0.1 * exact, "{estimate} for {exact} of two types");
    for (access, criteria) in [
        (&everything, vec![token("code", "common")]),
        (&everything, vec![token("status", "final")]),
        (&everything, vec![token("code", "other"), token("status", "amended")]),
        (&everything, vec![words("ords")]),
        (&everything, vec![words("rare")]),
        (&everything, vec![words("nothing")]),
        (&one, vec![]),
        (&one, vec![token("status", "amended")]),
        (&one, vec![words("rare")]),
    ] {
        let ask = |asked| total(store, access, &["Observation"], &criteria, asked);
        let started = std::time::Instant::now();
        let (estimate, estimated) = (ask(Total::Estimate) as f64, started.elapsed());
        let (exact, counted) = (ask(Total::Accurate) as f64, started.elapsed() - estimated);
        println!("{criteria:?}: {estimate} in {estimated:?}, exactly {exact} in {counted:?}");
        assert!((estimate - exact).abs() <= 0.1 * exact, "{estimate} for {exact}: {criteria:?}");
    }
}

fn settings(url: &str) -> StoreSettings {
    let small = Estimates { exact: 200, sample: 5_000, enough: 500 };
    let estimates = if rows() > 100_000 { Estimates::DEFAULT } else { small };
    StoreSettings { estimates, ..StoreSettings::new(url) }
}

#[test]
fn totals_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    check(&SqlStore::open(&settings(&url)).unwrap());
}

#[test]
fn totals_on_postgres() {
    let admin =
        std::env::var("BINNACLE_TEST_POSTGRES").expect("BINNACLE_TEST_POSTGRES is not set: run `make test`");
    let name = format!("totals_{}", std::process::id());
    PgConnection::establish(&admin).unwrap().batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    check(&SqlStore::open(&settings(&format!("{server}/{name}"))).unwrap());
}
