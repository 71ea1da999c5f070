//! The only place where SQL differs between the databases.

use crate::Synchronous;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite 3.
    Sqlite,
    /// PostgreSQL 13 or later.
    Postgres,
}

impl Dialect {
    /// Begins a transaction that reads one state.
    pub(crate) const fn begin_read(self) -> &'static str {
        match self {
            Dialect::Sqlite => "BEGIN DEFERRED",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Begins a transaction that writes. SQLite takes the write lock at once: a deferred one could fail later,
    /// whatever the timeout.
    pub(crate) const fn begin_write(self) -> &'static str {
        match self {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    /// When SQLite's commits are on disk.
    pub(crate) const fn sqlite_synchronous(synchronous: Synchronous) -> &'static str {
        match synchronous {
            Synchronous::Full => "PRAGMA synchronous = FULL;",
            Synchronous::Normal => "PRAGMA synchronous = NORMAL;",
        }
    }

    /// Settings of every SQLite connection.
    pub(crate) const SQLITE_SETTINGS: &'static str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
         PRAGMA foreign_keys = OFF; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;";

    /// Settings of the connection that writes to SQLite: it touches pages all over the indexes, and copies them into the
    /// database file less often than after every four megabytes.
    pub(crate) const SQLITE_WRITER: &'static str =
        "PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000;";

    /// Settings of every PostgreSQL connection: compiling a statement takes longer than any of ours, and so does starting
    /// processes to share its work (36 ms, for two rows that an index finds); and the plan is what the statement says, joins
    /// in its order and by index, so that it neither waits for statistics (a table just loaded has none) nor is made again
    /// for every value.
    pub(crate) const POSTGRES_SETTINGS: &'static str = "SET jit = off; SET max_parallel_workers_per_gather = 0; \
         SET join_collapse_limit = 1; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; \
         SET plan_cache_mode = force_generic_plan;";

    /// Takes the first free shard of `type_count` until the connection ends. The scan ends with the first lock it gets.
    pub(crate) const TAKE_SHARD: &'static str = "SELECT n::bigint FROM generate_series(1, 1000) n \
         WHERE pg_try_advisory_lock(723541, n) LIMIT 1";

    /// Keeps other processes out while the schema changes; SQLite's own write lock does that there.
    pub(crate) const LOCK_SCHEMA: &'static str = "SELECT pg_advisory_lock(7235416211)";

    /// Ends [`Dialect::LOCK_SCHEMA`].
    pub(crate) const UNLOCK_SCHEMA: &'static str = "SELECT pg_advisory_unlock(7235416211)";
}
