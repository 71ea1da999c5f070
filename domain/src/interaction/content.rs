//! A resource on its way in: parsed, checked, given its id, indexed.

use super::write::Content;
use crate::access::subject::is_obscure;
use crate::clock::Instant;
use crate::conformance::validation::validate;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index;
use crate::resource::body::Body;
use crate::resource::json::Json;
use crate::resource::link::{Links, Step};
use crate::resource::subset::refuse_part;
use crate::search_parameter;
use crate::server::{Given, Server};

/// What a resource is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// To be made.
    Create,
    /// To replace the one with its id.
    Update,
    /// To replace the one that a condition selects.
    ConditionalUpdate,
}

/// Where the resource comes from.
pub(crate) struct Source<'a> {
    tree: Json<'a>,
    links: Option<(&'a Links, Option<&'a str>)>,
    provisional: bool,
}

impl<'a> Source<'a> {
    /// A resource that is parsed already (of a Bundle), or else the body. `links` are to be rewritten in it once it is
    /// checked.
    pub(crate) fn of(body: &'a [u8], given: Given<'a>) -> Result<Source<'a>, Error> {
        let Given { resource, links, provisional, .. } = given;
        let tree = match resource {
            Some(resource) => resource,
            None if body.is_empty() => {
                let message = "Send the resource: as the body, or as the entry's.";
                return Err(Error::new(ErrorCode::MissingElement, message));
            }
            None => Json::parse(body)?,
        };
        Ok(Source { tree, links, provisional })
    }

    /// The id that the resource gives itself.
    ///
    /// Errors: it can be none.
    pub(crate) fn id(&self) -> Result<Option<Id>, Error> {
        let Some(id) = self.tree.get("id") else { return Ok(None) };
        let id = id.as_str().and_then(|text| Id::parse(text).ok());
        let name = self.tree.resource_type().unwrap_or("Resource");
        id.map(Some).ok_or_else(|| {
            let message = "An id has 1 to 64 letters, digits, '-' and '.'.";
            Error::new(ErrorCode::InvalidValue, message).at(format!("{name}.id"))
        })
    }
}

/// Makes a resource ready to be stored as `type_`/`id`.
///
/// Errors: all its faults; another type than the address's; for an update, another id than the address's
/// (`FHIR R4 http.html#update`).
pub(crate) fn prepare(
    server: &Server,
    type_: TypeId,
    id: &Id,
    source: Source<'_>,
    write: Write,
) -> Result<Content, Error> {
    let name = Definitions::r4().type_name(type_);
    let Source { tree, links, mut provisional } = source;
    // The typed model is not asked here: a test over all corpora and mutated bodies holds the table check to refuse
    // all that it refuses.
    let checked = validate(Definitions::r4(), &tree, Some(type_), &server.settings.validation);
    let warnings = checked.into_result()?;
    if name == "SearchParameter" {
        search_parameter::read(&tree)?;
    }
    let resource = tree
        .as_object()
        .ok_or_else(|| Error::new(ErrorCode::InvalidStructure, "A resource is a JSON object.").at(name))?;
    if write == Write::Update && resource.str("id") != Some(id.as_str()) {
        let message = "An update's resource has the id of the address in its element id.";
        return Err(Error::new(ErrorCode::InvalidValue, message).at(format!("{name}.id")));
    }
    if write != Write::Create {
        refuse_part(resource, name)?;
    }
    let mut tree = tree;
    if let Json::Object(resource) = &mut tree {
        resource.set("id", Json::from(id.to_string()));
    }
    if let Some((links, full_url)) = links {
        provisional |= links.rewrite(Step::AfterCheck, &mut tree, full_url).provisional;
    }
    indexed(server, type_, id, &tree).map(|content| Content { warnings, provisional, ..content })
}

/// Content that is ready, made ready again: under another id, or with links that are known now.
pub(super) fn again(
    server: &Server,
    type_: TypeId,
    id: &Id,
    content: &Content,
    links: Option<&Links>,
) -> Result<Content, Error> {
    let text = content.body.finish(1, Instant(0));
    let mut tree = Json::parse(&text)?;
    if let Json::Object(resource) = &mut tree {
        resource.set("id", Json::from(id.to_string()));
    }
    if let Some(links) = links {
        links.rewrite(Step::BeforeCheck, &mut tree, None);
        links.rewrite(Step::AfterCheck, &mut tree, None);
    }
    indexed(server, type_, id, &tree).map(|again| Content {
        warnings: content.warnings.clone(),
        provisional: false,
        ..again
    })
}

/// What is stored of a resource and what it is found by.
pub(super) fn indexed(server: &Server, type_: TypeId, id: &Id, tree: &Json<'_>) -> Result<Content, Error> {
    let indexed = index::extract(&server.parameters(), type_, tree, &server.settings.base);
    let obscure = is_obscure(type_, tree, &server.settings.base);
    let body = tree.as_object().map(|resource| Body::new(resource, id));
    let body = body.ok_or_else(|| Error::new(ErrorCode::InvalidStructure, "A resource is a JSON object."))?;
    Ok(Content { body, indexed, obscure, warnings: Vec::new(), provisional: false })
}
