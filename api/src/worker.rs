//! The one hop from an async worker to a thread of the store, and back.

use domain::Error;
use domain::store::{Executor, ReadTx, WriteJob, WriteTx};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Hands work to the store.
#[derive(Clone)]
pub(crate) struct Worker {
    executor: Arc<dyn Executor>,
}

impl Worker {
    /// Hands work to `executor`.
    pub(crate) fn new(executor: Arc<dyn Executor>) -> Worker {
        Worker { executor }
    }

    /// Runs `work` in a read transaction.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn ReadTx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.executor.read(Box::new(move |tx| {
            // The caller may have gone away; then nobody waits for the answer.
            let _ = answer.send(tx.and_then(work));
        }))?;
        answered.await.unwrap_or_else(|_| Err(Error::internal("a read was dropped")))
    }

    /// Runs `work` in a write transaction; it may be called again when the database undid it. Answers after the commit.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn WriteTx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.executor.write(Box::new(Job { work, result: None, answer }))?;
        answered.await.unwrap_or_else(|_| Err(Error::internal("a write was dropped")))
    }
}

struct Job<T, W> {
    work: W,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T: Send, W: FnMut(&mut dyn WriteTx) -> Result<T, Error> + Send> WriteJob for Job<T, W> {
    fn run(&mut self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        self.result = Some((self.work)(tx)?);
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), Error>) {
        let Job { result, answer, .. } = *self;
        let result = outcome.and_then(|()| result.ok_or_else(|| Error::internal("a write gave no answer")));
        let _ = answer.send(result);
    }
}
