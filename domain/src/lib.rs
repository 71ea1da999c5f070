//! Binnacle's domain: FHIR R4, access and OAuth rules, without HTTP or a database. This page is the map of the whole
//! project; read it once and you know where to look.
//!
//! # Who knows whom
//!
//! ```text
//!             api  (actix-web: HTTP in, HTTP out; the command line)    main.rs alone names persistence
//!           ↙  ↓  ↘
//!     openapi → domain ← persistence → migrations
//!     (utoipa)   ↓        (diesel)
//!            domain/model
//!            (fhirbolt, typed R4)
//!     tests  → the running binary, over HTTP, on both databases
//! ```
//!
//! # The rooms
//!
//! | room | what is decided there |
//! |---|---|
//! | [`server`] | the one door: [`Server::prepare`](server::Server::prepare), then `perform_read` or `perform_write` |
//! | [`interaction`] | FHIR's RESTful interactions, one a file; a `Bundle.entry` becomes the same [`Interaction`](interaction::Interaction) as an HTTP request |
//! | [`conformance`] | what this server can do: R4's definitions, the [`Registry`](conformance::registry::Registry) made from them, validation |
//! | [`resource`] | a resource as JSON text, as a tree and as stored bytes; links between resources |
//! | [`fhirpath`] | FHIRPath expressions: compiled once, evaluated over the tree within bounds |
//! | [`index`] | from a resource to its index rows and compartments |
//! | [`search`] | from the pairs of a URL to a typed [`Query`](search::query::Query), and from matches to a Bundle; `search/kind` has one file a search type, and `persistence/src/search` answers to the same names |
//! | [`search_parameter`] | search parameters that administrators define |
//! | [`job`] | background work that survives a crash, portion by portion |
//! | [`operation`] | FHIR's operations (`$reindex`), one a file |
//! | [`access`] | who may see and do what, as sets of rows |
//! | [`authorization`] | the OAuth 2.0 / SMART authorization server, as functions from request to response |
//! | [`store`] | what the domain asks of a database, and [`MemoryStore`](store::memory::MemoryStore), the plainest answer to it |
//! | [`error`] | every way to fail, and the one table that gives each its status, issue type and code |
//!
//! # The walk of a request
//!
//! `GET /FHIR/R4/CarePlan?patient=X&_include=CarePlan:goal`, from the socket and back:
//!
//! 1. `api/src/routes.rs` hands everything below the FHIR base to `api/src/fhir`; the layer in `api/src/guard/trace.rs`
//!    has given it a request id and a place among the running requests.
//! 2. `api/src/guard/bearer.rs` verifies the access token: an [`Actor`](access::actor::Actor) with its scopes.
//! 3. `api/src/fhir/request.rs` reads method, address, headers and body into a [`Request`](interaction::Request).
//! 4. [`Server::prepare`](server::Server::prepare) does what needs no database. It asks [`access`] which rows the actor
//!    may touch (none: 403 before anything is looked for) and parses the query, which refuses what it does not know. A
//!    write is parsed, validated, given its id, and indexed here, beside the other requests.
//! 5. One hop (`api/src/worker.rs`) to a store thread with a connection and a transaction:
//!    [`perform_read`](server::Server::perform_read) or [`perform_write`](server::Server::perform_write). The store
//!    compiles the query *and* the access into SQL together; what a caller may not see never becomes a row.
//! 6. The stored bytes of the resources go into the answer as they are ([`search::bundle`]); `api/src/fhir/response.rs`
//!    adds status and headers.
//!
//! The entries of a batch or transaction enter at step 4, each with its own `Request`. There is no other path.
//!
//! # What always holds
//!
//! 1. The domain has no clock, randomness, file or socket of its own: [`Clock`](clock::Clock) and
//!    [`IdSource`](id::IdSource) are arguments, and so is the transaction it works in.
//! 2. One registry: routes, CapabilityStatement, OpenAPI and discovery come from what [`conformance`] lists.
//! 3. Nothing is read or changed that [`access`] did not decide, by a criterion inside the query: on reads, versions,
//!    history, searches, includes, chains, counts and entries alike. No function of a store gives a resource without an
//!    [`Access`](access::Access).
//! 4. One hop, one connection, one transaction a request. An answer to a write leaves after its commit.
//! 5. The stored bytes of a resource are what a reader gets.

pub mod access;
pub mod authorization;
pub mod clock;
pub mod conformance;
pub mod error;
pub mod fhirpath;
pub mod id;
pub mod index;
pub mod interaction;
pub mod job;
pub mod operation;
pub mod resource;
pub mod search;
pub mod search_parameter;
pub mod server;
pub mod store;

pub use error::{Error, ErrorCode, Issue, Severity};
