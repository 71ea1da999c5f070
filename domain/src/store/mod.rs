//! What the domain asks of a store. `persistence` answers with SQL, `MemoryStore` with maps, for tests.
//!
//! A read transaction sees one state; a write transaction sees its own writes and is all or nothing. Neither is ever
//! held by a handler: it gives a job to an [`Executor`], and the job gets the transaction.

pub mod authorization;
pub mod import;
pub mod index;
pub mod integrity;
pub mod job;
pub mod memory;

use crate::access::Access;
use crate::clock::Instant;
use crate::conformance::TypeId;
use crate::error::Error;
use crate::id::Id;
use crate::index::Indexed;
use crate::search::query::{Position, Query};

/// How a version came to be (`Bundle.entry.request.method` in a history).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `POST`: created with an id of the server's choosing.
    Create,
    /// `PUT`: updated, or created with the client's id.
    Update,
    /// `DELETE`: the version is a tombstone without body.
    Delete,
    /// `PATCH`.
    Patch,
}

/// One version of a resource, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The store's own number of the resource.
    pub row: i64,
    /// Its type.
    pub type_: TypeId,
    /// Its id.
    pub id: Id,
    /// Its version, from 1.
    pub version: i64,
    /// `meta.lastUpdated`.
    pub updated: Instant,
    /// How it came to be.
    pub method: Method,
    /// The JSON a reader gets, `meta` included; empty for a deletion.
    pub body: Vec<u8>,
}

/// The current state of a resource about to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Current {
    /// There is none, and never was.
    Absent,
    /// There is one, but the caller's access does not cover it.
    Hidden,
    /// Its newest version, which may be a deletion.
    Present(Stored),
}

/// A version to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    /// Its type.
    pub type_: TypeId,
    /// Its id.
    pub id: Id,
    /// Its version: 1, or one more than the current one.
    pub version: i64,
    /// The row of the current version, `None` for the first.
    pub row: Option<i64>,
    /// Whether the current version is a deletion, so that this one brings the resource back.
    pub revives: bool,
    /// `meta.lastUpdated`: later than the current version's.
    pub updated: Instant,
    /// How it comes to be.
    pub method: Method,
    /// The JSON a reader will get; empty for a deletion.
    pub body: Vec<u8>,
    /// What it is found by; empty for a deletion (whose compartments stay those of the version before).
    pub indexed: Indexed,
}

/// Which history (`FHIR R4 http.html#history`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryScope {
    /// Of one resource.
    Instance(TypeId, Id),
    /// Of all resources of a type.
    Type(TypeId),
    /// Of all.
    System,
}

/// A page of a history, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Whose.
    pub scope: HistoryScope,
    /// Only versions made at or after this instant (`_since`).
    pub since: Option<Instant>,
    /// Only versions that were current at some time in `[lo, hi)` (`_at`).
    pub at: Option<(Instant, Instant)>,
    /// Only versions of these (`_list`).
    pub listed: Option<Vec<Listed>>,
    /// Entries on a page; 0 asks for the total alone.
    pub count: usize,
    /// Where the page begins: the last entry before it.
    pub after: Option<HistoryPosition>,
    /// Whether to count all entries.
    pub total: bool,
}

/// A resource that a List names, or one version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// [`resource_key`](crate::index::hash::resource_key) of the resource.
    pub key: i64,
    /// The version that is named; `None` means all.
    pub version: Option<i64>,
}

/// A place in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryPosition {
    /// `lastUpdated` of the entry.
    pub updated: Instant,
    /// Its row.
    pub row: i64,
    /// Its version.
    pub version: i64,
}

/// A page of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPage {
    /// Versions, newest first.
    pub versions: Vec<Stored>,
    /// All entries of the history, if asked for.
    pub total: Option<u64>,
    /// Where the next page begins, if there is one.
    pub next: Option<HistoryPosition>,
}

/// A lock on what a condition is about, which need not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lock {
    /// What is locked, a key of [`hash`](crate::index::hash).
    pub key: i64,
    /// Whether others may hold it too, who share it as well.
    pub shared: bool,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Matches {
    /// Matches in order.
    pub matches: Vec<Stored>,
    /// Resources brought along, each once, none of them a match on this page.
    pub included: Vec<Stored>,
    /// Whether there were more to bring along than the limit allows.
    pub included_cut: bool,
    /// All matches, if counted.
    pub total: Option<u64>,
    /// Where the page before ends, if there is one.
    pub previous: Option<Position>,
    /// Where the next page begins, if there is one.
    pub next: Option<Position>,
}

/// A transaction that reads. Each answer comes from one state of the store.
pub trait ReadTx:
    authorization::AuthorizationRead + import::ImportRead + index::IndexRead + integrity::Integrity + job::JobRead
{
    /// From here on all answers come from one state of the store. Ask for it before more than one.
    fn snapshot(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// The current version of a resource, a deletion included, if `access` covers it.
    fn read(&mut self, access: &Access, type_: TypeId, id: &Id) -> Result<Option<Stored>, Error>;

    /// A version of a resource, if `access` covers that version.
    fn vread(
        &mut self,
        access: &Access,
        type_: TypeId,
        id: &Id,
        version: i64,
    ) -> Result<Option<Stored>, Error>;

    /// A page of a history: only versions that `access` covers, in rows and total.
    fn history(&mut self, access: &Access, query: &HistoryQuery) -> Result<HistoryPage, Error>;

    /// A search: only resources that `access` covers, in matches, included, totals, chains and `_has`.
    fn search(&mut self, access: &Access, query: &Query) -> Result<Matches, Error>;
}

/// A transaction that writes.
pub trait WriteTx:
    ReadTx + authorization::AuthorizationWrite + import::ImportWrite + index::IndexWrite + job::JobWrite
{
    /// The current versions of resources about to be written, in the order of `keys`; nobody else writes them until
    /// the transaction ends. Call it once per transaction with all keys where possible: it locks in a fixed order.
    fn current(&mut self, access: &Access, keys: &[(TypeId, Id)]) -> Result<Vec<Current>, Error>;

    /// Takes locks until the transaction ends: nobody else holds what one of them names, there or not. Call it before
    /// [`WriteTx::current`], once with all of them: they are taken in a fixed order. A store with one writer needs none.
    fn hold(&mut self, locks: &[Lock]) -> Result<(), Error>;

    /// Writes versions with their index rows and compartments. Each resource at most once in a transaction.
    fn write(&mut self, versions: Vec<NewVersion>) -> Result<(), Error>;

    /// From here on what is written is on trial: it is found by what asks in this transaction, and a resource may be written
    /// more than once, until [`WriteTx::end_trial`]. One trial at a time.
    fn begin_trial(&mut self) -> Result<(), Error>;

    /// Takes away all that was written since [`WriteTx::begin_trial`], and the locks that it took.
    fn end_trial(&mut self) -> Result<(), Error>;
}

/// Work that reads. It gets the transaction, or the reason why there is none.
pub type ReadJob = Box<dyn FnOnce(Result<&mut dyn ReadTx, Error>) + Send>;

/// Work that writes.
pub trait WriteJob: Send {
    /// Does the work. May be called again, from the start, when the database undid it: keep nothing from before.
    /// `Err` rolls back this job alone.
    fn run(&mut self, tx: &mut dyn WriteTx) -> Result<(), Error>;

    /// Called once: after the commit with `Ok`, or with the error that `run` or the store gave.
    fn done(self: Box<Self>, outcome: Result<(), Error>);
}

/// Runs jobs on the store's own threads. Queues are bounded.
pub trait Executor: Send + Sync {
    /// Runs a job in a read transaction.
    ///
    /// Errors: [`ErrorCode::Busy`](crate::ErrorCode::Busy) when the queue is full; the job is dropped.
    fn read(&self, job: ReadJob) -> Result<(), Error>;

    /// Runs a job in a write transaction; jobs that wait together are committed together.
    ///
    /// Errors: [`ErrorCode::Busy`](crate::ErrorCode::Busy) when the queue is full; the job is dropped.
    fn write(&self, job: Box<dyn WriteJob>) -> Result<(), Error>;
}
