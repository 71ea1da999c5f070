//! The store's own threads: readers, each with a connection, and writers that commit waiting jobs together.
//!
//! An answer leaves only after its commit. A job that fails rolls back to its savepoint alone.

use crate::connection::Connection;
use crate::error::busy;
use crate::names::Names;
use crate::transaction::Transaction;
use crate::{Connections, StoreSettings};
use domain::store::{ReadJob, WriteJob};
use domain::{Error, ErrorCode};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Jobs that one commit takes at most.
const GROUP: usize = 64;

/// Times a job is run again when the database undid it.
const RERUNS: usize = 5;

/// The running threads. Dropping it lets them finish what is queued.
pub(crate) struct Threads {
    reads: Option<SyncSender<ReadJob>>,
    writes: Option<SyncSender<Box<dyn WriteJob>>>,
    threads: Vec<JoinHandle<()>>,
}

/// What each thread needs.
#[derive(Clone)]
struct Place {
    pool: Connections,
    names: Arc<Names>,
}

impl Threads {
    /// Starts the threads.
    pub(crate) fn start(
        pool: &Connections,
        names: &Arc<Names>,
        settings: &StoreSettings,
    ) -> Result<Threads, Error> {
        let place = Place { pool: pool.clone(), names: Arc::clone(names) };
        let (reads, read_queue) = sync_channel::<ReadJob>(settings.queue);
        let (writes, write_queue) = sync_channel::<Box<dyn WriteJob>>(settings.queue);
        let read_queue = Arc::new(Mutex::new(read_queue));
        let mut started = Threads { reads: Some(reads), writes: Some(writes), threads: Vec::new() };
        for number in 0..settings.readers.max(1) {
            let (place, queue) = (place.clone(), Arc::clone(&read_queue));
            started.spawn(format!("reader-{number}"), move || reader(&place, &queue))?;
        }
        started.spawn("writer".to_owned(), move || writer(&place, &write_queue))?;
        Ok(started)
    }

    fn spawn(&mut self, name: String, run: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        let thread = std::thread::Builder::new().name(name).spawn(run).map_err(Error::internal)?;
        self.threads.push(thread);
        Ok(())
    }

    /// Queues a read.
    pub(crate) fn read(&self, job: ReadJob) -> Result<(), Error> {
        send(self.reads.as_ref(), job)
    }

    /// Queues a write.
    pub(crate) fn write(&self, job: Box<dyn WriteJob>) -> Result<(), Error> {
        send(self.writes.as_ref(), job)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.reads = None;
        self.writes = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn send<T>(queue: Option<&SyncSender<T>>, job: T) -> Result<(), Error> {
    match queue.map(|queue| queue.try_send(job)) {
        Some(Ok(())) => Ok(()),
        Some(Err(TrySendError::Full(_))) => {
            Err(busy("The server has as many requests waiting as it can hold."))
        }
        Some(Err(TrySendError::Disconnected(_))) | None => Err(busy("The server is shutting down.")),
    }
}

/// Keeps one connection, and gets another after one has failed.
struct Kept {
    connection: Option<Connection>,
}

impl Kept {
    fn get(&mut self, place: &Place) -> Result<&mut Connection, Error> {
        if self.connection.is_none() {
            self.connection = Some(place.pool.get()?);
        }
        self.connection.as_mut().ok_or_else(|| busy("The database does not answer."))
    }
}

fn reader(place: &Place, queue: &Mutex<Receiver<ReadJob>>) {
    let mut kept = Kept { connection: None };
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        let outcome = catch_unwind(AssertUnwindSafe(|| match kept.get(place) {
            Err(error) => {
                job(Err(error));
                true
            }
            Ok(connection) => read_one(connection, place, job),
        }));
        if !outcome.unwrap_or(false) {
            kept.connection = None;
        }
    }
}

/// Runs a read in a transaction; `false` if the connection is of no more use.
fn read_one(connection: &mut Connection, place: &Place, job: ReadJob) -> bool {
    if let Err(error) = connection.command(connection.dialect().begin_read()) {
        job(Err(error));
        return false;
    }
    job(Ok(&mut Transaction { connection, names: &place.names }));
    connection.command("COMMIT").is_ok()
}

fn writer(place: &Place, queue: &Receiver<Box<dyn WriteJob>>) {
    let mut kept = Kept { connection: None };
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        group.extend(queue.try_iter().take(GROUP - 1));
        let connection = match kept.get(place) {
            Ok(connection) => connection,
            Err(error) => {
                group.into_iter().for_each(|job| job.done(Err(error.clone())));
                continue;
            }
        };
        if !write_group(connection, place, group) {
            kept.connection = None;
        }
    }
}

/// Runs the jobs in one transaction, or one by one if the database undoes it; `false` if the connection is spent.
fn write_group(connection: &mut Connection, place: &Place, mut group: Vec<Box<dyn WriteJob>>) -> bool {
    match attempt(connection, place, &mut group) {
        Ok(outcomes) => {
            group.into_iter().zip(outcomes).for_each(|(job, outcome)| job.done(outcome));
            true
        }
        Err(_) => {
            let mut usable = connection.command("ROLLBACK").is_ok();
            for job in group {
                usable &= write_alone(connection, place, job);
            }
            usable
        }
    }
}

fn write_alone(connection: &mut Connection, place: &Place, job: Box<dyn WriteJob>) -> bool {
    let mut alone = vec![job];
    let mut last = busy("The database could not complete the request.");
    for _ in 0..RERUNS {
        match attempt(connection, place, &mut alone) {
            Ok(outcomes) => {
                alone.into_iter().zip(outcomes).for_each(|(job, outcome)| job.done(outcome));
                return true;
            }
            Err(error) => last = error,
        }
        // Fails where there is no transaction left to roll back, which is as well.
        let _ = connection.command("ROLLBACK");
    }
    alone.into_iter().for_each(|job| job.done(Err(last.clone())));
    false
}

/// Begins, runs each job in a savepoint, commits. `Err`: nothing of the group was committed.
fn attempt(
    connection: &mut Connection,
    place: &Place,
    group: &mut [Box<dyn WriteJob>],
) -> Result<Vec<Result<(), Error>>, Error> {
    connection.command(connection.dialect().begin_write())?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        connection.command("SAVEPOINT job")?;
        let mut transaction = Transaction { connection: &mut *connection, names: &place.names };
        let outcome = catch_unwind(AssertUnwindSafe(|| job.run(&mut transaction))).unwrap_or_else(|_| {
            Err(Error::new(ErrorCode::Internal, "The server could not complete the request."))
        });
        match &outcome {
            Ok(()) => connection.command("RELEASE SAVEPOINT job")?,
            // The database undid more than this job: the group starts again.
            Err(error) if error.code() == ErrorCode::Busy => return Err(error.clone()),
            Err(_) => {
                connection.command("ROLLBACK TO SAVEPOINT job")?;
                connection.command("RELEASE SAVEPOINT job")?;
            }
        }
        outcomes.push(outcome);
    }
    connection.command("COMMIT")?;
    Ok(outcomes)
}
