//! Documents into the store: transactions and batches as they are, other resources by `PUT` under their own ids, many in
//! a transaction. What has no id of its own is noted in the transaction that stores it, so that it is never stored twice.

use super::Report;
use super::entry::{Entry, Head, type_of};
use crate::worker::Worker;
use domain::access::actor::Actor;
use domain::conformance::Definitions;
use domain::id::Id;
use domain::interaction::{Answer, Interaction, Prefer, Request, Return};
use domain::server::{Prepared, Server, Work};
use domain::store::WriteTx;
use domain::{Error, ErrorCode, Issue};
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Resources that share a transaction.
const GROUP: usize = 100;

/// Times a write is tried while the store is busy.
const TRIES: u32 = 10;

/// Puts documents into the store as the operator.
pub(crate) struct Loader {
    server: Arc<Server>,
    worker: Worker,
    actor: Arc<Actor>,
    stored: AtomicUsize,
}

impl Loader {
    /// A loader into a store.
    pub(crate) fn new(server: Server, worker: Worker) -> Loader {
        let (server, actor) = (Arc::new(server), Arc::new(Actor::open()));
        Loader { server, worker, actor, stored: AtomicUsize::new(0) }
    }

    /// Begins to load some documents, one after the other.
    pub(crate) fn start(&self) -> Loading<'_> {
        Loading { loader: self, report: Report::default(), waiting: Vec::new() }
    }

    /// Resources stored by all that load.
    pub(crate) fn stored(&self) -> usize {
        self.stored.load(Ordering::Relaxed)
    }

    /// Whether `key` was noted. A store that fails says so when it is written to.
    pub(crate) fn is_noted(&self, key: &str) -> bool {
        let key = key.to_owned();
        self.worker.read_blocking(move |tx| tx.imported(&key)).unwrap_or(false)
    }

    /// Notes `key`. Not to remember a file costs a repetition, nothing else.
    pub(crate) fn note(&self, key: String) {
        let _ = self.worker.write_blocking(move |tx| tx.note_imported(&key));
    }

    /// Writes, and waits while the store is busy.
    fn write<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn WriteTx) -> Result<T, Error> + Clone + Send + 'static,
    {
        let mut tries = 1;
        loop {
            match self.worker.write_blocking(job.clone()) {
                Err(error) if error.code() == ErrorCode::Busy && tries < TRIES => {
                    tries += 1;
                    let seconds = error.retry_after.unwrap_or(1).into();
                    std::thread::sleep(Duration::from_secs(seconds));
                }
                outcome => return outcome,
            }
        }
    }
}

/// A resource that waits for its group.
#[derive(Clone)]
struct Waiting {
    file: String,
    type_: String,
    prepared: Arc<Prepared>,
    /// What is noted with it, if it has no id of its own.
    key: Option<String>,
}

impl Waiting {
    /// The type and id that it writes.
    fn target(&self) -> Option<(&str, &Id)> {
        match &self.prepared.work {
            Work::Write(write) => Some((&self.type_, &write.id)),
            _ => None,
        }
    }

    /// What the operator should know though it was stored.
    fn warnings(&self) -> &[Issue] {
        match &self.prepared.work {
            Work::Write(write) => write.content.as_ref().map_or(&[], |content| &content.warnings),
            _ => &[],
        }
    }
}

/// Documents on their way.
pub(crate) struct Loading<'l> {
    loader: &'l Loader,
    report: Report,
    waiting: Vec<Waiting>,
}

impl Loading<'_> {
    /// Takes a document. `key` names it for ever: the digest of its file and its place there.
    pub(crate) fn document(&mut self, file: &str, key: &str, document: &[u8]) {
        let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
        let head = match Head::of(document) {
            Ok(head) => head,
            Err(error) => return self.report.refuse(file, "?", &error),
        };
        match head.bundle_type().as_str() {
            "transaction" => self.transaction(file, key, document, &head),
            "batch" => self.batch(file, key, &head),
            "collection" | "searchset" => {
                for (number, raw) in head.entries().into_iter().enumerate() {
                    self.entry(file, &format!("{key}/{number}"), raw);
                }
            }
            // Newest first: the last to be stored is the current one.
            "history" => {
                for (number, raw) in head.entries().into_iter().enumerate().rev() {
                    self.entry(file, &format!("{key}/{number}"), raw);
                }
            }
            _ => {
                if let Ok(whole) = serde_json::from_slice(document) {
                    self.resource(file, key, whole);
                }
            }
        }
    }

    /// Notes that a file breaks off.
    pub(crate) fn broken(&mut self, file: &str, sentence: &str) {
        self.report.fail(file, sentence);
    }

    /// Stores what waits, and says what became of everything.
    pub(crate) fn finish(mut self) -> Report {
        self.flush();
        self.report
    }

    fn entry(&mut self, file: &str, key: &str, raw: &RawValue) {
        if let Some(resource) = Entry::of(raw).resource {
            self.resource(file, key, resource);
        }
    }

    /// Prepares a resource and puts it into the group.
    fn resource(&mut self, file: &str, key: &str, resource: &RawValue) {
        let type_ = type_of(resource);
        let (prepared, has_id) = match self.loader.prepare(resource) {
            Ok(prepared) => prepared,
            Err(error) => return self.report.refuse(file, &type_, &error),
        };
        let key = (!has_id).then(|| format!("resource/{key}"));
        let waiting = Waiting { file: file.to_owned(), type_, prepared: Arc::new(prepared), key };
        // A transaction writes a resource once.
        let double = self.waiting.iter().any(|other| other.target() == waiting.target());
        if double || self.waiting.len() >= GROUP {
            self.flush();
        }
        self.waiting.push(waiting);
    }

    /// Stores the group in one transaction; when that fails, each alone.
    fn flush(&mut self) {
        let group = std::mem::take(&mut self.waiting);
        if group.is_empty() {
            return;
        }
        if let Ok(new) = self.loader.store(&group) {
            for (waiting, new) in group.iter().zip(new) {
                self.stored(waiting, new);
            }
            return;
        }
        for waiting in group {
            match self.loader.store(std::slice::from_ref(&waiting)) {
                Ok(new) => self.stored(&waiting, new.first() == Some(&true)),
                Err(error) => self.report.refuse(&waiting.file, &waiting.type_, &error),
            }
        }
    }

    fn stored(&mut self, waiting: &Waiting, new: bool) {
        if !new {
            self.report.before += 1;
            return;
        }
        self.report.warn(&waiting.file, waiting.warnings());
        self.report.store(&waiting.type_);
        self.loader.stored.fetch_add(1, Ordering::Relaxed);
    }

    /// Performs a transaction. If it makes something new, it is noted.
    fn transaction(&mut self, file: &str, key: &str, document: &[u8], head: &Head<'_>) {
        self.flush();
        let raw = head.entries();
        let entries: Vec<Entry<'_>> = raw.iter().map(|raw| Entry::of(raw)).collect();
        let types: Vec<String> = entries.iter().map(Entry::type_).collect();
        let note = entries.iter().any(Entry::creates).then(|| format!("transaction/{key}"));
        let prepared = match self.loader.prepare_bundle(document.to_vec()) {
            Ok(prepared) => Arc::new(prepared),
            Err(error) => return self.report.refuse_all(file, &types, &error),
        };
        let (server, actor) = (Arc::clone(&self.loader.server), Arc::clone(&self.loader.actor));
        let answer = self.loader.write(move |tx| {
            if let Some(note) = &note
                && !tx.note_imported(note)?
            {
                return Ok(None);
            }
            server.perform_write(tx, &actor, &prepared).map(Some)
        });
        match answer {
            Ok(Some(answer)) => self.answered(file, &types, &answer),
            Ok(None) => self.report.before += types.len(),
            Err(error) => self.report.refuse_all(file, &types, &error),
        }
    }

    /// Performs a batch. Each entry that makes something new is noted, and left out if it was noted before.
    fn batch(&mut self, file: &str, key: &str, head: &Head<'_>) {
        self.flush();
        let mut kept: Vec<(&RawValue, String, Option<String>)> = Vec::new();
        for (number, raw) in head.entries().into_iter().enumerate() {
            let entry = Entry::of(raw);
            let note = entry.creates().then(|| format!("entry/{key}/{number}"));
            if note.as_ref().is_some_and(|note| self.loader.is_noted(note)) {
                self.report.before += 1;
            } else {
                kept.push((raw, entry.type_(), note));
            }
        }
        let bodies: Vec<&str> = kept.iter().map(|(raw, _, _)| raw.get()).collect();
        let types: Vec<String> = kept.iter().map(|(_, type_, _)| type_.clone()).collect();
        let notes: Vec<Option<String>> = kept.into_iter().map(|(_, _, note)| note).collect();
        let batch = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{}]}}"#, bodies.join(","));
        if bodies.is_empty() {
            return;
        }
        let (server, actor) = (Arc::clone(&self.loader.server), Arc::clone(&self.loader.actor));
        let answer = self.loader.prepare_bundle(batch.into_bytes()).and_then(|prepared| {
            let prepared = Arc::new(prepared);
            self.loader.write(move |tx| {
                let answer = server.perform_write(tx, &actor, &prepared)?;
                for (note, status) in notes.iter().zip(statuses(&answer)) {
                    if let Some(note) = note
                        && status.starts_with('2')
                        && !tx.note_imported(note)?
                    {
                        let message = "Another import stores the same file at the same time.";
                        return Err(Error::new(ErrorCode::Conflict, message));
                    }
                }
                Ok(answer)
            })
        });
        match answer {
            Ok(answer) => self.answered(file, &types, &answer),
            Err(error) => self.report.refuse_all(file, &types, &error),
        }
    }

    fn answered(&mut self, file: &str, types: &[String], answer: &Answer) {
        let stored = self.report.answered(file, types, answer.body.as_deref().unwrap_or_default());
        self.loader.stored.fetch_add(stored, Ordering::Relaxed);
    }
}

impl Loader {
    /// Stores resources in one transaction, and says of each whether it was not stored by an earlier import.
    fn store(&self, group: &[Waiting]) -> Result<Vec<bool>, Error> {
        let (server, actor, group) = (Arc::clone(&self.server), Arc::clone(&self.actor), group.to_vec());
        self.write(move |tx| {
            let mut new = Vec::with_capacity(group.len());
            for waiting in &group {
                let first = match &waiting.key {
                    Some(key) => tx.note_imported(key)?,
                    None => true,
                };
                if first {
                    server.perform_write(tx, &actor, &waiting.prepared)?;
                }
                new.push(first);
            }
            Ok(new)
        })
    }

    /// Prepares a resource: a `PUT` under its id, a create if it has none. Says whether it has one.
    fn prepare(&self, resource: &RawValue) -> Result<(Prepared, bool), Error> {
        let body = resource.get().as_bytes().to_vec();
        let head = Head::of(&body)?;
        let name = head.resource_type();
        if name.is_empty() {
            return Err(Error::new(
                ErrorCode::InvalidStructure,
                "It is no FHIR resource: it has no resourceType.",
            ));
        }
        let type_ = Definitions::r4().endpoint(&name).ok_or_else(|| {
            Error::new(
                ErrorCode::UnknownType,
                format!("{name} is not a type of resource that FHIR R4 stores."),
            )
        })?;
        let id = head.id().map(|id| Id::parse(&id)).transpose()?;
        let has_id = id.is_some();
        let interaction = match id {
            Some(id) => Interaction::Update(type_, id, body),
            None => Interaction::Create(type_, body),
        };
        let mut request = Request::new(interaction);
        request.prefer.return_ = Some(Return::Minimal);
        Ok((self.server.prepare(&self.actor, request)?, has_id))
    }

    fn prepare_bundle(&self, document: Vec<u8>) -> Result<Prepared, Error> {
        let mut request = Request::new(Interaction::Bundle(document));
        request.prefer = Prefer { return_: Some(Return::OperationOutcome), lenient: None };
        self.server.prepare(&self.actor, request)
    }
}

/// The status of every entry of an answer.
fn statuses(answer: &Answer) -> Vec<String> {
    let answer: Value =
        serde_json::from_slice(answer.body.as_deref().unwrap_or_default()).unwrap_or_default();
    let entries = answer.get("entry").and_then(Value::as_array).cloned().unwrap_or_default();
    let status = |entry: &Value| entry.pointer("/response/status").and_then(Value::as_str).map(str::to_owned);
    entries.iter().map(|entry| status(entry).unwrap_or_default()).collect()
}
