//! `FHIR R4 http.html#batch`: entries that do not depend on one another, each performed through the one door.

use super::Answer;
use super::conditional::locks;
use super::entry::{Entry, path, placed, responses};
use crate::access::actor::Actor;
use crate::error::{Error, ErrorCode};
use crate::server::{Given, Prepared, Server, Work};
use crate::store::{ReadTx, WriteTx};

/// A batch whose entries have been prepared, each for itself.
#[derive(Debug, Clone)]
pub struct PreparedBatch {
    entries: Vec<Result<Prepared, Error>>,
}

impl PreparedBatch {
    /// Prepares every entry; one that is wrong fails alone.
    pub(super) fn new(server: &Server, actor: &Actor, entries: Vec<Entry<'_>>) -> PreparedBatch {
        let prepare = |entry: Entry<'_>| {
            let path = entry.path();
            let request = entry.request.map_err(|error| error.below(&path))?;
            let given = Given { resource: entry.resource, ..Given::default() };
            let prepared = server.prepare_entry(actor, request, given);
            prepared
                .map(|prepared| Prepared { head: entry.head, ..prepared })
                .map_err(|error| placed(error, &path))
        };
        PreparedBatch { entries: entries.into_iter().map(prepare).collect() }
    }

    /// The entries that are right in themselves.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Prepared> {
        self.entries.iter().flatten()
    }

    /// Whether an entry writes.
    pub fn writes(&self) -> bool {
        self.entries.iter().flatten().any(Prepared::writes)
    }

    /// Performs the entries in their order. A fault of the server or of the store undoes all; any other, its entry alone.
    pub fn perform(&self, server: &Server, tx: &mut dyn WriteTx, actor: &Actor) -> Result<Answer, Error> {
        let writes = self.entries.iter().flatten().filter_map(|prepared| match &prepared.work {
            Work::Write(write) => Some(&**write),
            _ => None,
        });
        tx.hold(&locks(writes))?;
        self.answer(|prepared| match &prepared.work {
            Work::Write(write) => write.perform(server, tx),
            _ => server.perform_read(tx, actor, prepared),
        })
    }

    /// Performs a batch that only reads.
    pub fn perform_read(&self, server: &Server, tx: &mut dyn ReadTx, actor: &Actor) -> Result<Answer, Error> {
        tx.snapshot()?;
        self.answer(|prepared| server.perform_read(tx, actor, prepared))
    }

    fn answer(&self, mut perform: impl FnMut(&Prepared) -> Result<Answer, Error>) -> Result<Answer, Error> {
        let mut answers = Vec::with_capacity(self.entries.len());
        for (index, entry) in self.entries.iter().enumerate() {
            let answer = match entry {
                Ok(prepared) => perform(prepared).map_err(|error| error.below(&path(index))),
                Err(error) => Err(error.clone()),
            };
            answers.push(match answer {
                Err(error)
                    if matches!(
                        error.code(),
                        ErrorCode::Internal | ErrorCode::Busy | ErrorCode::StoreFull
                    ) =>
                {
                    return Err(error);
                }
                answer => answer,
            });
        }
        Ok(Answer::of(200, responses("batch-response", &answers)))
    }
}
