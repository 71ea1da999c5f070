//! A resource on its way in: parsed, checked, given its id, indexed.

use super::write::{Content, Kind};
use crate::access::subject::is_obscure;
use crate::conformance::validation::validate;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index;
use crate::resource::body::Body;
use crate::resource::json::Json;
use crate::resource::link::{Links, Step};
use crate::resource::subset::refuse_part;
use crate::server::Server;

/// Where the resource comes from.
pub(crate) struct Source<'a> {
    tree: Json<'a>,
    links: Option<(&'a Links, Option<&'a str>)>,
}

impl<'a> Source<'a> {
    /// A resource that is parsed already (of a Bundle), or else the body. `links` are to be rewritten in it once it is
    /// checked.
    pub(crate) fn of(
        body: &'a [u8],
        parsed: Option<Json<'a>>,
        links: Option<(&'a Links, Option<&'a str>)>,
    ) -> Result<Source<'a>, Error> {
        let tree = match parsed {
            Some(resource) => resource,
            None if body.is_empty() => {
                let message = "Send the resource: as the body, or as the entry's.";
                return Err(Error::new(ErrorCode::MissingElement, message));
            }
            None => Json::parse(body)?,
        };
        Ok(Source { tree, links })
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
    kind: Kind,
) -> Result<Content, Error> {
    let name = Definitions::r4().type_name(type_);
    let Source { tree, links } = source;
    // The typed model is not asked here: a test over all corpora and mutated bodies holds the table check to refuse
    // all that it refuses.
    let checked = validate(Definitions::r4(), &tree, Some(type_), &server.settings.validation);
    let warnings = checked.into_result()?;
    let resource = tree
        .as_object()
        .ok_or_else(|| Error::new(ErrorCode::InvalidStructure, "A resource is a JSON object.").at(name))?;
    if kind == Kind::Update && resource.str("id") != Some(id.as_str()) {
        let message = "An update's resource has the id of the address in its element id.";
        return Err(Error::new(ErrorCode::InvalidValue, message).at(format!("{name}.id")));
    }
    if kind == Kind::Update {
        refuse_part(resource, name)?;
    }
    let mut tree = tree;
    if let Json::Object(resource) = &mut tree {
        resource.set("id", Json::from(id.to_string()));
    }
    if let Some((links, full_url)) = links {
        links.rewrite(Step::AfterCheck, &mut tree, full_url);
    }
    let indexed = index::extract(&server.parameters(), type_, &tree, &server.settings.base);
    let obscure = is_obscure(type_, &tree, &server.settings.base);
    let body = tree.as_object().map(|resource| Body::new(resource, id));
    let body = body.ok_or_else(|| Error::new(ErrorCode::InvalidStructure, "A resource is a JSON object."))?;
    Ok(Content { body, indexed, obscure, warnings })
}
