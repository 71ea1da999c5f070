//! A transaction on one connection, as the domain sees it.

use crate::connection::Connection;
use crate::names::Names;
use crate::resources::{history, read, write};
use crate::search;
use domain::Error;
use domain::access::Access;
use domain::conformance::TypeId;
use domain::id::Id;
use domain::search::query::Query;
use domain::store::{Current, HistoryPage, HistoryQuery, Matches, NewVersion, ReadTx, Stored, WriteTx};

/// A transaction; who begins and ends it is the executor.
pub(crate) struct Transaction<'c> {
    pub(crate) connection: &'c mut Connection,
    pub(crate) names: &'c Names,
}

impl ReadTx for Transaction<'_> {
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
        history::page(self, access, query)
    }

    fn search(&mut self, access: &Access, query: &Query) -> Result<Matches, Error> {
        search::run(self, access, query)
    }
}

impl WriteTx for Transaction<'_> {
    fn current(&mut self, access: &Access, keys: &[(TypeId, Id)]) -> Result<Vec<Current>, Error> {
        write::current(self, access, keys)
    }

    fn write(&mut self, versions: Vec<NewVersion>) -> Result<(), Error> {
        versions.into_iter().try_for_each(|version| write::version(self, version))
    }
}
