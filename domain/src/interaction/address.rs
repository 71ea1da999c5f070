//! From a method and an address to an [`Interaction`], the same for HTTP and for `Bundle.entry.request`
//! (`FHIR R4 http.html#general`).

use super::{Interaction, Parameters};
use crate::conformance::registry::Registry;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::operation::{Operation, Target};
use crate::search::{Compartment, SearchScope};
use crate::store::HistoryScope;
use std::borrow::Cow;

/// What an address below the FHIR base names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The base itself.
    System,
    /// `metadata`
    Metadata,
    /// `_search`, `Type/_search`, `Patient/x/Observation/_search`, `Patient/x/_search`: searches as forms.
    Search(SearchScope),
    /// `Patient/x/Observation`, `Patient/x/*`: searches in compartments (`FHIR R4 search.html`, "Search Contexts").
    Compartment(SearchScope),
    /// `Type`
    Type(TypeId),
    /// `_history`, `Type/_history`, `Type/id/_history`
    History(HistoryScope),
    /// `Type/id`
    Instance(TypeId, Id),
    /// `Type/id/_history/version`
    Version(TypeId, Id, i64),
    /// `$name`, `Type/$name`, `Type/id/$name` (`FHIR R4 operations.html`)
    Operation(Operation, Target),
    /// `_jobs/id`: what was asked for and is done in the background (`FHIR R4 async.html`)
    Job(Id),
}

impl Address {
    /// Reads a path below the FHIR base, percent-encoded, with or without slashes at its ends.
    ///
    /// Errors: [`ErrorCode::UnknownType`], [`ErrorCode::NotFoundRoute`], [`ErrorCode::NotFound`] for an id or version
    /// that nothing can have.
    pub fn parse(path: &str) -> Result<Address, Error> {
        let mut segments = Vec::with_capacity(4);
        for segment in path.trim_matches('/').split('/') {
            segments.push(percent_encoding::percent_decode_str(segment).decode_utf8_lossy());
        }
        let segments: Vec<&str> = segments.iter().map(Cow::as_ref).collect();
        match *segments.as_slice() {
            [""] => Ok(Address::System),
            ["metadata"] => Ok(Address::Metadata),
            ["_history"] => Ok(Address::History(HistoryScope::System)),
            ["_search"] => Ok(Address::Search(SearchScope::System)),
            [name] if name.starts_with('$') => operation(name, Target::System),
            [type_, name] if name.starts_with('$') => operation(name, Target::Type(resource_type(type_)?)),
            [type_, id, name] if name.starts_with('$') => {
                operation(name, Target::Instance(resource_type(type_)?, logical_id(id)?))
            }
            ["_jobs", id] => Ok(Address::Job(job_id(id)?)),
            [type_] => Ok(Address::Type(resource_type(type_)?)),
            [type_, "_search"] => Ok(Address::Search(SearchScope::Type(resource_type(type_)?))),
            [type_, "_history"] => Ok(Address::History(HistoryScope::Type(resource_type(type_)?))),
            [type_, id] => Ok(Address::Instance(resource_type(type_)?, logical_id(id)?)),
            [type_, id, "_history"] => {
                Ok(Address::History(HistoryScope::Instance(resource_type(type_)?, logical_id(id)?)))
            }
            [type_, id, "_history", version] => {
                Ok(Address::Version(resource_type(type_)?, logical_id(id)?, version_number(version)?))
            }
            [type_, id, "_search"] => compartment(type_, id, "*").map(Address::Search),
            [type_, id, member] if is_member(member) => {
                compartment(type_, id, member).map(Address::Compartment)
            }
            [type_, id, member, "_search"] if is_member(member) => {
                compartment(type_, id, member).map(Address::Search)
            }
            _ => Err(Error::new(ErrorCode::NotFoundRoute, "There is nothing at this address.")),
        }
    }

    /// The methods offered at this address, for `Allow`.
    pub const fn methods(&self) -> &'static [&'static str] {
        match self {
            Address::System => &["GET", "HEAD", "POST"],
            Address::Metadata | Address::History(_) | Address::Version(..) | Address::Compartment(_) => {
                &["GET", "HEAD"]
            }
            Address::Search(_) | Address::Operation(..) => &["POST"],
            Address::Job(_) => &["GET", "HEAD", "DELETE"],
            Address::Type(_) => &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            Address::Instance(..) => &["GET", "HEAD", "PUT", "PATCH", "DELETE"],
        }
    }

    /// The interaction that `method` asks for here. `HEAD` is `GET`; the caller drops the body.
    /// `body` is taken as it is; for `_search` the caller has joined the form's pairs to `parameters`.
    ///
    /// Errors: [`ErrorCode::MethodNotAllowed`]; [`ErrorCode::UnknownParameter`] for a create with a condition in its
    /// address.
    pub fn interaction(
        self,
        method: &str,
        parameters: Parameters,
        body: Vec<u8>,
    ) -> Result<Interaction, Error> {
        let method = if method == "HEAD" { "GET" } else { method };
        match (self, method) {
            (Address::Metadata, "GET") => Ok(Interaction::Capabilities(parameters)),
            (Address::System, "GET") => Ok(Interaction::Search(SearchScope::System, parameters)),
            (Address::System, "POST") => Ok(Interaction::Bundle(body)),
            (Address::Search(scope), "POST") | (Address::Compartment(scope), "GET") => {
                Ok(Interaction::Search(scope, parameters))
            }
            (Address::Type(type_), "GET") => Ok(Interaction::Search(SearchScope::Type(type_), parameters)),
            (Address::Type(type_), "POST") => {
                check_create(&parameters)?;
                Ok(Interaction::Create(type_, body))
            }
            (Address::Type(type_), "PUT") => Ok(Interaction::ConditionalUpdate(type_, parameters, body)),
            // The caller says what media type the body has; that of an entry is its resource's.
            (Address::Type(type_), "PATCH") => {
                Ok(Interaction::ConditionalPatch(type_, parameters, String::new(), body))
            }
            (Address::Instance(type_, id), "PATCH") => Ok(Interaction::Patch(type_, id, String::new(), body)),
            (Address::Type(type_), "DELETE") => Ok(Interaction::ConditionalDelete(type_, parameters)),
            (Address::History(scope), "GET") => Ok(Interaction::History(scope, parameters)),
            (Address::Instance(type_, id), "GET") => Ok(Interaction::Read(type_, id, parameters)),
            (Address::Instance(type_, id), "PUT") => Ok(Interaction::Update(type_, id, body)),
            (Address::Instance(type_, id), "DELETE") => Ok(Interaction::Delete(type_, id)),
            (Address::Version(type_, id, version), "GET") => {
                Ok(Interaction::Vread(type_, id, version, parameters))
            }
            (Address::Operation(operation, target), "POST") => {
                Ok(Interaction::Operation(operation, target, parameters, body))
            }
            (Address::Job(id), "GET") => Ok(Interaction::JobStatus(id)),
            (Address::Job(id), "DELETE") => Ok(Interaction::CancelJob(id)),
            (address, _) => Err(Error::new(
                ErrorCode::MethodNotAllowed,
                format!("This address takes {}.", address.methods().join(", ")),
            )),
        }
    }
}

/// A create has no parameters but those of its answer's form (`FHIR R4 http.html#create`). Some servers take more as the
/// condition on which to create, so leaving them unread would make what the client did not want twice.
fn check_create(parameters: &Parameters) -> Result<(), Error> {
    let form = ["_format", "_pretty", "_summary", "_elements"];
    match parameters.iter().find(|(name, _)| !form.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => Err(Error::new(
            ErrorCode::UnknownParameter,
            format!(
                "A create has no parameter '{name}', and nothing was created. To create only what is not there yet, send \
                 the search in the header If-None-Exist."
            ),
        )),
    }
}

/// Reads a URL's query or a form into decoded pairs.
pub fn parameters(query: &str) -> Parameters {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Whether a segment after an id can name what to search for: a type, and none of the words that begin with `_` or `$`.
fn is_member(segment: &str) -> bool {
    segment == "*" || segment.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// The operation of a name, if it is offered for such a target.
fn operation(name: &str, target: Target) -> Result<Address, Error> {
    let type_ = match target {
        Target::System => None,
        Target::Type(type_) | Target::Instance(type_, _) => Some(Definitions::r4().type_name(type_)),
    };
    let offered = Registry::r4()
        .operations_of(target.level(), type_)
        .find(|own| name.strip_prefix('$') == Some(own.code()));
    offered.map(|own| Address::Operation(own, target)).ok_or_else(|| {
        Error::new(
            ErrorCode::NotFoundRoute,
            "There is no such operation here. See the CapabilityStatement at /metadata.",
        )
    })
}

fn job_id(text: &str) -> Result<Id, Error> {
    Id::parse(text).map_err(|_| Error::new(ErrorCode::NotFound, "There is no such job, or it is not yours."))
}

/// The scope `type_/id/member`.
fn compartment(type_: &str, id: &str, member: &str) -> Result<SearchScope, Error> {
    let compartment = Compartment::of(resource_type(type_)?, logical_id(id)?)?;
    if member == "*" {
        return Ok(SearchScope::Compartment(compartment, None));
    }
    SearchScope::of_compartment(compartment, resource_type(member)?)
}

/// A resource type that has an endpoint.
fn resource_type(name: &str) -> Result<TypeId, Error> {
    Definitions::r4().endpoint(name).ok_or_else(|| {
        Error::new(
            ErrorCode::UnknownType,
            "The address names no FHIR R4 resource type; types are case-sensitive.",
        )
    })
}

/// An id in an address. One that cannot exist is one that does not.
fn logical_id(text: &str) -> Result<Id, Error> {
    Id::parse(text).map_err(|_| Error::new(ErrorCode::NotFound, "There is no resource with this id."))
}

fn version_number(text: &str) -> Result<i64, Error> {
    text.parse()
        .ok()
        .filter(|version: &i64| *version > 0 && !text.starts_with('+'))
        .ok_or_else(|| Error::new(ErrorCode::NotFound, "There is no such version of this resource."))
}
