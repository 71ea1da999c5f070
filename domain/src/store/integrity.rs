//! What `binnacle check` asks of a store: whether everything it keeps for finding a resource is what extraction would
//! write today, and whether every version is there and can be read.

use super::Stored;
use crate::access::Access;
use crate::conformance::SearchParameters;
use crate::error::Error;
use crate::index::{Indexed, extract};
use crate::resource::json::Json;

/// What is wrong with a resource as stored. Nothing here quotes what the resource says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The stored key is not that of the type and id.
    Key,
    /// The body of a version cannot be read, or is not that version of that resource.
    Body {
        /// Which version.
        version: i64,
    },
    /// The versions 1 to the current one are not all there, or a later one is not younger.
    Versions,
    /// Rows of a table are not those that extraction gives.
    Rows {
        /// Which table.
        table: &'static str,
        /// Rows that should be there.
        missing: usize,
        /// Rows that should not.
        unexpected: usize,
    },
    /// The count kept of a type's resources is not how many there are.
    Count {
        /// What is kept.
        kept: i64,
        /// How many there are.
        living: i64,
    },
    /// Rows of a table that belong to no resource.
    Orphans {
        /// Which table.
        table: &'static str,
        /// How many.
        rows: usize,
    },
}

/// A [`Fault`] and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `Type/id`, `row n` where there is no resource, or the type that is counted.
    pub resource: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What checking some resources gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Resources looked at, deleted ones included.
    pub resources: u64,
    /// Versions looked at, current ones included.
    pub versions: u64,
    /// Index and compartment rows looked at.
    pub rows: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<i64>,
}

/// Checking a store. All of a page is of one state of it; memory is bounded by the page.
pub trait Integrity {
    /// How many resources there are, deleted ones included, for telling how far a check is.
    fn resources(&mut self) -> Result<u64, Error>;

    /// Checks the next resources after the row `after`: whether they are indexed by `parameters`. `base` is the FHIR base below which references are local: it
    /// must be the one under which the resources were stored.
    ///
    /// Errors: `access` does not cover everything; the store fails.
    fn check(
        &mut self,
        access: &Access,
        parameters: &SearchParameters,
        base: &str,
        after: Option<i64>,
    ) -> Result<Page, Error>;
}

/// What extraction gives for a stored version today; `None` if its body is not that version of that resource. A deletion
/// has no body and is found by nothing.
pub fn reindex(parameters: &SearchParameters, stored: &Stored, base: &str) -> Option<Indexed> {
    if stored.method == super::Method::Delete {
        return stored.body.is_empty().then(Indexed::default);
    }
    let definitions = parameters.definitions();
    let tree = Json::parse(&stored.body).ok()?;
    let meta = tree.get("meta")?;
    let is_it = tree.resource_type() == Some(definitions.type_name(stored.type_))
        && tree.get("id").and_then(Json::as_str) == Some(stored.id.as_str())
        && meta.get("versionId").and_then(Json::as_str) == Some(&stored.version.to_string())
        && meta.get("lastUpdated").and_then(Json::as_str) == Some(&stored.updated.to_string());
    is_it.then(|| extract(parameters, stored.type_, &tree, base))
}
