//! The limit of the database itself: a point select, and a durable insert of one row into one table without secondary
//! index, by as many callers as the server has, committed together when they wait together, as the server does.

use crate::Failure;
use crate::load::{Measured, Span, in_parallel};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

diesel::table! {
    /// Rows of nothing but a number and bytes.
    bare (rid) {
        /// Number, from 1.
        rid -> BigInt,
        /// Bytes as long as a resource.
        body -> Binary,
    }
}

/// Jobs that one commit takes at most, as in the server.
const GROUP: usize = 64;

/// How long an insert is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rows that the selects choose from.
const ROWS: i64 = 10_000;

/// A database of its own for the limits.
pub(crate) enum Bare {
    /// A file.
    Sqlite(String),
    /// A URL.
    Postgres(String),
}

/// An open connection.
enum Open {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// An insert that waits: its row, and who wants to know.
type Waiting = (i64, SyncSender<()>);

macro_rules! on {
    ($connection:expr, $c:ident => $run:expr) => {
        match $connection {
            Open::Sqlite($c) => $run.map_err(|error| error.to_string()),
            Open::Postgres($c) => $run.map_err(|error| error.to_string()),
        }
    };
}

impl Bare {
    fn connect(&self) -> Result<Open, Failure> {
        let failed = |error: ConnectionError| error.to_string();
        match self {
            Bare::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path).map_err(failed)?;
                let settings =
                    "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
                connection.batch_execute(settings).map_err(|error| error.to_string())?;
                Ok(Open::Sqlite(Box::new(connection)))
            }
            Bare::Postgres(url) => {
                PgConnection::establish(url).map(|c| Open::Postgres(Box::new(c))).map_err(failed)
            }
        }
    }

    /// Makes the table and fills it with rows of `size` bytes.
    pub(crate) fn fill(&self, size: usize) -> Result<(), Failure> {
        let mut connection = self.connect()?;
        match &mut connection {
            Open::Sqlite(c) => c.batch_execute("CREATE TABLE bare (rid INTEGER PRIMARY KEY, body BLOB)"),
            Open::Postgres(c) => c.batch_execute("CREATE TABLE bare (rid BIGINT PRIMARY KEY, body BYTEA)"),
        }
        .map_err(|error| error.to_string())?;
        let rows: Vec<i64> = (1..=ROWS).collect();
        connection.insert_group(&rows, &vec![b'x'; size])
    }

    /// Selects one row by its number, on `clients` connections.
    pub(crate) fn select(&self, clients: usize, length: Duration) -> Result<Measured, Failure> {
        let span = Span::of(length);
        let next = AtomicI64::new(0);
        let parts = in_parallel(clients, || {
            let mut connection = self.connect()?;
            let mut latencies = Vec::new();
            loop {
                let sent = Instant::now();
                if span.over(sent) {
                    return Ok(latencies);
                }
                let rid = 1 + next.fetch_add(7919, Ordering::Relaxed).rem_euclid(ROWS);
                let found: Vec<u8> =
                    on!(&mut connection, c => bare::table.find(rid).select(bare::body).first(&mut **c))?;
                span.count(&mut latencies, sent, Instant::now());
                drop(found);
            }
        });
        collect(parts, length)
    }

    /// Inserts rows of `size` bytes for `clients` callers.
    pub(crate) fn insert(&self, clients: usize, length: Duration, size: usize) -> Result<Measured, Failure> {
        let mut connection = self.connect()?;
        let last: Option<i64> =
            on!(&mut connection, c => bare::table.select(diesel::dsl::max(bare::rid)).first(&mut **c))?;
        let next = AtomicI64::new(last.unwrap_or(0) + 1);
        let (queue, waiting) = sync_channel::<Waiting>(1024);
        let span = Span::of(length);
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || write(connection, &waiting, &vec![b'x'; size]));
            let parts = in_parallel(clients, || {
                let mut latencies = Vec::new();
                let (reply, answer) = sync_channel(1);
                let mut sent = Instant::now();
                while !span.over(sent) {
                    let rid = next.fetch_add(1, Ordering::Relaxed);
                    queue.send((rid, reply.clone())).map_err(|_| "the writer stopped")?;
                    answer.recv_timeout(PATIENCE).map_err(|_| "the writer stopped")?;
                    let now = Instant::now();
                    span.count(&mut latencies, sent, now);
                    sent = now;
                }
                Ok(latencies)
            });
            drop(queue);
            writer.join().map_err(|_| "the writer panicked".to_owned())??;
            collect(parts, length)
        })
    }
}

impl Open {
    /// One transaction of one statement a row.
    fn insert_group(&mut self, rows: &[i64], body: &[u8]) -> Result<(), Failure> {
        on!(self, c => c.transaction(|c| {
            for rid in rows {
                diesel::insert_into(bare::table).values((bare::rid.eq(rid), bare::body.eq(body))).execute(c)?;
            }
            Ok::<(), diesel::result::Error>(())
        }))
    }
}

/// Commits what waits, together, until nobody is left.
fn write(mut connection: Open, queue: &Receiver<Waiting>, body: &[u8]) -> Result<(), Failure> {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        group.extend(queue.try_iter().take(GROUP - 1));
        let rows: Vec<i64> = group.iter().map(|(rid, _)| *rid).collect();
        connection.insert_group(&rows, body)?;
        for (_, reply) in group {
            // Who has gone does not want to know.
            let _ = reply.send(());
        }
    }
    Ok(())
}

fn collect(parts: Vec<Result<Vec<u32>, Failure>>, length: Duration) -> Result<Measured, Failure> {
    let latencies = parts.into_iter().collect::<Result<Vec<_>, Failure>>()?.concat();
    Ok(Measured::new(latencies, length, 0))
}
