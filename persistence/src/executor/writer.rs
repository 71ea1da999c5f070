//! A thread that writes: waiting jobs share a transaction, and an answer leaves only after its commit.
//!
//! The first job of a transaction may wait for locks; one that comes later and meets a lock of another writer waits for
//! the next transaction instead, so that two groups never wait for each other. A job that fails is undone alone. When
//! the database undoes a group, its jobs are run again one by one.

use super::kept::Kept;
use super::{Place, Queue};
use crate::connection::Connection;
use crate::error::busy;
use crate::resources::lock::acquire;
use crate::transaction::{Locking, Transaction};
use domain::store::{Lock, WriteJob};
use domain::{Error, ErrorCode};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

/// Jobs that one commit takes at most.
const GROUP: usize = 64;

/// Times a job is run again when the database undid it.
const RERUNS: usize = 5;

type Job = Box<dyn WriteJob>;

/// Runs jobs until the queue is closed and empty.
pub(super) fn run(place: &Place, queue: &Queue<Job>) {
    let mut kept = Kept::for_writing();
    let mut waiting: VecDeque<Job> = VecDeque::new();
    loop {
        if waiting.is_empty() {
            match queue.lock().unwrap_or_else(PoisonError::into_inner).recv() {
                Ok(job) => waiting.push_back(job),
                Err(_) => return,
            }
        }
        // Who holds the queue found it empty.
        if let Ok(queue) = queue.try_lock() {
            waiting.extend(queue.try_iter().take(GROUP.saturating_sub(waiting.len())));
        }
        let mut group = Group { done: Vec::new(), committing: false };
        let outcome = kept.get(place).and_then(|connection| group.run(connection, place, &mut waiting));
        match outcome {
            Ok(()) => group.answer(),
            Err(error) if group.committing => group.refuse(&error),
            Err(_) => {
                kept.tidy();
                let again = group.done.into_iter().map(|(job, _)| job).chain(waiting.drain(..));
                again.collect::<Vec<Job>>().into_iter().for_each(|job| alone(&mut kept, place, job));
            }
        }
    }
}

/// Jobs that share a transaction.
struct Group {
    /// Jobs that were run, and what they gave.
    done: Vec<(Job, Result<(), Error>)>,
    /// Whether the connection was lost in the commit, so that nobody knows whether it was done.
    committing: bool,
}

impl Group {
    /// Begins, runs waiting jobs, commits. `Err`: nothing was committed, unless `committing`.
    fn run(
        &mut self,
        connection: &mut Connection,
        place: &Place,
        waiting: &mut VecDeque<Job>,
    ) -> Result<(), Error> {
        let begin = connection.dialect().begin_write();
        connection.begin(begin)?;
        let mut locking = Locking::Wait;
        let mut savepoint = Savepoint::None;
        while let Some(mut job) = waiting.pop_front() {
            let first = self.done.iter().all(|(_, outcome)| outcome.is_err());
            if let Err(error) = if first { Ok(()) } else { savepoint.set(connection) } {
                waiting.push_front(job);
                return Err(error);
            }
            let mut tx = Transaction::new(connection, &place.names, locking);
            let outcome = perform(&mut tx, &mut job);
            let contended = tx.contended;
            locking = tx.locking;
            match outcome {
                Err(error) if contended || error.code() == ErrorCode::Busy => {
                    waiting.push_front(job);
                    if !contended || first {
                        return Err(error);
                    }
                    savepoint.undo(connection)?;
                    break;
                }
                Err(error) => {
                    self.done.push((job, Err(error)));
                    if first {
                        connection.rollback()?;
                        connection.begin(begin)?;
                        locking = Locking::Wait;
                    } else {
                        savepoint.undo(connection)?;
                    }
                }
                Ok(()) => self.done.push((job, Ok(()))),
            }
        }
        let outcome = commit(connection, place);
        self.committing = outcome.is_err() && connection.lost;
        outcome
    }

    /// Answers the jobs after their commit.
    fn answer(self) {
        self.done.into_iter().for_each(|(job, outcome)| job.done(outcome));
    }

    /// Answers the jobs of a commit that may or may not have been done.
    fn refuse(self, error: &Error) {
        for (job, outcome) in self.done {
            job.done(outcome.and_then(|()| Err(error.clone())));
        }
    }
}

/// The savepoint to which a job is undone when jobs before it are to stay.
enum Savepoint {
    None,
    Used,
    Fresh,
}

impl Savepoint {
    fn set(&mut self, connection: &mut Connection) -> Result<(), Error> {
        match self {
            Savepoint::None => connection.command("SAVEPOINT job")?,
            Savepoint::Used => connection.command("RELEASE SAVEPOINT job; SAVEPOINT job")?,
            // It was gone back to: it stands where the next job begins.
            Savepoint::Fresh => {}
        }
        *self = Savepoint::Used;
        Ok(())
    }

    fn undo(&mut self, connection: &mut Connection) -> Result<(), Error> {
        *self = Savepoint::Fresh;
        connection.command("ROLLBACK TO SAVEPOINT job")
    }
}

/// Commits, and remembers the sets of words that are kept from then on.
fn commit(connection: &mut Connection, place: &Place) -> Result<(), Error> {
    connection.commit()?;
    connection.kept().into_iter().for_each(|set| place.names.sets.insert(set, ()));
    Ok(())
}

fn perform(tx: &mut Transaction<'_>, job: &mut Job) -> Result<(), Error> {
    catch_unwind(AssertUnwindSafe(|| job.run(tx))).unwrap_or_else(|_| {
        Err(Error::new(ErrorCode::Internal, "The server could not complete the request."))
    })
}

/// Runs a job in transactions of its own until one is committed. What locks it asked for in one run it takes before the
/// next, all at once, so that it waits for others only while it holds nothing they could wait for.
fn alone(kept: &mut Kept, place: &Place, job: Job) {
    let mut alone = Alone { job, locks: Vec::new(), in_commit: false };
    let mut last = busy("The database could not complete the request.");
    let mut left = RERUNS;
    while left > 0 {
        let known = alone.locks.len();
        let outcome = kept.get(place).and_then(|connection| alone.attempt(connection, place));
        kept.tidy();
        match outcome {
            Err(error) if error.code() == ErrorCode::Busy && !alone.in_commit && kept.is_open() => {
                last = error
            }
            outcome => return alone.job.done(outcome),
        }
        // A run that found out about more locks was not in vain.
        if alone.locks.len() == known {
            left -= 1;
        }
    }
    alone.job.done(Err(last));
}

/// A job with a transaction of its own.
struct Alone {
    job: Job,
    /// Locks it has asked for so far.
    locks: Vec<Lock>,
    /// Whether the connection was lost in the commit, so that nobody knows whether it was done.
    in_commit: bool,
}

impl Alone {
    fn attempt(&mut self, connection: &mut Connection, place: &Place) -> Result<(), Error> {
        let begin = connection.dialect().begin_write();
        connection.begin(begin)?;
        let mut locking = Locking::Wait;
        if !self.locks.is_empty() {
            acquire(connection, &self.locks, Locking::Wait)?;
            locking = Locking::Try;
        }
        let mut tx = Transaction::new(connection, &place.names, locking);
        let outcome = perform(&mut tx, &mut self.job);
        self.locks.append(&mut tx.wanted);
        self.locks.sort_unstable();
        self.locks.dedup();
        outcome?;
        let outcome = commit(connection, place);
        self.in_commit = outcome.is_err() && connection.lost;
        outcome
    }
}
