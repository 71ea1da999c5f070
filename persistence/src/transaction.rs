//! A transaction on one connection, as the domain sees it.

use crate::connection::Connection;
use crate::names::Names;
use crate::resources::{current, history, lock, read, write};
use crate::search;
use domain::Error;
use domain::access::Access;
use domain::conformance::TypeId;
use domain::id::Id;
use domain::search::query::Query;
use domain::store::{Current, HistoryPage, HistoryQuery, Lock, Matches, NewVersion, ReadTx, Stored, WriteTx};

/// Whether a transaction may wait for locks. One that holds locks and waits for others could wait for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locking {
    /// It holds none: once.
    Wait,
    /// It holds some.
    Try,
}

/// A transaction; who begins and ends it is the executor.
pub(crate) struct Transaction<'c> {
    pub(crate) connection: &'c mut Connection,
    pub(crate) names: &'c Names,
    /// How it takes locks.
    pub(crate) locking: Locking,
    /// Whether a lock was refused.
    pub(crate) contended: bool,
    /// The locks that the job asked for.
    pub(crate) wanted: Vec<Lock>,
}

impl<'c> Transaction<'c> {
    /// A job's view of a connection.
    pub(crate) const fn new(
        connection: &'c mut Connection,
        names: &'c Names,
        locking: Locking,
    ) -> Transaction<'c> {
        Transaction { connection, names, locking, contended: false, wanted: Vec::new() }
    }
}

impl ReadTx for Transaction<'_> {
    fn snapshot(&mut self) -> Result<(), Error> {
        if self.connection.begun {
            Ok(())
        } else {
            self.connection.begin(self.connection.dialect().begin_read())
        }
    }

    fn read(&mut self, access: &Access, type_: TypeId, id: &Id) -> Result<Option<Stored>, Error> {
        read::read(self, access, type_, id)
    }

    fn vread(
        &mut self,
        access: &Access,
        type_: TypeId,
        id: &Id,
        version: i64,
    ) -> Result<Option<Stored>, Error> {
        history::vread(self, access, type_, id, version)
    }

    fn history(&mut self, access: &Access, query: &HistoryQuery) -> Result<HistoryPage, Error> {
        if query.total {
            self.snapshot()?;
        }
        history::page(self, access, query)
    }

    fn search(&mut self, access: &Access, query: &Query) -> Result<Matches, Error> {
        if search::takes_several_statements(query) {
            self.snapshot()?;
        }
        search::run(self, access, query)
    }
}

impl WriteTx for Transaction<'_> {
    fn hold(&mut self, locks: &[Lock]) -> Result<(), Error> {
        lock::take(self, locks)
    }

    fn current(&mut self, access: &Access, keys: &[(TypeId, Id)]) -> Result<Vec<Current>, Error> {
        current::current(self, access, keys)
    }

    fn write(&mut self, versions: Vec<NewVersion>) -> Result<(), Error> {
        write::versions(self, versions)
    }

    fn begin_trial(&mut self) -> Result<(), Error> {
        self.connection.command("SAVEPOINT trial")
    }

    fn end_trial(&mut self) -> Result<(), Error> {
        self.connection.command("ROLLBACK TO SAVEPOINT trial; RELEASE SAVEPOINT trial")
    }
}
