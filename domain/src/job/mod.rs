//! Background work, portion by portion: each is read in one transaction and saved, with how far the job is, in another,
//! so that a job goes on where it was whatever ends the process that does it ([`crate::store::job`]).
//!
//! A new kind of work is a file here: what its portions are, how one is read and how it is done.

pub mod reindex;
pub mod removal;
pub mod status;

use crate::clock::Instant;
use crate::error::Error;
use crate::server::Server;
use crate::store::job::{Job, Status};
use crate::store::{ReadTx, WriteTx};
use std::time::Duration;

/// How long a process holds a job without a sign of life.
pub const LEASE: Duration = Duration::from_secs(15);

/// How long a job that is over is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// The kinds of work that this server knows; a later version may know more.
pub const KINDS: [&str; 2] = [reindex::KIND, removal::KIND];

/// The next piece of a job, ready to be done.
#[derive(Debug, Clone)]
pub enum Portion {
    /// Nothing can be done now.
    Wait,
    /// Of [`reindex`].
    Reindex(reindex::Portion),
    /// Of [`removal`].
    Removal(removal::Portion),
}

/// Reads the next portion of a job that this process has held for the time `held`.
pub fn look(server: &Server, tx: &mut dyn ReadTx, job: &Job, held: Duration) -> Result<Portion, Error> {
    match job.kind.as_str() {
        reindex::KIND => reindex::look(server, tx, job, held),
        removal::KIND => removal::look(tx, job, held),
        // Who asks looks at KINDS first.
        _ => Ok(Portion::Wait),
    }
}

/// Does a portion: the job as it is then, for the same transaction to save.
pub fn perform(server: &Server, tx: &mut dyn WriteTx, job: &Job, portion: &Portion) -> Result<Job, Error> {
    match portion {
        Portion::Wait => Ok(job.clone()),
        Portion::Reindex(portion) => reindex::perform(server, tx, job, portion),
        Portion::Removal(portion) => removal::perform(tx, job, portion, server.clock.now()),
    }
}

/// The same job, done.
fn done(job: &Job, now: Instant) -> Job {
    Job { status: Status::Done, ended: Some(now), ..job.clone() }
}
