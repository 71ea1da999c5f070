//! What a caller learns about a job that it asked for, and how it is cancelled (`FHIR R4 async.html`).

use super::{REMEMBERED, reindex};
use crate::access::actor::Actor;
use crate::clock::Instant;
use crate::error::{Error, ErrorCode, information};
use crate::id::Id;
use crate::interaction::Answer;
use crate::server::Server;
use crate::store::job::{Job, Status};
use crate::store::{ReadTx, WriteTx};

/// Under what callers of a server that asks for no tokens have jobs: no client id has a colon.
const OPEN: &str = ":open";

/// The longest that a caller is asked to wait between two looks, in seconds.
const LONGEST: u64 = 30;

/// The client to which the jobs of a caller belong.
pub(crate) fn client(actor: &Actor) -> String {
    actor.client.clone().unwrap_or_else(|| OPEN.to_owned())
}

/// The address at which a job is told of.
pub(crate) fn address(base: &str, id: &Id) -> String {
    format!("{base}/_jobs/{id}")
}

/// A question after a job, or the wish to cancel it.
#[derive(Debug, Clone)]
pub struct PreparedStatus {
    id: Id,
    client: String,
    cancels: bool,
}

impl PreparedStatus {
    /// Of the job `id`.
    ///
    /// Errors: [`ErrorCode::Forbidden`] for who may not ask for such work.
    pub(crate) fn new(actor: &Actor, id: Id, cancels: bool) -> Result<PreparedStatus, Error> {
        crate::operation::reindex::may(actor)?;
        Ok(PreparedStatus { id, client: client(actor), cancels })
    }

    /// Whether it is the wish to cancel.
    pub(crate) const fn cancels(&self) -> bool {
        self.cancels
    }

    /// The job, if it is the caller's. What was cancelled is no more.
    fn job(&self, tx: &mut dyn ReadTx) -> Result<Job, Error> {
        let job = tx.job(&self.id)?;
        let own = job.filter(|job| job.client == self.client && job.status != Status::Cancelled);
        own.ok_or_else(|| Error::new(ErrorCode::NotFound, "There is no such job, or it is not yours."))
    }

    /// How far the job is: 202 while it is not over, 200 when it was done, 500 when it was given up.
    ///
    /// Errors: [`ErrorCode::NotFound`].
    pub(crate) fn tell(&self, server: &Server, tx: &mut dyn ReadTx) -> Result<Answer, Error> {
        let job = self.job(tx)?;
        match job.status {
            Status::Open => {
                let (progress, wait) = (progress(&job), wait(&job, server.clock.now()));
                Ok(Answer {
                    headers: vec![("X-Progress", progress.clone()), ("Retry-After", wait.to_string())],
                    ..Answer::of(202, information(&format!("In the background: {progress}.")))
                })
            }
            Status::Done | Status::Cancelled => {
                let types = reindex::Input::of(&job).map_or(0, |input| input.types.len());
                let done = format!("{} of {types} {}", counted(job.done, "resource"), plural(types, "type"));
                let headers = job.ended.map(|ended| ("Expires", forgotten(ended).http_date()));
                Ok(Answer {
                    headers: headers.into_iter().collect(),
                    ..Answer::of(200, information(&format!("Done: {done} were looked at.")))
                })
            }
            Status::Failed => {
                let message = "The work was given up after it had failed several times: the log says why. Ask for it again.";
                Err(Error::new(ErrorCode::Internal, message))
            }
        }
    }

    /// Cancels the job; one that is over stays as it is.
    ///
    /// Errors: [`ErrorCode::NotFound`].
    pub(crate) fn cancel(&self, server: &Server, tx: &mut dyn WriteTx) -> Result<Answer, Error> {
        let job = self.job(tx)?;
        let cancelled = tx.cancel_job(&job.id, server.clock.now())?;
        let told = if cancelled { "Cancelled." } else { "It was over already: there is nothing to cancel." };
        Ok(Answer::of(202, information(told)))
    }
}

/// When a job that ended then is forgotten.
fn forgotten(ended: Instant) -> Instant {
    ended.plus_seconds(i64::try_from(REMEMBERED.as_secs()).unwrap_or(i64::MAX))
}

/// `X-Progress`: a hundred characters at most.
fn progress(job: &Job) -> String {
    match job.total {
        0 => "waiting to begin".to_owned(),
        total if job.done >= total => format!("{} done, making sure of what was written meanwhile", job.done),
        total => format!("{} of {total} resources", job.done),
    }
}

/// Seconds after which to ask again: about a fifth of what is left, judged by what is done.
fn wait(job: &Job, now: Instant) -> u64 {
    let since = u64::try_from(now.0.saturating_sub(job.created.0) / 1_000_000).unwrap_or(0);
    let left = job.total.saturating_sub(job.done).saturating_mul(since) / job.done.max(1);
    (left / 5).clamp(1, LONGEST)
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {}", plural(usize::try_from(count).unwrap_or(usize::MAX), noun))
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
