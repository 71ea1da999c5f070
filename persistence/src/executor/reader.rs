//! A thread that reads: one statement needs no transaction, whoever needs more than one asks for a snapshot.

use super::kept::Kept;
use super::{Place, Queue};
use crate::transaction::{Locking, Transaction};
use domain::store::ReadJob;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

/// Runs jobs until the queue is closed.
pub(super) fn run(place: &Place, queue: &Queue<ReadJob>) {
    let mut kept = Kept::default();
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panic ends a job, not the thread; its caller sees that the job was dropped.
        let _ = catch_unwind(AssertUnwindSafe(|| match kept.get(place) {
            Err(error) => job(Err(error)),
            Ok(connection) => job(Ok(&mut Transaction::new(connection, &place.names, Locking::Wait))),
        }));
        kept.tidy();
    }
}
