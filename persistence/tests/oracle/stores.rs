//! The stores under test behind one face, and their answers in a form that can be compared.

use super::question::Question;
use super::world::{BASE, Change};
use diesel::connection::SimpleConnection;
use diesel::query_dsl::LoadQuery;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use domain::Error;
use domain::access::Access;
use domain::clock::Instant;
use domain::conformance::{Definitions, SearchParameters, TypeId};
use domain::id::Id;
use domain::index::hash::resource_key;
use domain::index::{Indexed, extract};
use domain::resource::json::Json;
use domain::search::page::Seal;
use domain::search::query::{Position, Query};
use domain::store::integrity::Finding;
use domain::store::memory::MemoryStore;
use domain::store::{
    Current, Executor, HistoryPosition, HistoryQuery, HistoryScope, Listed, Matches, Method, NewVersion,
    ReadTx, Stored, WriteJob, WriteTx,
};
use persistence::{SqlStore, StoreSettings};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};

/// An open store, and what must be removed with it.
pub(super) struct Running {
    name: &'static str,
    executor: Option<Box<dyn Executor>>,
    directory: Option<tempfile::TempDir>,
    schema: Option<(String, String)>,
    /// Empties the database.
    clear: Option<Box<dyn Fn()>>,
}

/// All pages of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Matches of each page, in order.
    pages: Vec<Vec<String>>,
    /// Matches of each page on the way back from the last, in order.
    back: Vec<Vec<String>>,
    /// What each page brought along, by name.
    included: Vec<Vec<String>>,
    total: Option<u64>,
    fault: Option<String>,
}

impl Answer {
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// What came along, described.
    pub(super) fn included(&self) -> impl Iterator<Item = &String> {
        self.included.iter().flatten()
    }

    pub(super) fn ids(&self) -> Vec<&String> {
        self.pages.iter().flatten().collect()
    }

    /// The same, as the way back told them.
    pub(super) fn ids_by_the_way_back(&self) -> Vec<&String> {
        self.back.iter().rev().flatten().chain(self.pages.last().into_iter().flatten()).collect()
    }
}

fn type_id(name: &str) -> TypeId {
    Definitions::r4().type_id(name).unwrap()
}

fn name_of(stored: &Stored) -> String {
    format!("{}/{}", Definitions::r4().type_name(stored.type_), stored.id)
}

/// A version as text, without its row, which is the store's own business.
fn describe(stored: &Stored) -> String {
    let body = String::from_utf8_lossy(&stored.body);
    format!("{} v{} {} {:?} {body}", name_of(stored), stored.version, stored.updated, stored.method)
}

impl Running {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn memory() -> Running {
        Running {
            name: "memory",
            executor: Some(Box::new(MemoryStore::new())),
            directory: None,
            schema: None,
            clear: None,
        }
    }

    pub(super) fn sqlite() -> Running {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oracle.db").display().to_string();
        let executor = open(&format!("sqlite://{path}"));
        let tables =
            texts::<SqliteConnection>(&path, "SELECT name AS text FROM sqlite_master WHERE type = 'table'");
        let emptied = emptying(&tables);
        let clear = move || {
            let mut connection = SqliteConnection::establish(&path).unwrap();
            connection
                .batch_execute(&format!("PRAGMA busy_timeout = 10000; BEGIN; {emptied} COMMIT"))
                .unwrap();
        };
        let (directory, clear) = (Some(directory), Some(Box::new(clear) as Box<dyn Fn()>));
        Running { name: "SQLite", executor, directory, schema: None, clear }
    }

    /// A schema of its own in the database of `BINNACLE_TEST_POSTGRES`.
    pub(super) fn postgres() -> Running {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var("BINNACLE_TEST_POSTGRES")
            .expect("BINNACLE_TEST_POSTGRES is not set: run `make test`");
        let schema = format!("oracle_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        sql(&url, &format!("CREATE SCHEMA {schema}"));
        let separator = if url.contains('?') { '&' } else { '?' };
        let own = format!("{url}{separator}options=-csearch_path%3D{schema}");
        let executor = open(&own);
        let list = format!("SELECT tablename::text AS text FROM pg_tables WHERE schemaname = '{schema}'");
        let emptied = emptying(&texts::<PgConnection>(&own, &list));
        let clear = move || sql(&own, &emptied);
        let (schema, clear) = (Some((url, schema)), Some(Box::new(clear) as Box<dyn Fn()>));
        Running { name: "PostgreSQL", executor, directory: None, schema, clear }
    }

    /// Forgets every resource. Databases are opened once and emptied for each world: opening takes longer than a world.
    pub(super) fn clear(&self) {
        if let Some(clear) = &self.clear {
            clear();
        }
    }

    fn executor(&self) -> &dyn Executor {
        self.executor.as_deref().unwrap()
    }

    /// Makes every change in a transaction of its own.
    pub(super) fn apply(&self, changes: &[Change]) {
        let mut now = 0;
        for change in changes {
            now += change.seconds * 1_000_000;
            let (done, outcome) = channel();
            self.executor().write(Box::new(Write { change: change.clone(), now, done })).unwrap();
            outcome.recv().unwrap().unwrap();
        }
    }

    fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut dyn ReadTx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (done, answer) = channel();
        self.executor()
            .read(Box::new(move |tx| {
                let _ = done.send(tx.and_then(ask));
            }))
            .unwrap();
        answer.recv().unwrap()
    }

    /// All pages of a search.
    pub(super) fn ask(&self, question: &Question) -> Answer {
        self.pages(&question.access(), &question.query())
    }

    /// All pages of a query, there and back again.
    pub(super) fn pages(&self, access: &Access, query: &Query) -> Answer {
        let mut answer = Answer::default();
        let mut at: Option<Position> = None;
        let mut backward = false;
        for _ in 0..100 {
            let (access, query) = (access.clone(), Query { after: at, backward, ..query.clone() });
            let found: Matches = match self.read(move |tx| tx.search(&access, &query)) {
                Ok(found) => found,
                Err(error) => {
                    answer.fault = Some(error.to_string());
                    return answer;
                }
            };
            let page = found.matches.iter().map(name_of).collect();
            if backward {
                answer.back.push(page);
            } else {
                answer.pages.push(page);
                let mut included: Vec<String> = found.included.iter().map(describe).collect();
                included.sort();
                answer.included.push(included);
                answer.total = found.total.or(answer.total);
            }
            backward |= found.next.is_none();
            let next = if backward { found.previous } else { found.next };
            at = next.map(|place| sealed(place, backward));
            if at.is_none() {
                return answer;
            }
        }
        answer
    }

    /// What `binnacle check` finds wrong with the rows that searches look at.
    pub(super) fn faults(&self) -> Vec<Finding> {
        self.read(|tx| tx.check(&Access::everything(), SearchParameters::r4(), BASE, None)).unwrap().findings
    }

    /// Creates resources in one transaction.
    pub(super) fn load(&self, versions: &[NewVersion]) {
        let (done, outcome) = channel();
        self.executor().write(Box::new(Load { versions: versions.to_vec(), done })).unwrap();
        outcome.recv().unwrap().unwrap();
    }

    /// What reads, vreads and histories give, for several askers.
    pub(super) fn versions(&self) -> Vec<String> {
        let mut found = Vec::new();
        let askers = [Question::plain("Patient", "").access(), patient_access(), Access::nothing()];
        for access in &askers {
            for type_ in ["Patient", "Observation", "Provenance"] {
                for id in ["a", "b", "c", "d", "e", "f"] {
                    let (type_, id) = (type_id(type_), Id::parse(id).unwrap());
                    for version in 0..4 {
                        let (access, id) = (access.clone(), id.clone());
                        let one = self.read(move |tx| match version {
                            0 => tx.read(&access, type_, &id),
                            version => tx.vread(&access, type_, &id, version),
                        });
                        found.push(format!("{:?}", one.map(|one| one.as_ref().map(describe))));
                    }
                    found.push(self.history(access, HistoryScope::Instance(type_, id), None, (None, None)));
                }
                found.push(self.history(access, HistoryScope::Type(type_id(type_)), None, (None, None)));
            }
            found.push(self.history(access, HistoryScope::System, None, (None, None)));
            found.push(self.history(access, HistoryScope::System, Some(Instant(15_000_000)), (None, None)));
            let at = Some((Instant(12_000_000), Instant(14_000_000)));
            found.push(self.history(access, HistoryScope::System, None, (at, None)));
            let of = |id, version| Listed { key: resource_key("Patient", id), version };
            let listed = vec![of("a", None), of("b", Some(1)), of("c", Some(2)), of("d", Some(1))];
            found.push(self.history(access, HistoryScope::System, None, (None, Some(listed.clone()))));
            let scope = HistoryScope::Type(type_id("Patient"));
            found.push(self.history(access, scope, None, (at, Some(listed))));
            found.push(self.history(access, HistoryScope::System, None, (None, Some(Vec::new()))));
        }
        found
    }

    /// All pages of a history, three entries each. Entries of one instant are compared as a set: their order is by row.
    fn history(
        &self,
        access: &Access,
        scope: HistoryScope,
        since: Option<Instant>,
        (at, listed): (Option<(Instant, Instant)>, Option<Vec<Listed>>),
    ) -> String {
        let mut text = format!("{scope:?} {since:?} {at:?} {listed:?}");
        let mut after: Option<HistoryPosition> = None;
        loop {
            let query = HistoryQuery {
                scope: scope.clone(),
                since,
                at,
                listed: listed.clone(),
                count: 3,
                after,
                total: true,
            };
            let access = access.clone();
            let page = match self.read(move |tx| tx.history(&access, &query)) {
                Ok(page) => page,
                Err(error) => return format!("{text} {error}"),
            };
            text.push_str(&format!("\n{:?}", page.total));
            for stored in &page.versions {
                text.push_str(&format!("\n  {}", describe(stored)));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return text,
            }
        }
    }
}

/// First versions of resources.
pub(super) fn new_versions(resources: &[(&'static str, String, Vec<u8>)]) -> Vec<NewVersion> {
    let version = |((type_, id, body), number): (&(&'static str, String, Vec<u8>), i64)| {
        let (type_, tree) = (type_id(type_), Json::parse(body).unwrap());
        NewVersion {
            type_,
            id: Id::parse(id).unwrap(),
            version: 1,
            row: None,
            revives: false,
            // One resource a second, in an order of their own.
            updated: Instant((1_700_000_000 + number * 101 % 307) * 1_000_000),
            method: Method::Update,
            body: body.clone(),
            indexed: extract(SearchParameters::r4(), type_, &tree, BASE),
        }
    };
    resources.iter().zip(0..).map(version).collect()
}

/// The compartment of Patient/a.
fn patient_access() -> Access {
    use domain::access::{Clause, Reach};
    let key = resource_key("Patient", "a");
    let own = || Reach::Any(vec![Clause { patients: Some(vec![key]), criteria: Vec::new() }]);
    Access::by_type([(type_id("Patient"), own()), (type_id("Observation"), own())])
}

fn open(url: &str) -> Option<Box<dyn Executor>> {
    // In worlds as small as these, conditions that find many rows are those that find three.
    let settings =
        StoreSettings { many: 3, compressed: url.starts_with("sqlite"), ..StoreSettings::new(url) };
    Some(Box::new(SqlStore::open(&settings).unwrap()))
}

/// Statements that empty the tables that hold resources.
fn emptying(tables: &[String]) -> String {
    let kept =
        ["resource_type", "parameter", "ix_words", "authorization_record", "__diesel_schema_migrations"];
    let holding =
        tables.iter().filter(|table| !kept.contains(&table.as_str()) && !table.starts_with("sqlite_"));
    holding.map(|table| format!("DELETE FROM {table};")).collect()
}

/// A column called `text`.
fn texts<C: Connection>(url: &str, query: &str) -> Vec<String>
where
    diesel::query_builder::SqlQuery: for<'q> LoadQuery<'q, C, Row>,
{
    let rows: Vec<Row> = diesel::sql_query(query).load(&mut C::establish(url).unwrap()).unwrap();
    rows.into_iter().map(|row| row.text).collect()
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

fn sql(url: &str, text: &str) {
    PgConnection::establish(url).unwrap().batch_execute(text).unwrap();
}

impl Drop for Running {
    fn drop(&mut self) {
        // The store's threads end before what they work on goes.
        self.executor.take();
        if let Some((url, schema)) = self.schema.take() {
            sql(&url, &format!("DROP SCHEMA {schema} CASCADE"));
        }
        self.directory.take();
    }
}

/// The body with what a server writes into it.
fn as_version(body: &str, version: i64, updated: Instant) -> String {
    let meta = format!(r#""meta":{{"versionId":"{version}","lastUpdated":"{updated}""#);
    match body.split_once(r#""meta":{"#) {
        Some((before, after)) => format!("{before}{meta},{after}"),
        None => body.replacen('{', &format!("{{{meta}}},"), 1),
    }
}

/// A position as it comes back out of a cursor.
fn sealed(position: Position, backward: bool) -> Position {
    let (seal, subject) = (Seal { key: &[0; 32], caller: "" }, "search");
    let cursor = seal.search((&position, backward), subject, Instant(0));
    let opened = seal.open_search(&cursor, subject, position.values.len(), Instant(0)).unwrap();
    assert_eq!(opened.1, backward);
    opened.0
}

/// Many new resources as a job.
struct Load {
    versions: Vec<NewVersion>,
    done: Sender<Result<(), Error>>,
}

impl WriteJob for Load {
    fn run(&mut self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        tx.write(self.versions.clone())
    }

    fn done(self: Box<Self>, outcome: Result<(), Error>) {
        let _ = self.done.send(outcome);
    }
}

/// One change as a job.
struct Write {
    change: Change,
    now: i64,
    done: Sender<Result<(), Error>>,
}

impl WriteJob for Write {
    fn run(&mut self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        let (type_, id) = (type_id(self.change.type_), Id::parse(&self.change.id)?);
        let current = tx.current(&Access::everything(), &[(type_, id.clone())])?.pop();
        let previous = match current {
            Some(Current::Present(stored)) => Some(stored),
            _ => None,
        };
        // What does not exist is not deleted, nor what is deleted again.
        let deletes = self.change.body.is_none();
        if deletes && previous.as_ref().is_none_or(|previous| previous.method == Method::Delete) {
            return Ok(());
        }
        let version = previous.as_ref().map_or(1, |previous| previous.version + 1);
        let earliest = previous.as_ref().map_or(0, |previous| previous.updated.0 + 1);
        let updated = Instant(self.now.max(earliest));
        let body =
            self.change.body.as_ref().map(|body| as_version(body, version, updated)).unwrap_or_default();
        let indexed = match &self.change.body {
            Some(body) => extract(SearchParameters::r4(), type_, &Json::parse(body.as_bytes())?, BASE),
            None => Indexed::default(),
        };
        tx.write(vec![NewVersion {
            type_,
            id,
            version,
            row: previous.as_ref().map(|previous| previous.row),
            revives: previous.as_ref().is_some_and(|previous| previous.method == Method::Delete),
            updated,
            method: if deletes { Method::Delete } else { Method::Update },
            body: body.into_bytes(),
            indexed,
        }])
    }

    fn done(self: Box<Self>, outcome: Result<(), Error>) {
        let _ = self.done.send(outcome);
    }
}
