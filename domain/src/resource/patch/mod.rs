//! Patch documents (`FHIR R4 http.html#patch`): what they say, and a resource's tree with that done to it.
//!
//! Nothing is half done: every operation applies or the patch fails. What comes out is checked like any resource that
//! is written, by the caller.

mod fhirpath_patch;
mod json_patch;

use crate::clock::Instant;
use crate::error::{Error, ErrorCode};
use crate::resource::json::{Json, MAX_DEPTH};

/// Most operations of one patch.
const MOST_OPERATIONS: usize = 1000;

/// The media types that a patch may have, with what `CapabilityStatement.patchFormat` says.
pub const MEDIA_TYPES: [&str; 2] = ["application/json-patch+json", "application/fhir+json"];

/// A patch that was read.
#[derive(Debug, Clone)]
pub enum Patch {
    /// `RFC 6902`
    Json(Vec<json_patch::Operation>),
    /// `FHIR R4 fhirpatch.html`
    FhirPath(Vec<fhirpath_patch::Operation>),
}

impl Patch {
    /// Reads a patch of this media type (without its parameters).
    ///
    /// Errors: [`ErrorCode::UnsupportedMediaType`]; [`ErrorCode::MalformedBody`]; [`ErrorCode::InvalidStructure`] and
    /// others of what is no such patch.
    pub fn parse(media_type: &str, body: &[u8]) -> Result<Patch, Error> {
        match media_type {
            "application/json-patch+json" => json_patch::parse(&Json::parse(body)?).map(Patch::Json),
            "application/fhir+json" | "application/json+fhir" => {
                fhirpath_patch::parse(&Json::parse(body)?).map(Patch::FhirPath)
            }
            // What clients call any JSON: an array is no resource.
            "application/json" => {
                let tree = Json::parse(body)?;
                match tree {
                    Json::Array(_) => json_patch::parse(&tree).map(Patch::Json),
                    _ => fhirpath_patch::parse(&tree).map(Patch::FhirPath),
                }
            }
            "application/xml-patch+xml" => Err(refused("XML Patch is not supported")),
            _ => Err(refused("This is no patch's media type")),
        }
    }

    /// Reads the patch of a Bundle's entry: Parameters, or a Binary with a patch document in it.
    ///
    /// Errors: as [`Patch::parse`].
    pub fn of_entry(resource: &Json<'_>) -> Result<Patch, Error> {
        if resource.resource_type() != Some("Binary") {
            return fhirpath_patch::parse(resource).map(Patch::FhirPath);
        }
        let text = |name| resource.get(name).and_then(Json::as_str).unwrap_or_default();
        let data = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text("data"));
        let data = data.map_err(|_| malformed("Binary.data is base64").at("Binary.data"))?;
        Patch::parse(text("contentType").split(';').next().unwrap_or_default().trim(), &data)
    }

    /// The resource `before` with the patch applied, at the time `now`.
    ///
    /// Errors: [`ErrorCode::PatchFailed`] for an operation that does not apply, and for a change of `id`,
    /// `resourceType`, `meta.versionId` or `meta.lastUpdated`.
    pub fn apply(&self, before: &Json<'_>, now: Instant) -> Result<Json<'static>, Error> {
        let mut tree = before.clone().into_owned();
        match self {
            Patch::Json(operations) => json_patch::apply(&mut tree, operations)?,
            Patch::FhirPath(operations) => fhirpath_patch::apply(&mut tree, operations, now)?,
        }
        check_kept(before, &tree)?;
        Ok(tree)
    }
}

fn refused(what: &str) -> Error {
    let message = format!("{what}. Send {}.", MEDIA_TYPES.join(" or "));
    Error::new(ErrorCode::UnsupportedMediaType, message)
}

/// A patch that is not one.
fn malformed(what: &str) -> Error {
    Error::new(ErrorCode::InvalidStructure, format!("The patch cannot be read: {what}."))
}

/// A patch that does not apply.
fn failed(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::PatchFailed, format!("The patch does not apply, and nothing was changed: {why}."))
}

/// What is the server's stays what it was.
fn check_kept(before: &Json<'_>, after: &Json<'_>) -> Result<(), Error> {
    let name = before.resource_type().unwrap_or("Resource");
    let meta = |tree: &Json<'_>, member: &str| {
        tree.get("meta").and_then(|meta| meta.get(member)).cloned().map(Json::into_owned)
    };
    let changed = ["resourceType", "id"].into_iter().find(|member| before.get(member) != after.get(member));
    let changed = changed.map(str::to_owned).or_else(|| {
        let of_meta = ["versionId", "lastUpdated"].into_iter();
        of_meta
            .into_iter()
            .find(|member| meta(before, member) != meta(after, member))
            .map(|member| format!("meta.{member}"))
    });
    match changed {
        Some(member) => {
            Err(failed(format!("'{member}' is not the client's to change")).at(format!("{name}.{member}")))
        }
        None => Ok(()),
    }
}

/// How deep a value is nested.
fn depth(value: &Json<'_>) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(members) => 1 + members.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

/// How many values a value holds, itself included.
fn size(value: &Json<'_>) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Json::Object(members) => 1 + members.iter().map(|(_, value)| size(value)).sum::<usize>(),
        _ => 1,
    }
}

/// Refuses a value that would be nested too deep below `above` others.
fn check_depth(above: usize, value: &Json<'_>) -> Result<(), Error> {
    if above + depth(value) > MAX_DEPTH {
        return Err(failed(format!("the resource would be nested more than {MAX_DEPTH} levels deep")));
    }
    Ok(())
}

/// Takes out the empty objects and arrays that removals have left: FHIR has none (`FHIR R4 json.html`).
fn prune(value: &mut Json<'_>) {
    let empty = |value: &Json<'_>| match value {
        Json::Array(items) => items.is_empty() || items.iter().all(|item| matches!(item, Json::Null)),
        Json::Object(members) => members.is_empty(),
        _ => false,
    };
    match value {
        Json::Array(items) => {
            items.iter_mut().for_each(prune);
            items.retain(|item| !empty(item));
        }
        Json::Object(members) => {
            let mut gone = Vec::new();
            for (name, value) in members.iter_mut() {
                match value {
                    // Companions keep step with their values.
                    Json::Array(companions) if name.starts_with('_') => {
                        for companion in companions {
                            prune(companion);
                            if empty(companion) {
                                *companion = Json::Null;
                            }
                        }
                    }
                    _ => prune(value),
                }
                if empty(value) {
                    gone.push(name.to_owned());
                }
            }
            for name in gone {
                members.remove(&name);
            }
        }
        _ => {}
    }
}
