//! The thread that works in the background: it follows what is searched by, and does the jobs that it can get hold of,
//! portion by portion, with pauses in which requests have the store for themselves.

use crate::app::App;
use crate::worker::Worker;
use actix_web::web;
use domain::clock::Instant;
use domain::job::{self, LEASE, Portion, REMEMBERED, reindex};
use domain::server::Server;
use domain::store::ReadTx;
use domain::store::job::{Job, Lease, Status};
use domain::{Error, ErrorCode};
use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{self, Duration};

/// How often a process looks for jobs and for changes of what is searched by.
const FOLLOW: Duration = Duration::from_secs(1);

/// How often the thread looks whether it is to end.
const TICK: Duration = Duration::from_millis(100);

/// The longest pause between two portions.
const LONGEST: Duration = Duration::from_millis(500);

/// Portions that may fail one after the other before a job is given up.
const FAILURES: u32 = 20;

/// The jobs that are not over, as last seen.
#[derive(Default)]
pub(crate) struct Jobs {
    open: Mutex<Vec<Job>>,
}

impl Jobs {
    /// Takes the jobs that [`follow`] read.
    pub(crate) fn see(&self, jobs: Vec<Job>) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = jobs;
    }

    /// A line for people about each.
    pub(crate) fn lines(&self) -> String {
        let mut text = String::new();
        for job in self.open.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(text, "{} in the background: {} of {} resources", job.kind, job.done, job.total);
        }
        text
    }

    /// Counts of resources as Prometheus reads them.
    pub(crate) fn metrics(&self) -> String {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = format!("# TYPE binnacle_jobs_open gauge\nbinnacle_jobs_open {}\n", open.len());
        text.push_str("# TYPE binnacle_job_resources_left gauge\n");
        for kind in job::KINDS {
            let of_kind = open.iter().filter(|job| job.kind == kind);
            let left: u64 = of_kind.map(|job| job.total.saturating_sub(job.done)).sum();
            let _ = writeln!(text, "binnacle_job_resources_left{{kind=\"{kind}\"}} {left}");
        }
        text
    }
}

/// Learns what is searched by, and has a store with index rows of an older format indexed anew. To be called before the
/// first request; not from async code.
///
/// Errors: the store's.
pub(crate) fn prepare(server: &Arc<Server>, worker: &Worker) -> Result<(), Error> {
    if worker.read_blocking(|tx| reindex::is_behind(tx))? {
        let server = Arc::clone(server);
        if worker.write_blocking(move |tx| reindex::bring_up_to_date(&server, tx))? {
            tracing::info!("the index rows have an older format: they are written anew in the background");
        }
    }
    let server = Arc::clone(server);
    worker.read_blocking(move |tx| server.learn(tx))
}

/// Learns what is searched by, and which jobs there are.
pub(crate) fn follow(server: &Server, tx: &mut dyn ReadTx) -> Result<Vec<Job>, Error> {
    server.learn(tx)?;
    tx.open_jobs()
}

/// Starts the thread. It ends soon after [`App::accepting`] is false.
///
/// Errors: it cannot be started.
pub(crate) fn start(app: web::Data<App>) -> std::io::Result<JoinHandle<()>> {
    let owner = app.server.ids.resource_id().to_string();
    std::thread::Builder::new().name("jobs".to_owned()).spawn(move || {
        let mut runner = Runner { app, owner, followed: None, renewed: time::Instant::now() };
        while runner.is_wanted() {
            runner.follow();
            if !runner.one() {
                runner.rest(FOLLOW);
            }
        }
    })
}

struct Runner {
    app: web::Data<App>,
    /// Under which name this process holds jobs.
    owner: String,
    followed: Option<time::Instant>,
    /// When it last renewed its lease.
    renewed: time::Instant,
}

/// What became of a portion.
enum Outcome {
    Went,
    Waits,
    Over(Status),
    /// Another process has the job, or it was cancelled.
    Lost,
}

impl Runner {
    fn is_wanted(&self) -> bool {
        self.app.accepting.load(Ordering::Acquire)
    }

    fn now(&self) -> Instant {
        self.app.server.clock.now()
    }

    fn lease(&self) -> Lease {
        let seconds = i64::try_from(LEASE.as_secs()).unwrap_or(i64::MAX);
        Lease { owner: self.owner.clone(), until: self.now().plus_seconds(seconds) }
    }

    /// Sleeps, unless the server stops.
    fn rest(&self, long: Duration) {
        let until = time::Instant::now() + long;
        while self.is_wanted() {
            let left = until.saturating_duration_since(time::Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(TICK));
        }
    }

    /// Learns what is searched by and which jobs there are, if a second has passed.
    fn follow(&mut self) {
        if self.followed.is_some_and(|followed| followed.elapsed() < FOLLOW) {
            return;
        }
        self.followed = Some(time::Instant::now());
        let server = Arc::clone(&self.app.server);
        match self.app.worker.read_blocking(move |tx| follow(&server, tx)) {
            Ok(open) => self.app.jobs.see(open),
            Err(error) => tracing::warn!(%error, "what is searched by could not be read"),
        }
    }

    /// Gets hold of a job and does it: whether there was one.
    fn one(&mut self) -> bool {
        let open = self.app.jobs.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for job in open.into_iter().filter(|job| job::KINDS.contains(&job.kind.as_str())) {
            let (id, now, lease) = (job.id.clone(), self.now(), self.lease());
            match self.app.worker.write_blocking(move |tx| tx.claim_job(&id, now, &lease)) {
                Ok(true) => {
                    self.run(job);
                    return true;
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "a job could not be claimed"),
            }
        }
        false
    }

    /// Does a job to its end, or until it is another's or the server stops.
    fn run(&mut self, job: Job) {
        tracing::info!(kind = job.kind, done = job.done, "a job goes on in the background");
        let claimed = time::Instant::now();
        let mut failures = 0;
        while self.is_wanted() {
            let started = time::Instant::now();
            match self.portion(&job, claimed.elapsed()) {
                Ok(Outcome::Over(status)) => {
                    tracing::info!(kind = job.kind, ?status, "a job in the background is over");
                    self.forget();
                    break;
                }
                Ok(Outcome::Lost) => break,
                Ok(Outcome::Went) => {
                    failures = 0;
                    self.rest(self.pause(started.elapsed()));
                }
                Ok(Outcome::Waits) => self.rest(TICK),
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, kind = job.kind, failures, "a portion of a job could not be done");
                    if failures > FAILURES && error.code() != ErrorCode::Busy {
                        self.give_up(&job);
                        break;
                    }
                    self.rest(FOLLOW);
                }
            }
            self.follow();
        }
        if !self.is_wanted() {
            self.let_go(&job);
        }
        // What it changed is to be known at once.
        self.followed = None;
    }

    /// Requests have the store for two thirds of the time while there are any, and for a sixth otherwise.
    fn pause(&self, took: Duration) -> Duration {
        let pause = if self.app.running.count() > 0 { took * 2 } else { took / 5 };
        pause.clamp(Duration::from_millis(1), LONGEST)
    }

    fn portion(&mut self, job: &Job, held: Duration) -> Result<Outcome, Error> {
        let (server, id) = (Arc::clone(&self.app.server), job.id.clone());
        let looked = self.app.worker.read_blocking(move |tx| {
            let Some(job) = tx.job(&id)?.filter(|job| job.status == Status::Open) else { return Ok(None) };
            let portion = job::look(&server, tx, &job, held)?;
            Ok(Some((job, portion)))
        })?;
        let Some((job, portion)) = looked else { return Ok(Outcome::Lost) };
        let waits = matches!(portion, Portion::Wait);
        if waits && self.renewed.elapsed() < LEASE / 3 {
            return Ok(Outcome::Waits);
        }
        self.renewed = time::Instant::now();
        let (server, lease) = (Arc::clone(&self.app.server), self.lease());
        self.app
            .worker
            .write_blocking(move |tx| {
                let job = job::perform(&server, tx, &job, &portion)?;
                Ok(match (tx.save_job(&job, &lease)?, job.status) {
                    // What was done without the lease is undone.
                    (false, _) => return Err(lost()),
                    (true, Status::Open) if waits => Outcome::Waits,
                    (true, Status::Open) => Outcome::Went,
                    (true, status) => Outcome::Over(status),
                })
            })
            .or_else(|error| if error == lost() { Ok(Outcome::Lost) } else { Err(error) })
    }

    fn give_up(&self, job: &Job) {
        let (id, lease, now) = (job.id.clone(), self.lease(), self.now());
        let outcome = self.app.worker.write_blocking(move |tx| {
            let Some(job) = tx.job(&id)? else { return Ok(false) };
            tx.save_job(&Job { status: Status::Failed, ended: Some(now), ..job }, &lease)
        });
        tracing::error!(kind = job.kind, ?outcome, "a job was given up");
    }

    /// Lets others have the job.
    fn let_go(&self, job: &Job) {
        let id = job.id.clone();
        let lease = Lease { until: Instant(0), ..self.lease() };
        let _ = self.app.worker.write_blocking(move |tx| match tx.job(&id)? {
            Some(job) => tx.save_job(&job, &lease).map(drop),
            None => Ok(()),
        });
    }

    /// Forgets jobs of long ago.
    fn forget(&self) {
        let remembered = i64::try_from(REMEMBERED.as_secs()).unwrap_or(i64::MAX);
        let before = self.now().plus_seconds(-remembered);
        let _ = self.app.worker.write_blocking(move |tx| tx.purge_jobs(before));
    }
}

/// The job is not this process's any more.
fn lost() -> Error {
    Error::new(ErrorCode::Conflict, "The job is done by another process, or not wanted any more.")
}
