//! Background work: a row for each job, claimed by compare-and-set.

use crate::connection::DescribedRow;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::clock::Instant;
use domain::id::Id;
use domain::store::job::{Job, JobRead, JobWrite, Lease, Status};

const SELECT: &str =
    "SELECT id, kind, input, state, client, status, done, total, created_us, ended_us FROM job WHERE ";

/// `ended_us` of a job that is not over.
const NEVER: i64 = i64::MAX;

const fn status_number(status: Status) -> i64 {
    match status {
        Status::Open => 0,
        Status::Done => 1,
        Status::Failed => 2,
        Status::Cancelled => 3,
    }
}

fn job(row: DescribedRow) -> Result<Job, Error> {
    let ((id, kind, input, state, client), (status, done, total, created, ended)) = row;
    let status = match status {
        0 => Status::Open,
        1 => Status::Done,
        2 => Status::Failed,
        3 => Status::Cancelled,
        _ => return Err(Error::internal("a stored job has an unknown status")),
    };
    Ok(Job {
        id: Id::parse(&id)?,
        kind,
        input,
        state,
        status,
        done: u64::try_from(done).unwrap_or(0),
        total: u64::try_from(total).unwrap_or(0),
        client,
        created: Instant(created),
        ended: (ended != NEVER).then_some(Instant(ended)),
    })
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl JobRead for Transaction<'_> {
    fn job(&mut self, id: &Id) -> Result<Option<Job>, Error> {
        let mut statement = Statement::new(SELECT);
        let rows = self.connection.described(statement.sql("id = ").text(id.as_str()))?;
        rows.into_iter().next().map(job).transpose()
    }

    fn open_jobs(&mut self) -> Result<Vec<Job>, Error> {
        let mut statement = Statement::new(SELECT);
        let rows = self.connection.described(statement.sql("status = 0 ORDER BY created_us, id"))?;
        rows.into_iter().map(job).collect()
    }
}

impl JobWrite for Transaction<'_> {
    fn add_job(&mut self, job: &Job) -> Result<(), Error> {
        let mut statement = Statement::new(
            "INSERT INTO job (id, kind, status, input, state, done, total, client, owner, lease_us, created_us, ended_us) \
             VALUES (",
        );
        statement.text(job.id.as_str()).sql(", ").text(&job.kind).sql(", ");
        statement.integer(status_number(job.status)).sql(", ").text(&job.input).sql(", ").text(&job.state);
        statement.sql(", ").integer(number(job.done)).sql(", ").integer(number(job.total)).sql(", ");
        statement.text(&job.client).sql(", '', 0, ").integer(job.created.0).sql(", ").integer(NEVER);
        self.connection.execute(statement.sql(")")).map(drop)
    }

    fn claim_job(&mut self, id: &Id, now: Instant, lease: &Lease) -> Result<bool, Error> {
        let mut statement = Statement::new("UPDATE job SET owner = ");
        statement.text(&lease.owner).sql(", lease_us = ").integer(lease.until.0);
        statement.sql(" WHERE status = 0 AND id = ").text(id.as_str());
        statement.sql(" AND lease_us < ").integer(now.0);
        Ok(self.connection.execute(&statement)? == 1)
    }

    fn save_job(&mut self, job: &Job, lease: &Lease) -> Result<bool, Error> {
        let mut statement = Statement::new("UPDATE job SET status = ");
        statement.integer(status_number(job.status)).sql(", state = ").text(&job.state);
        statement.sql(", done = ").integer(number(job.done)).sql(", total = ").integer(number(job.total));
        statement.sql(", lease_us = ").integer(lease.until.0);
        statement.sql(", ended_us = ").integer(job.ended.map_or(NEVER, |ended| ended.0));
        statement.sql(" WHERE status = 0 AND id = ").text(job.id.as_str());
        statement.sql(" AND owner = ").text(&lease.owner);
        Ok(self.connection.execute(&statement)? == 1)
    }

    fn cancel_job(&mut self, id: &Id, now: Instant) -> Result<bool, Error> {
        let mut statement = Statement::new("UPDATE job SET status = 3, ended_us = ");
        statement.integer(now.0).sql(" WHERE status = 0 AND id = ").text(id.as_str());
        Ok(self.connection.execute(&statement)? == 1)
    }

    fn purge_jobs(&mut self, before: Instant) -> Result<(), Error> {
        let mut statement = Statement::new("DELETE FROM job WHERE ended_us < ");
        self.connection.execute(statement.integer(before.0)).map(drop)
    }
}
