//! What background work asks of a store: to keep what is to be done and how far it is, so that it survives a crash, and
//! to give it to one process at a time.
//!
//! A process holds a job by a lease that it took by compare-and-set and renews with each step. It saves a step in the
//! transaction that does it, and only while the lease is its own: who lost it has done nothing.

use crate::clock::Instant;
use crate::error::Error;
use crate::id::Id;

/// A piece of background work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: Id,
    /// What kind of work it is ([`crate::job`]).
    pub kind: String,
    /// What is to be done, in the words of its kind. It does not change.
    pub input: String,
    /// Where it is, in the words of its kind; empty at first.
    pub state: String,
    /// Whether it is over.
    pub status: Status,
    /// How much is done.
    pub done: u64,
    /// How much there is to do; 0 when that is not known yet.
    pub total: u64,
    /// The client that asked for it; empty for the server itself.
    pub client: String,
    /// When it was asked for.
    pub created: Instant,
    /// When it ended.
    pub ended: Option<Instant>,
}

/// Whether a job is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It waits or is being done.
    Open,
    /// It was done.
    Done,
    /// It was given up.
    Failed,
    /// Somebody did not want it any more.
    Cancelled,
}

impl Job {
    /// New work.
    pub fn new(id: Id, kind: &str, input: String, created: Instant) -> Job {
        Job {
            id,
            kind: kind.to_owned(),
            input,
            state: String::new(),
            status: Status::Open,
            done: 0,
            total: 0,
            client: String::new(),
            created,
            ended: None,
        }
    }
}

/// Who does a job, and until when if they do not renew it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The process.
    pub owner: String,
    /// The end.
    pub until: Instant,
}

/// Reading jobs.
pub trait JobRead {
    /// A job.
    fn job(&mut self, id: &Id) -> Result<Option<Job>, Error>;

    /// The jobs that are not over, oldest first.
    fn open_jobs(&mut self) -> Result<Vec<Job>, Error>;
}

/// Doing jobs.
pub trait JobWrite: JobRead {
    /// Keeps a new job.
    fn add_job(&mut self, job: &Job) -> Result<(), Error>;

    /// Takes an open job that nobody holds at `now`: `false` if somebody does. Of any number of callers at the same time
    /// one gets it.
    fn claim_job(&mut self, id: &Id, now: Instant, lease: &Lease) -> Result<bool, Error>;

    /// Saves where a job is and renews the lease; `false`, and nothing saved, if it is not the owner's any more or the
    /// job is over.
    fn save_job(&mut self, job: &Job, lease: &Lease) -> Result<bool, Error>;

    /// Ends an open job as cancelled; `false` if it is over.
    fn cancel_job(&mut self, id: &Id, now: Instant) -> Result<bool, Error>;

    /// Forgets jobs that ended before `before`.
    fn purge_jobs(&mut self, before: Instant) -> Result<(), Error>;
}
