//! The store on both databases: versions, history, access by compartment, isolation of failing jobs.
//!
//! PostgreSQL comes from `BINNACLE_TEST_POSTGRES`, the URL of a server where databases may be made (`make test`).

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use domain::access::{Access, Clause, Reach};
use domain::clock::Instant;
use domain::conformance::{Definitions, TypeId};
use domain::id::Id;
use domain::index::Indexed;
use domain::index::hash::resource_key;
use domain::store::{
    Current, Executor, HistoryQuery, HistoryScope, Method, NewVersion, ReadTx, Stored, WriteJob, WriteTx,
};
use domain::{Error, ErrorCode};
use persistence::{SqlStore, StoreSettings};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};

/// A fresh store, and what must outlive it.
struct Fresh {
    store: SqlStore,
    url: String,
    _folder: Option<tempfile::TempDir>,
}

fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    Fresh { store: SqlStore::open(&StoreSettings::new(&url)).unwrap(), url, _folder: Some(folder) }
}

fn postgres_url() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let admin =
        std::env::var("BINNACLE_TEST_POSTGRES").expect("BINNACLE_TEST_POSTGRES is not set: run `make test`");
    let name = format!("store_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::establish(&admin).unwrap();
    connection.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

fn postgres() -> Fresh {
    let url = postgres_url();
    Fresh { store: SqlStore::open(&StoreSettings::new(&url)).unwrap(), url, _folder: None }
}

/// Runs each test as `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($(#[$meta:meta])* fn $name:ident($fresh:ident: Fresh) $body:block)*) => {
        $(mod $name {
            use super::*;
            fn run($fresh: Fresh) $body
            #[test]
            fn sqlite() { run(super::sqlite()); }
            #[test]
            fn postgres() { run(super::postgres()); }
        })*
    };
}

type Step = Box<dyn FnMut(&mut dyn WriteTx) -> Result<(), Error> + Send>;

struct Job {
    step: Step,
    done: Sender<Result<(), Error>>,
}

impl WriteJob for Job {
    fn run(&mut self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        (self.step)(tx)
    }

    fn done(self: Box<Self>, outcome: Result<(), Error>) {
        self.done.send(outcome).unwrap();
    }
}

impl Fresh {
    fn write(
        &self,
        step: impl FnMut(&mut dyn WriteTx) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let (done, outcome) = channel();
        self.store.write(Box::new(Job { step: Box::new(step), done })).unwrap();
        outcome.recv().unwrap()
    }

    fn read<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut dyn ReadTx) -> Result<T, Error> + Send + 'static,
    ) -> T {
        let (done, outcome) = channel();
        self.store
            .read(Box::new(move |tx| {
                done.send(tx.and_then(step)).unwrap();
            }))
            .unwrap();
        outcome.recv().unwrap().unwrap()
    }

    /// Puts a version: body `{"n":n}`, in the compartments of `patients`.
    fn put(&self, id: &str, n: i64, patients: &[&str]) -> Result<(), Error> {
        let (id, patients) =
            (Id::parse(id).unwrap(), patients.iter().map(|id| resource_key("Patient", id)).collect());
        self.write(move |tx| {
            put(tx, &id, n, Indexed { patients: Vec::clone(&patients), ..Indexed::default() })
        })
    }

    fn history(&self, access: Access, scope: HistoryScope) -> Vec<(String, i64)> {
        self.read(move |tx| {
            let mut all = Vec::new();
            let mut query = HistoryQuery {
                scope,
                since: None,
                at: None,
                listed: None,
                count: 2,
                after: None,
                total: true,
            };
            loop {
                let page = tx.history(&access, &query)?;
                all.extend(page.versions.iter().map(|v| (v.id.to_string(), v.version)));
                query.after = page.next;
                if page.next.is_none() {
                    assert_eq!(page.total, Some(all.len() as u64));
                    return Ok(all);
                }
            }
        })
    }
}

fn put(tx: &mut dyn WriteTx, id: &Id, n: i64, indexed: Indexed) -> Result<(), Error> {
    let current = tx.current(&Access::everything(), &[(observation(), id.clone())])?.pop().unwrap();
    let (row, revives, version, updated) = match current {
        Current::Present(Stored { row, version, updated, method, .. }) => {
            (Some(row), method == Method::Delete, version + 1, updated.0 + 1)
        }
        _ => (None, false, 1, 1_000),
    };
    tx.write(vec![NewVersion {
        type_: observation(),
        id: id.clone(),
        version,
        row,
        revives,
        updated: Instant(updated),
        method: if n < 0 { Method::Delete } else { Method::Update },
        body: if n < 0 { vec![] } else { format!("{{\"n\":{n}}}").into_bytes() },
        indexed,
    }])
}

fn observation() -> TypeId {
    Definitions::r4().type_id("Observation").unwrap()
}

/// What a token for this patient may see.
fn only(patient: &str) -> Access {
    let clause = Clause { patients: Some(vec![resource_key("Patient", patient)]), criteria: vec![] };
    Access::by_type([(observation(), Reach::Any(vec![clause]))])
}

on_both! {
    fn versions_stay_readable(fresh: Fresh) {
        for n in [1, 2, -1, 3] {
            fresh.put("a", n, &["p"]).unwrap();
        }
        let id = Id::parse("a").unwrap();
        let bodies: Vec<Option<String>> = fresh.read(move |tx| {
            let version = |tx: &mut dyn ReadTx, v| tx.vread(&Access::everything(), observation(), &id, v);
            (1..=5).map(|v| Ok(version(tx, v)?.map(|s| format!("{:?} {}", s.method, String::from_utf8(s.body).unwrap())))).collect()
        });
        let expected = [Some("Update {\"n\":1}"), Some("Update {\"n\":2}"), Some("Delete "), Some("Update {\"n\":3}"), None];
        assert_eq!(bodies, expected.map(|body| body.map(str::to_owned)));
    }

    fn a_history_is_paged_newest_first(fresh: Fresh) {
        for (id, n) in [("a", 1), ("b", 1), ("a", 2), ("a", 3), ("b", -1)] {
            fresh.put(id, n, &[]).unwrap();
        }
        let of = |id: &str| HistoryScope::Instance(observation(), Id::parse(id).unwrap());
        let versions = |list: &[(&str, i64)]| -> Vec<(String, i64)> { list.iter().map(|(id, v)| ((*id).to_owned(), *v)).collect() };
        assert_eq!(fresh.history(Access::everything(), of("a")), versions(&[("a", 3), ("a", 2), ("a", 1)]));
        let all = versions(&[("a", 3), ("b", 2), ("a", 2), ("b", 1), ("a", 1)]);
        assert_eq!(fresh.history(Access::everything(), HistoryScope::Type(observation())), all);
        assert_eq!(fresh.history(Access::everything(), HistoryScope::System), all);
        assert_eq!(fresh.history(Access::nothing(), HistoryScope::System), vec![]);
    }

    fn a_patient_sees_the_versions_that_were_theirs(fresh: Fresh) {
        // Version 1 is p's, 2 is moved to q, 3 is deleted while q's.
        for (n, patient) in [(1, "p"), (2, "q"), (-1, "q")] {
            fresh.put("a", n, &[patient]).unwrap();
        }
        // Two people's record is shown to neither alone.
        fresh.put("b", 1, &["p", "q"]).unwrap();
        fresh.put("c", 1, &[]).unwrap();
        let scope = || HistoryScope::Type(observation());
        let seen = |patient: &str| {
            let mut seen = fresh.history(only(patient), scope());
            seen.sort();
            seen
        };
        let versions = |list: &[(&str, i64)]| -> Vec<(String, i64)> { list.iter().map(|(id, v)| ((*id).to_owned(), *v)).collect() };
        assert_eq!(seen("p"), versions(&[("a", 1)]));
        assert_eq!(seen("q"), versions(&[("a", 2), ("a", 3)]));
        assert_eq!(seen("r"), versions(&[]));
        let reads = |patient: &'static str| fresh.read(move |tx| {
            let mut found = Vec::new();
            for id in ["a", "b", "c"] {
                let id = Id::parse(id).unwrap();
                found.push(tx.read(&only(patient), observation(), &id)?.is_some());
                found.push(tx.vread(&only(patient), observation(), &id, 1)?.is_some());
            }
            Ok(found)
        });
        assert_eq!(reads("p"), [false, true, false, false, false, false]);
        assert_eq!(reads("q"), [true, false, false, false, false, false]);
    }

    fn what_may_not_be_seen_is_hidden_from_a_writer(fresh: Fresh) {
        fresh.put("a", 1, &["p"]).unwrap();
        fresh.write(|tx| {
            let key = |id: &str| (observation(), Id::parse(id).unwrap());
            let found = tx.current(&only("q"), &[key("a"), key("none")])?;
            assert_eq!(found, [Current::Hidden, Current::Absent]);
            assert!(matches!(tx.current(&only("p"), &[key("a")])?.pop(), Some(Current::Present(_))));
            Ok(())
        }).unwrap();
    }

    fn a_failing_job_leaves_nothing_and_harms_no_other(fresh: Fresh) {
        let (done, outcomes) = channel();
        let submit = |id: &'static str, fails: bool| {
            let step = move |tx: &mut dyn WriteTx| {
                put(tx, &Id::parse(id).unwrap(), 1, Indexed::default())?;
                if fails { Err(Error::new(ErrorCode::Invariant, "no")) } else { Ok(()) }
            };
            fresh.store.write(Box::new(Job { step: Box::new(step), done: done.clone() })).unwrap();
        };
        for (id, fails) in [("a", false), ("b", true), ("c", false)] {
            submit(id, fails);
        }
        fresh.store.write(Box::new(Job { step: Box::new(|_| panic!("a bug")), done: done.clone() })).unwrap();
        submit("d", false);
        let codes: Vec<Option<ErrorCode>> = outcomes.iter().take(5).map(|o| o.err().map(|e| e.code())).collect();
        assert_eq!(codes, [None, Some(ErrorCode::Invariant), None, Some(ErrorCode::Internal), None]);
        let mut ids: Vec<String> = fresh.history(Access::everything(), HistoryScope::System).into_iter().map(|(id, _)| id).collect();
        ids.sort();
        assert_eq!(ids, ["a", "c", "d"]);
    }

    fn writers_that_meet_lose_nothing(fresh: Fresh) {
        let fresh = std::sync::Arc::new(fresh);
        let threads: Vec<_> = (0..8).map(|_| {
            let fresh = std::sync::Arc::clone(&fresh);
            std::thread::spawn(move || (0..25).for_each(|n| fresh.put("a", n, &["p"]).unwrap()))
        }).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let scope = HistoryScope::Instance(observation(), Id::parse("a").unwrap());
        let versions: Vec<i64> = fresh.history(Access::everything(), scope).into_iter().map(|(_, version)| version).collect();
        assert_eq!(versions, (1..=200).rev().collect::<Vec<i64>>());
    }

    fn writers_that_want_the_same_resources_in_any_order_all_end(fresh: Fresh) {
        let fresh = std::sync::Arc::new(fresh);
        let threads: Vec<_> = (0..8).map(|number| {
            let fresh = std::sync::Arc::clone(&fresh);
            std::thread::spawn(move || (0..10).for_each(|n| fresh.write(move |tx| {
                // Each resource is asked for by itself, as a batch does: half of the writers in the other order.
                let (first, second) = if number % 2 == 0 { ("a", "b") } else { ("b", "a") };
                put(tx, &Id::parse(first).unwrap(), n, Indexed::default())?;
                put(tx, &Id::parse(second).unwrap(), n, Indexed::default())
            }).unwrap()))
        }).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        for id in ["a", "b"] {
            let scope = HistoryScope::Instance(observation(), Id::parse(id).unwrap());
            let versions: Vec<i64> = fresh.history(Access::everything(), scope).into_iter().map(|(_, version)| version).collect();
            assert_eq!(versions, (1..=80).rev().collect::<Vec<i64>>(), "{id}");
        }
    }

    fn a_store_opens_again_with_what_it_held(fresh: Fresh) {
        fresh.put("a", 1, &["p"]).unwrap();
        let again = SqlStore::open(&StoreSettings::new(&fresh.url)).unwrap();
        let again = Fresh { store: again, url: fresh.url.clone(), _folder: None };
        assert_eq!(again.history(only("p"), HistoryScope::System), vec![("a".to_owned(), 1)]);
    }
}

#[test]
fn four_processes_may_open_an_empty_postgres_at_once() {
    let url = postgres_url();
    let open = |_| {
        let url = url.clone();
        std::thread::spawn(move || SqlStore::open(&StoreSettings::new(url)).map(drop))
    };
    let threads: Vec<_> = (0..4).map(open).collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn a_newer_schema_is_refused() {
    let fresh = sqlite();
    let path = fresh.url.strip_prefix("sqlite://").unwrap();
    let mut connection = diesel::SqliteConnection::establish(path).unwrap();
    connection
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000001')")
        .unwrap();
    let error = SqlStore::open(&StoreSettings::new(&fresh.url)).err().unwrap();
    assert!(error.to_string().contains("29991231000001"), "{error}");
}
