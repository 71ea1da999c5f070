//! FHIR's interactions (`FHIR R4 http.html`): one type for what HTTP and `Bundle.entry` both ask, one for the answer.
//!
//! [`Server::prepare`](crate::server::Server::prepare) does what needs no database,
//! [`Server::perform_read`](crate::server::Server::perform_read) and
//! [`Server::perform_write`](crate::server::Server::perform_write) the rest, inside a transaction.

pub mod address;
pub mod batch;
pub(crate) mod bundle;
mod changes;
pub mod condition;
pub mod conditional;
pub(crate) mod content;
pub mod create;
pub mod delete;
mod entry;
pub mod history;
mod keyed;
pub mod patch;
pub(crate) mod provenance;
pub mod read;
mod resolution;
pub mod search;
mod selection;
pub mod transaction;
pub mod update;
mod waiting;
pub mod write;

use crate::access::actor::Actor;
use crate::clock::Instant;
use crate::conformance::TypeId;
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::operation::{Operation, Target};
use crate::search::SearchScope;
use crate::store::HistoryScope;
use condition::Conditions;

/// A request: an interaction with its conditions and preferences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub interaction: Interaction,
    /// What it asks of the version it finds.
    pub conditions: Conditions,
    /// `If-None-Exist`: the query of a conditional create.
    pub if_none_exist: Option<String>,
    /// `Prefer`.
    pub prefer: Prefer,
    /// `X-Provenance`: a Provenance of what is written.
    pub provenance: Option<Vec<u8>>,
}

impl Request {
    /// A request without conditions and preferences.
    pub fn new(interaction: Interaction) -> Request {
        Request {
            interaction,
            conditions: Conditions::default(),
            if_none_exist: None,
            prefer: Prefer::default(),
            provenance: None,
        }
    }
}

/// `Prefer` (`FHIR R4 http.html#ops`, `search.html#lenient`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefer {
    /// What a write answers with; `None` is the server's default, the representation.
    pub return_: Option<Return>,
    /// `handling=lenient` is `Some(true)`, `handling=strict` `Some(false)`.
    pub lenient: Option<bool>,
}

/// `Prefer: return=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// Nothing but headers.
    Minimal,
    /// The resource.
    Representation,
    /// An OperationOutcome.
    OperationOutcome,
}

/// What is asked, one variant for each interaction of `FHIR R4 http.html`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction {
    /// `GET /metadata?parameters`.
    Capabilities(Parameters),
    /// `GET /Type/id?parameters`.
    Read(TypeId, Id, Parameters),
    /// `GET /Type/id/_history/version?parameters`.
    Vread(TypeId, Id, i64, Parameters),
    /// `GET …/_history?parameters`.
    History(HistoryScope, Parameters),
    /// `GET /Type?parameters`, `POST /Type/_search`, and so for the whole system and for compartments.
    Search(SearchScope, Parameters),
    /// `POST /Type`, with the body as received.
    Create(TypeId, Vec<u8>),
    /// `PUT /Type/id`.
    Update(TypeId, Id, Vec<u8>),
    /// `PATCH /Type/id`, with the body's media type.
    Patch(TypeId, Id, String, Vec<u8>),
    /// `PATCH /Type?criteria`, with the body's media type.
    ConditionalPatch(TypeId, Parameters, String, Vec<u8>),
    /// `DELETE /Type/id`.
    Delete(TypeId, Id),
    /// `PUT /Type?parameters`, with the body.
    ConditionalUpdate(TypeId, Parameters, Vec<u8>),
    /// `DELETE /Type?parameters`.
    ConditionalDelete(TypeId, Parameters),
    /// `POST /` with a Bundle of type batch or transaction.
    Bundle(Vec<u8>),
    /// `POST …/$name?parameters`, with the body.
    Operation(Operation, Target, Parameters, Vec<u8>),
    /// `GET /_jobs/id`.
    JobStatus(Id),
    /// `DELETE /_jobs/id`.
    CancelJob(Id),
}

/// Decoded name-value pairs of a URL's query or a form, in order.
pub type Parameters = Vec<(String, String)>;

/// The answer to a request that succeeded. Failures are [`Error`]s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON of a resource (often a Bundle or OperationOutcome), or nothing.
    pub body: Option<Vec<u8>>,
    /// The version the answer is about: `ETag`, with type and id `Location`.
    pub version: Option<Version>,
    /// Whether `Location` is sent (create, update-as-create).
    pub location: bool,
    /// What else the headers say.
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// An answer with a body that is no version of a resource.
    pub const fn of(status: u16, body: Vec<u8>) -> Answer {
        Answer { status, body: Some(body), version: None, location: false, headers: Vec::new() }
    }
}

/// The version of a resource that an answer is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Type.
    pub type_: TypeId,
    /// Id.
    pub id: Id,
    /// `meta.versionId`, the `ETag`.
    pub version: i64,
    /// `meta.lastUpdated`, the `Last-Modified`.
    pub updated: Instant,
}

/// The answer to a request for what does not exist, or what the caller may not know to exist.
fn not_found() -> Error {
    Error::new(ErrorCode::NotFound, "There is no resource with this type and id, or it is not yours to see.")
}

/// Reads an entity tag as a version: `W/"3"`, `"3"`, and the bare `3` that some clients send.
///
/// Errors: [`ErrorCode::InvalidHeader`].
pub fn entity_tag(text: &str) -> Result<i64, Error> {
    let text = text.trim();
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
    tag.parse().ok().filter(|_| tag.bytes().all(|b| b.is_ascii_digit())).ok_or_else(|| {
        Error::new(ErrorCode::InvalidHeader, "An entity tag is written W/\"n\", with the version n.")
    })
}

/// Text that tells one caller from another, for page cursors.
fn caller(actor: &Actor) -> String {
    let part = |text: Option<&str>| text.unwrap_or_default().replace('\n', " ");
    let patient = actor.patient.as_ref().map(Id::as_str);
    format!("{}\n{}\n{}", part(actor.client.as_deref()), part(actor.fhir_user.as_deref()), part(patient))
}
