//! The store's own threads: readers, each with a connection, and writers that commit waiting jobs together.

mod kept;
mod reader;
mod writer;

use crate::dialect::Dialect;
use crate::error::busy;
use crate::names::Names;
use crate::{Connections, StoreSettings};
use domain::Error;
use domain::store::{ReadJob, WriteJob};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Writers on PostgreSQL, which lets several write at once and joins their commits on the disk. SQLite has one.
pub(crate) const POSTGRES_WRITERS: usize = 8;

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

/// Jobs that several threads take from.
type Queue<T> = Arc<Mutex<Receiver<T>>>;

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
        let (read_queue, write_queue) = (Arc::new(Mutex::new(read_queue)), Arc::new(Mutex::new(write_queue)));
        let mut started = Threads { reads: Some(reads), writes: Some(writes), threads: Vec::new() };
        for number in 0..settings.readers.max(1) {
            let (place, queue) = (place.clone(), Arc::clone(&read_queue));
            started.spawn(format!("reader-{number}"), move || reader::run(&place, &queue))?;
        }
        let writers = match pool.dialect() {
            Dialect::Sqlite => 1,
            Dialect::Postgres => POSTGRES_WRITERS,
        };
        for number in 0..writers {
            let (place, queue) = (place.clone(), Arc::clone(&write_queue));
            started.spawn(format!("writer-{number}"), move || writer::run(&place, &queue))?;
        }
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
