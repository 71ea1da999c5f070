//! Jobs, in a list.

use super::Transaction;
use crate::clock::Instant;
use crate::error::Error;
use crate::id::Id;
use crate::store::job::{Job, JobRead, JobWrite, Lease, Status};

/// A job and who does it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    job: Job,
    lease: Option<Lease>,
}

impl Transaction<'_> {
    fn held(&mut self, id: &Id) -> Option<&mut Held> {
        self.state.jobs.iter_mut().find(|held| held.job.id == *id && held.job.status == Status::Open)
    }
}

impl JobRead for Transaction<'_> {
    fn job(&mut self, id: &Id) -> Result<Option<Job>, Error> {
        Ok(self.state.jobs.iter().find(|held| held.job.id == *id).map(|held| held.job.clone()))
    }

    fn open_jobs(&mut self) -> Result<Vec<Job>, Error> {
        let open = self.state.jobs.iter().filter(|held| held.job.status == Status::Open);
        Ok(open.map(|held| held.job.clone()).collect())
    }
}

impl JobWrite for Transaction<'_> {
    fn add_job(&mut self, job: &Job) -> Result<(), Error> {
        self.state.jobs.push(Held { job: job.clone(), lease: None });
        Ok(())
    }

    fn claim_job(&mut self, id: &Id, now: Instant, lease: &Lease) -> Result<bool, Error> {
        let free = |held: &&mut Held| held.lease.as_ref().is_none_or(|held| held.until < now);
        let Some(held) = self.held(id).filter(free) else { return Ok(false) };
        held.lease = Some(lease.clone());
        Ok(true)
    }

    fn save_job(&mut self, job: &Job, lease: &Lease) -> Result<bool, Error> {
        let own = |held: &&mut Held| held.lease.as_ref().is_some_and(|held| held.owner == lease.owner);
        let Some(held) = self.held(&job.id).filter(own) else { return Ok(false) };
        *held = Held { job: job.clone(), lease: Some(lease.clone()) };
        Ok(true)
    }

    fn cancel_job(&mut self, id: &Id, now: Instant) -> Result<bool, Error> {
        let Some(held) = self.held(id) else { return Ok(false) };
        (held.job.status, held.job.ended) = (Status::Cancelled, Some(now));
        Ok(true)
    }

    fn purge_jobs(&mut self, before: Instant) -> Result<(), Error> {
        self.state.jobs.retain(|held| held.job.ended.is_none_or(|ended| ended >= before));
        Ok(())
    }
}
