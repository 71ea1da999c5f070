//! Removing the index rows of custom search parameters that are no longer searched by.

use super::{Portion as Any, done};
use crate::clock::Instant;
use crate::error::Error;
use crate::id::Id;
use crate::search_parameter::SETTLING;
use crate::store::job::Job;
use crate::store::{ReadTx, WriteTx};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The kind of these jobs.
pub const KIND: &str = "remove-search-parameter";

/// Resources of a portion.
const PORTION: usize = 256;

/// What is to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The parameters, by number.
    pub parameters: Vec<u32>,
}

impl Input {
    /// A job that does it.
    pub fn job(&self, id: Id, now: Instant) -> Result<Job, Error> {
        Ok(Job::new(id, KIND, serde_json::to_string(self).map_err(Error::internal)?, now))
    }
}

/// The parameters whose rows go.
#[derive(Debug, Clone)]
pub struct Portion {
    parameters: Vec<u32>,
}

/// Waits until no process writes such rows any more.
pub(super) fn look(tx: &mut dyn ReadTx, job: &Job, held: Duration) -> Result<Any, Error> {
    if held < SETTLING || !tx.settled(1)? {
        return Ok(Any::Wait);
    }
    let input: Input = serde_json::from_str(&job.input).map_err(Error::internal)?;
    Ok(Any::Removal(Portion { parameters: input.parameters }))
}

/// Removes the rows of some resources; when none are left, the parameter is forgotten.
pub(super) fn perform(
    tx: &mut dyn WriteTx,
    job: &Job,
    portion: &Portion,
    now: Instant,
) -> Result<Job, Error> {
    for number in &portion.parameters {
        let removed = tx.forget(*number, PORTION)?;
        if removed > 0 {
            let removed = u64::try_from(removed).unwrap_or(u64::MAX);
            return Ok(Job { done: job.done.saturating_add(removed), ..job.clone() });
        }
    }
    for number in &portion.parameters {
        tx.undefine(*number)?;
    }
    Ok(done(job, now))
}
