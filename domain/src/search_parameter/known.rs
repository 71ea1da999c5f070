//! The search parameters that this process knows, exchanged whole when it learns of others.
//!
//! No process commits what it indexed under parameters that it has not seen confirmed for [`UNSEEN`]: it asks the store
//! first, and indexes anew. So whoever changes what is searched by knows when all have learnt of it.

use super::definition;
use crate::clock::Instant;
use crate::conformance::SearchParameters;
use crate::conformance::search_parameters::Readiness;
use crate::error::{Error, ErrorCode};
use crate::index::FORMAT;
use crate::store::ReadTx;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long a process relies on what it saw last.
pub const UNSEEN: Duration = Duration::from_secs(3);

/// How long after a change no process begins any more to commit what it indexed before it: the time above and one second.
pub const SETTLING: Duration = Duration::from_secs(4);

/// What a process knows.
pub(crate) struct Known {
    parameters: RwLock<Arc<SearchParameters>>,
    /// The instant at which it was last seen to be what the store has.
    confirmed: AtomicI64,
    /// The format that the store wants.
    wanted: AtomicI64,
}

impl Known {
    /// R4's parameters, until the store is asked.
    pub(crate) fn new() -> Known {
        Known {
            parameters: RwLock::new(Arc::new(SearchParameters::new(0, Vec::new()))),
            confirmed: AtomicI64::new(i64::MIN),
            wanted: AtomicI64::new(FORMAT),
        }
    }

    /// What is known now.
    pub(crate) fn parameters(&self) -> Arc<SearchParameters> {
        Arc::clone(&self.parameters.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the store has, as was seen lately or is seen now.
    ///
    /// Errors: [`ErrorCode::Busy`] where a later version of this server writes the store in a format of its own.
    pub(crate) fn confirmed(
        &self,
        tx: &mut dyn ReadTx,
        now: Instant,
    ) -> Result<Arc<SearchParameters>, Error> {
        let age = now.0.saturating_sub(self.confirmed.load(Ordering::Acquire));
        if !u64::try_from(age).is_ok_and(|age| Duration::from_micros(age) < UNSEEN) {
            self.learn(tx, now)?;
        }
        if self.wanted.load(Ordering::Acquire) > FORMAT {
            let message =
                "A later version of this server has taken over the store. This one must be stopped.";
            return Err(Error::new(ErrorCode::Busy, message));
        }
        Ok(self.parameters())
    }

    /// Asks the store, at `now`.
    pub(crate) fn learn(&self, tx: &mut dyn ReadTx, now: Instant) -> Result<(), Error> {
        let state = tx.index_state()?;
        let known = self.parameters();
        let indexing = known.custom().iter().any(|own| own.readiness != Readiness::Ready);
        if state.generation != known.generation() || indexing {
            let custom = definition::load(tx)?;
            let learnt = Arc::new(SearchParameters::new(state.generation, custom));
            *self.parameters.write().unwrap_or_else(PoisonError::into_inner) = learnt;
        }
        self.wanted.store(state.wanted, Ordering::Release);
        self.confirmed.store(now.0, Ordering::Release);
        Ok(())
    }
}
