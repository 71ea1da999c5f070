//! The hop from an async worker to the threads that work: the store's, and those that prepare request bodies.
//!
//! A request makes one hop to the store. Bodies are parsed and checked on threads of their own, because that takes
//! milliseconds for a large Bundle and a deep stack for typed resources; nothing here blocks an async worker.

use domain::store::{Executor, ReadTx, WriteJob, WriteTx};
use domain::{Error, ErrorCode};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Stack of the threads that prepare: the typed second gate recurses deeply.
const STACK: usize = 8 << 20;

/// The store, reached from async code (`read`, `write`) and from the command line (`…_blocking`).
#[derive(Clone)]
pub(crate) struct Worker {
    store: Arc<dyn Executor>,
}

impl Worker {
    /// A worker over an open store.
    pub(crate) fn new(store: Arc<dyn Executor>) -> Worker {
        Worker { store }
    }

    /// Runs `job` in a read transaction on a store thread.
    ///
    /// Errors: the job's; [`ErrorCode::Busy`] when the queue is full.
    pub(crate) async fn read<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn ReadTx) -> Result<T, Error> + Send + 'static,
    {
        self.send_read(job)?.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Runs `job` in a write transaction; the answer comes after its commit. The job may run more than once.
    ///
    /// Errors: the job's, after its changes were undone; [`ErrorCode::Busy`] when the queue is full.
    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn WriteTx) -> Result<T, Error> + Send + 'static,
    {
        self.send_write(job)?.await.unwrap_or_else(|_| Err(lost()))
    }

    /// [`Worker::write`] for a thread of its own. Not from async code.
    pub(crate) fn write_blocking<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn WriteTx) -> Result<T, Error> + Send + 'static,
    {
        self.send_write(job)?.blocking_recv().unwrap_or_else(|_| Err(lost()))
    }

    /// [`Worker::read`] for a thread of its own. Not from async code.
    pub(crate) fn read_blocking<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn ReadTx) -> Result<T, Error> + Send + 'static,
    {
        self.send_read(job)?.blocking_recv().unwrap_or_else(|_| Err(lost()))
    }

    fn send_read<T, F>(&self, job: F) -> Result<oneshot::Receiver<Result<T, Error>>, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn ReadTx) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.store.read(Box::new(move |tx| {
            // The caller may have gone away; then nobody wants the answer.
            let _ = reply.send(tx.and_then(job));
        }))?;
        Ok(answer)
    }

    fn send_write<T, F>(&self, run: F) -> Result<oneshot::Receiver<Result<T, Error>>, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn WriteTx) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.store.write(Box::new(Writing { run, value: None, reply }))?;
        Ok(answer)
    }
}

/// A write on its way: the value of its last run is handed over when the store says that it is durable.
struct Writing<T, F> {
    run: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> WriteJob for Writing<T, F>
where
    T: Send,
    F: FnMut(&mut dyn WriteTx) -> Result<T, Error> + Send,
{
    fn run(&mut self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        self.value = None;
        self.value = Some((self.run)(tx)?);
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), Error>) {
        let Writing { value, reply, .. } = *self;
        let answer =
            outcome.and_then(|()| value.ok_or_else(|| Error::internal("a write was done without being run")));
        let _ = reply.send(answer);
    }
}

/// A job was dropped before it could answer: its thread panicked or the store closed.
fn lost() -> Error {
    Error::new(ErrorCode::Internal, "The server could not complete the request.")
}

/// Threads with deep stacks for work that needs a processor and no store. They end when this is dropped.
pub(crate) struct Preparation {
    queue: SyncSender<Box<dyn FnOnce() + Send>>,
}

impl Preparation {
    /// Starts `threads` threads with a queue of `waiting` pieces of work.
    ///
    /// Errors: a thread cannot be started.
    pub(crate) fn start(threads: usize, waiting: usize) -> Result<Preparation, Error> {
        let (queue, work) = sync_channel::<Box<dyn FnOnce() + Send>>(waiting.max(1));
        let work = Arc::new(Mutex::new(work));
        for number in 0..threads.max(1) {
            let work = Arc::clone(&work);
            std::thread::Builder::new()
                .name(format!("prepare-{number}"))
                .stack_size(STACK)
                .spawn(move || prepare_all(&work))
                .map_err(Error::internal)?;
        }
        Ok(Preparation { queue })
    }

    /// Runs `work` on one of the threads.
    ///
    /// Errors: the work's; [`ErrorCode::Busy`] when the queue is full.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let work = Box::new(move || {
            let _ = reply.send(work());
        });
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => busy(),
            TrySendError::Disconnected(_) => lost(),
        })?;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }
}

/// Takes work until there is no more. A panic ends one piece of work, not the thread.
fn prepare_all(work: &Mutex<Receiver<Box<dyn FnOnce() + Send>>>) {
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(next) = next else { return };
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(next));
    }
}

/// The refusal of what does not fit into a queue.
pub(crate) fn busy() -> Error {
    let mut error =
        Error::new(ErrorCode::Busy, "The server has as many requests as it can hold. Send it again.");
    error.retry_after = Some(1);
    error
}
