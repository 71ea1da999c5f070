//! Reindexing: every resource of some types is indexed as it would be if it were written now, while writers write.
//!
//! A first pass walks each type in the order of the last write. A second one begins when no process can commit any more
//! what it prepared before the job began, and walks what was written since shortly before then: after it every row is as
//! it ought to be (`docs/decisions/0152`).

use super::{Portion as Any, done};
use crate::access::Access;
use crate::clock::Instant;
use crate::conformance::{Definitions, TypeId};
use crate::error::Error;
use crate::id::Id;
use crate::index::FORMAT;
use crate::search_parameter::SETTLING;
use crate::server::Server;
use crate::store::index::{Phase, Reindexed, Walk};
use crate::store::integrity::reindex;
use crate::store::job::Job;
use crate::store::{Method, ReadTx, WriteTx};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The kind of these jobs.
pub const KIND: &str = "reindex";

/// Resources of a portion.
const PORTION: usize = 64;

/// How far the clocks of servers that share a store may be apart.
const SKEW: i64 = 600;

/// How long a job waits for a transaction that does not end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is to be reindexed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The types, by name.
    pub types: Vec<String>,
    /// The custom parameters, by number, that can be searched by when it is done.
    #[serde(default)]
    pub parameters: Vec<u32>,
    /// The format that the store has when it is done.
    #[serde(default)]
    pub format: Option<i64>,
}

impl Input {
    /// Every type that has an endpoint.
    pub fn everything() -> Input {
        let definitions = Definitions::r4();
        let types = definitions.endpoints().map(|type_| definitions.type_name(type_).to_owned());
        Input { types: types.collect(), ..Input::default() }
    }

    /// A job that does it.
    pub fn job(&self, id: Id, now: Instant) -> Result<Job, Error> {
        Ok(Job::new(id, KIND, serde_json::to_string(self).map_err(Error::internal)?, now))
    }

    /// What a job is to do.
    pub fn of(job: &Job) -> Result<Input, Error> {
        serde_json::from_str(&job.input).map_err(Error::internal)
    }
}

/// Where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Whether it is the second pass.
    second: bool,
    /// The place of the type in the input.
    place: usize,
    /// Instant and row of the last resource, and the end of the walk; none at the beginning of a type.
    walk: Option<(i64, i64, i64)>,
    done: u64,
    total: u64,
}

/// Some resources to be reindexed.
#[derive(Debug, Clone)]
pub struct Portion {
    /// Under what they were indexed.
    generation: i64,
    /// Those that have other rows.
    changed: Vec<Reindexed>,
    state: State,
    finished: bool,
}

/// Reads the next resources, and finds out which have other rows than they ought to have.
pub(super) fn look(server: &Server, tx: &mut dyn ReadTx, job: &Job, held: Duration) -> Result<Any, Error> {
    tx.snapshot()?;
    let parameters = server.confirmed(tx)?;
    let types = types(&Input::of(job)?);
    let mut state: State = serde_json::from_str(&job.state).unwrap_or_default();
    if job.state.is_empty() {
        for type_ in &types {
            state.total += tx.count_of(*type_)?;
        }
    }
    let found = loop {
        let Some(type_) = types.get(state.place) else {
            if state.second {
                break Vec::new();
            }
            if held < SETTLING || !(tx.settled(1)? || held > PATIENCE) {
                return Ok(Any::Wait);
            }
            state = State { second: true, place: 0, walk: None, ..state };
            continue;
        };
        let walk = match state.walk {
            Some((updated, row, until)) => {
                Walk { type_: *type_, after: (Instant(updated), row), until: Instant(until), count: PORTION }
            }
            None => begin(tx, job, *type_, state.second)?,
        };
        let found = tx.walk(&Access::everything(), &walk)?;
        match found.last() {
            Some(last) => {
                state.walk = Some((last.updated.0, last.row, walk.until.0));
                break found;
            }
            None => (state.place, state.walk) = (state.place + 1, None),
        }
    };
    let finished = found.is_empty();
    if !state.second {
        state.done += u64::try_from(found.len()).unwrap_or(u64::MAX);
    }
    let living = found.into_iter().filter(|stored| stored.method != Method::Delete);
    // What cannot be read is left alone: `binnacle check` tells it.
    let indexed = living.filter_map(|stored| {
        let indexed = reindex(&parameters, &stored, &server.settings.base)?;
        Some(Reindexed { stored, indexed })
    });
    let changed = tx.differing(indexed.collect())?;
    Ok(Any::Reindex(Portion { generation: parameters.generation(), changed, state, finished }))
}

/// The walk through a type: the first time to where it is now, the second from shortly before the job began.
fn begin(tx: &mut dyn ReadTx, job: &Job, type_: TypeId, second: bool) -> Result<Walk, Error> {
    let from = if second { job.created.plus_seconds(-SKEW) } else { Instant(i64::MIN) };
    let until = tx.last_written(type_)?.unwrap_or(from);
    Ok(Walk { type_, after: (from, i64::MIN), until, count: PORTION })
}

fn types(input: &Input) -> Vec<TypeId> {
    input.types.iter().filter_map(|name| Definitions::r4().endpoint(name)).collect()
}

/// Writes the rows, and tells all servers when the last are written.
pub(super) fn perform(
    server: &Server,
    tx: &mut dyn WriteTx,
    job: &Job,
    portion: &Portion,
) -> Result<Job, Error> {
    if server.confirmed(tx)?.generation() != portion.generation {
        // What is searched by has changed meanwhile: the portion is read again.
        return Ok(job.clone());
    }
    tx.rewrite(&portion.changed)?;
    let state = &portion.state;
    let mut job = Job {
        state: serde_json::to_string(state).map_err(Error::internal)?,
        done: state.done.min(state.total),
        total: state.total,
        ..job.clone()
    };
    if portion.finished {
        finish(tx, &Input::of(&job)?)?;
        job = Job { done: job.total, ..done(&job, server.clock.now()) };
    }
    Ok(job)
}

fn finish(tx: &mut dyn WriteTx, input: &Input) -> Result<(), Error> {
    if input.parameters.is_empty() && input.format.is_none() {
        return Ok(());
    }
    tx.next_generation()?;
    for mut own in tx.defined()? {
        if own.phase == Phase::Indexing && input.parameters.contains(&own.number) {
            own.phase = Phase::Ready;
            tx.define(&own)?;
        }
    }
    if let Some(format) = input.format {
        let wanted = tx.index_state()?.wanted;
        tx.set_formats(format, wanted.max(format))?;
    }
    Ok(())
}

/// Begins to bring the store to this server's format of index rows, unless it has it or a job works towards it: whether it
/// began. An empty store has it at once.
pub fn bring_up_to_date(server: &Server, tx: &mut dyn WriteTx) -> Result<bool, Error> {
    if !is_behind(tx)? {
        return Ok(false);
    }
    // Who comes here at the same time waits, and then sees that it is done.
    tx.next_generation()?;
    if !is_behind(tx)? {
        return Ok(false);
    }
    if tx.resources()? == 0 {
        tx.set_formats(FORMAT, FORMAT)?;
        return Ok(false);
    }
    let format = tx.index_state()?.format;
    tx.set_formats(format, FORMAT)?;
    let input = Input { format: Some(FORMAT), ..Input::everything() };
    tx.add_job(&input.job(server.ids.resource_id(), server.clock.now())?)?;
    Ok(true)
}

/// Whether rows of an older format are left and nobody brings them up to date.
pub fn is_behind(tx: &mut dyn ReadTx) -> Result<bool, Error> {
    let brings = |job: &Job| {
        let input = Input::of(job).ok().filter(|_| job.kind == KIND);
        input.and_then(|input| input.format).is_some_and(|format| format >= FORMAT)
    };
    Ok(tx.index_state()?.format < FORMAT && !tx.open_jobs()?.iter().any(brings))
}
