//! What reindexing and custom search parameters ask of a store: to keep under what its index rows are written, to read
//! resources in an order that can be resumed, and to write their rows anew.

use super::Stored;
use crate::access::Access;
use crate::clock::Instant;
use crate::conformance::TypeId;
use crate::error::Error;
use crate::id::Id;
use crate::index::Indexed;

/// Under what the index rows of a store are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexState {
    /// The format that all rows have ([`crate::index::FORMAT`]).
    pub format: i64,
    /// The format that rows are written in; a job brings the others to it.
    pub wanted: i64,
    /// Counts the changes of what is searched by and of the format.
    pub generation: i64,
}

/// A custom search parameter of one type, as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defined {
    /// Its number, which no other ever has.
    pub number: u32,
    /// The type.
    pub base: String,
    /// Its name in a URL.
    pub code: String,
    /// The id of the SearchParameter.
    pub resource: Id,
    /// Whether it is searched by.
    pub phase: Phase,
    /// The job that indexes or removes it.
    pub job: String,
    /// What it is ([`crate::search_parameter`]).
    pub definition: String,
}

/// Whether a custom search parameter is searched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// New versions are indexed under it; a job does the resources that are there already.
    Indexing,
    /// It is searched by.
    Ready,
    /// Its rows are being removed.
    Leaving,
}

/// Which resources come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Of which type.
    pub type_: TypeId,
    /// The instant and row of the last one.
    pub after: (Instant, i64),
    /// Those written until then.
    pub until: Instant,
    /// How many.
    pub count: usize,
}

/// A resource and what it is to be found by.
#[derive(Debug, Clone, PartialEq)]
pub struct Reindexed {
    /// The version that was indexed.
    pub stored: Stored,
    /// Its rows.
    pub indexed: Indexed,
}

/// Reading of and for the index.
pub trait IndexRead {
    /// Under what rows are written.
    fn index_state(&mut self) -> Result<IndexState, Error>;

    /// The custom search parameters.
    fn defined(&mut self) -> Result<Vec<Defined>, Error>;

    /// How many resources of a type there are.
    fn count_of(&mut self, type_: TypeId) -> Result<u64, Error>;

    /// When the last version of a type was written.
    fn last_written(&mut self, type_: TypeId) -> Result<Option<Instant>, Error>;

    /// The next resources of a walk in the order of the time of their last version, deletions included.
    ///
    /// Errors: `access` does not cover everything.
    fn walk(&mut self, access: &Access, walk: &Walk) -> Result<Vec<Stored>, Error>;

    /// Those of `resources` whose rows are not the ones they ought to have.
    fn differing(&mut self, resources: Vec<Reindexed>) -> Result<Vec<Reindexed>, Error>;

    /// Whether no other transaction is open that began more than `seconds` ago: whatever was decided before then is
    /// visible.
    fn settled(&mut self, seconds: u32) -> Result<bool, Error>;
}

/// Writing of and for the index.
pub trait IndexWrite: IndexRead {
    /// Begins a change of what is searched by: the number of the generation that it makes. Others that change it wait.
    fn next_generation(&mut self) -> Result<i64, Error>;

    /// Sets format and wanted format.
    fn set_formats(&mut self, format: i64, wanted: i64) -> Result<(), Error>;

    /// Keeps a custom search parameter, in place of the one with its number.
    fn define(&mut self, defined: &Defined) -> Result<(), Error>;

    /// Forgets a custom search parameter.
    fn undefine(&mut self, number: u32) -> Result<(), Error>;

    /// Writes the rows of resources anew, but for those that have another version by now: whoever wrote that has written
    /// its rows.
    fn rewrite(&mut self, resources: &[Reindexed]) -> Result<(), Error>;

    /// Removes rows of a custom search parameter of at most `most` resources: of how many.
    fn forget(&mut self, number: u32, most: usize) -> Result<usize, Error>;
}
