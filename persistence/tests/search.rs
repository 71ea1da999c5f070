//! Searches on both databases: values of every kind, access criteria, and the rows a search starts from.

#![expect(clippy::unwrap_used, reason = "tests")]

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use domain::Error;
use domain::access::{Access, Clause, Reach};
use domain::clock::Instant;
use domain::conformance::{Definitions, TypeId};
use domain::id::Id;
use domain::index::hash::{resource_key, text_key};
use domain::index::{Facet, IndexEntry, IndexValue, Indexed, Part, QuantityValue};
use domain::search::query::{Criterion, Parts, Prefix, Query, SystemTest, Test, Total, UnitTest};
use domain::store::{Executor, Method, NewVersion, WriteJob, WriteTx};
use persistence::{SqlStore, StoreSettings};
use std::sync::mpsc::{Sender, channel};

struct Put(NewVersion, Sender<Result<(), Error>>);

impl WriteJob for Put {
    fn run(&mut self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        tx.current(&Access::everything(), &[(self.0.type_, self.0.id.clone())])?;
        tx.write(vec![self.0.clone()])
    }

    fn done(self: Box<Self>, outcome: Result<(), Error>) {
        self.1.send(outcome).unwrap();
    }
}

fn observation() -> TypeId {
    Definitions::r4().type_id("Observation").unwrap()
}

fn entry(code: &str, value: IndexValue) -> IndexEntry {
    let parameter = Definitions::r4().parameter(observation(), code).unwrap().id;
    IndexEntry { parameter, facet: Facet::Value, part: Part::Itself, value }
}

fn quantity(value: f64) -> IndexValue {
    IndexValue::Quantity(QuantityValue {
        lo: value,
        hi: value,
        code: text_key("mm[Hg]"),
        unit: 0,
        canonical_lo: f64::NAN,
        canonical_hi: f64::NAN,
        canonical_unit: 0,
    })
}

fn token(code: &str) -> IndexValue {
    IndexValue::Token { code: text_key(code), system: 0, text: code.to_owned() }
}

/// Observation `id` of `patient` with a code and a value.
fn put(store: &SqlStore, id: &str, patient: &str, code: &str, value: f64) {
    let entries = vec![
        entry("code", token(code)),
        entry("value-quantity", quantity(value)),
        entry("code-value-quantity", IndexValue::Composite(vec![token(code), quantity(value)])),
    ];
    let version = NewVersion {
        type_: observation(),
        id: Id::parse(id).unwrap(),
        version: 1,
        row: None,
        revives: false,
        updated: Instant(1),
        method: Method::Update,
        body: b"{}".to_vec(),
        indexed: Indexed { entries, patients: vec![resource_key("Patient", patient)], ..Indexed::default() },
    };
    let (done, outcome) = channel();
    store.write(Box::new(Put(version, done))).unwrap();
    outcome.recv().unwrap().unwrap();
}

fn matches(code: &str, test: Test) -> Criterion {
    let parameter = Definitions::r4().parameter(observation(), code).unwrap().id;
    Criterion::Matches { parameter, facet: Facet::Value, tests: vec![test], negated: false }
}

fn is(code: &str) -> Test {
    Test::Token { system: SystemTest::Any, code: Some(text_key(code)) }
}

fn above(value: f64) -> Test {
    Test::Quantity { prefix: Prefix::Gt, lo: value, hi: value, unit: UnitTest::Code(text_key("mm[Hg]")) }
}

fn found(store: &SqlStore, access: Access, criteria: Vec<Criterion>) -> (Vec<String>, Option<u64>) {
    let query = Query {
        types: vec![observation()],
        criteria,
        sort: vec![],
        count: 10,
        total: Total::Accurate,
        parts: Parts::No,
        includes: vec![],
        included: 10,
        after: None,
        backward: false,
    };
    let (send, receive) = channel();
    store
        .read(Box::new(move |tx| {
            let found = tx.and_then(|tx| tx.search(&access, &query));
            send.send(found).unwrap();
        }))
        .unwrap();
    let found = receive.recv().unwrap().unwrap();
    (found.matches.iter().map(|stored| stored.id.to_string()).collect(), found.total)
}

fn check(store: &SqlStore) {
    put(store, "a", "one", "bp", 120.0);
    put(store, "b", "one", "bp", 140.0);
    put(store, "c", "two", "hr", 150.0);
    let everything = Access::everything;
    let ids = |access: Access, criteria: Vec<Criterion>| {
        let (ids, total) = found(store, access, criteria);
        assert_eq!(total, Some(ids.len() as u64));
        ids.join(" ")
    };
    assert_eq!(ids(everything(), vec![]), "a b c");
    assert_eq!(ids(everything(), vec![matches("code", is("bp"))]), "a b");
    assert_eq!(ids(everything(), vec![matches("value-quantity", above(130.0))]), "b c");
    assert_eq!(
        ids(everything(), vec![matches("code", is("bp")), matches("value-quantity", above(130.0))]),
        "b"
    );
    assert_eq!(
        ids(
            everything(),
            vec![matches("code-value-quantity", Test::Composite(vec![is("hr"), above(130.0)]))]
        ),
        "c"
    );
    let wanted = ["a", "c", "none"].map(|id| Id::parse(id).unwrap());
    assert_eq!(ids(everything(), vec![Criterion::Id(wanted.to_vec())]), "a c");
    let parameter = Definitions::r4().parameter(observation(), "value-quantity").unwrap().id;
    assert_eq!(ids(everything(), vec![Criterion::Missing { parameter, missing: true }]), "");

    let clause =
        |patient: &str, criteria| Clause { patients: Some(vec![resource_key("Patient", patient)]), criteria };
    let only = |clauses| Access::by_type([(observation(), Reach::Any(clauses))]);
    assert_eq!(ids(only(vec![clause("one", vec![])]), vec![matches("value-quantity", above(130.0))]), "b");
    assert_eq!(ids(only(vec![clause("one", vec![matches("value-quantity", above(130.0))])]), vec![]), "b");
    assert_eq!(ids(only(vec![clause("two", vec![]), clause("one", vec![Criterion::Never])]), vec![]), "c");
    assert_eq!(ids(Access::nothing(), vec![]), "");
}

#[test]
fn searches_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    check(&SqlStore::open(&StoreSettings::new(&url)).unwrap());
}

#[test]
fn searches_on_postgres() {
    let admin =
        std::env::var("BINNACLE_TEST_POSTGRES").expect("BINNACLE_TEST_POSTGRES is not set: run `make test`");
    let name = format!("search_{}", std::process::id());
    PgConnection::establish(&admin).unwrap().batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    check(&SqlStore::open(&StoreSettings::new(format!("{server}/{name}"))).unwrap());
}
