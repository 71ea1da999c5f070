//! The little that is looked at in a document before it goes through the door: what it is, and what its entries ask.

use domain::resource::json::Json;
use domain::{Error, ErrorCode};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What is needed of a resource or Bundle to know what to do with it.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(rename = "resourceType", borrow, default)]
    resource_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(rename = "type", borrow, default)]
    type_: Option<&'a RawValue>,
    #[serde(borrow, default)]
    entry: Option<&'a RawValue>,
}

/// The part of a Bundle's entry that is looked at.
#[derive(Deserialize)]
pub(super) struct Entry<'a> {
    #[serde(borrow, default)]
    pub(super) resource: Option<&'a RawValue>,
    #[serde(borrow, default)]
    request: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Asked {
    method: Option<String>,
    url: Option<String>,
}

/// Text of a JSON string; `None` for any other value.
fn text(raw: Option<&RawValue>) -> Option<String> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
}

impl<'a> Head<'a> {
    /// Looks at a document.
    ///
    /// Errors: it is no JSON object, with the reason that a body sent over HTTP would get.
    pub(super) fn of(document: &'a [u8]) -> Result<Head<'a>, Error> {
        serde_json::from_slice(document).map_err(|_| {
            let reason = Json::parse(document).err();
            reason.unwrap_or_else(|| {
                Error::new(ErrorCode::InvalidStructure, "The document is not one JSON object.")
            })
        })
    }

    /// `resourceType`, empty if there is none.
    pub(super) fn resource_type(&self) -> String {
        text(self.resource_type).unwrap_or_default()
    }

    /// `id`, if it is text.
    pub(super) fn id(&self) -> Option<String> {
        text(self.id)
    }

    /// `Bundle.type`, empty if it is no Bundle.
    pub(super) fn bundle_type(&self) -> String {
        let is_bundle = self.resource_type() == "Bundle";
        text(self.type_).filter(|_| is_bundle).unwrap_or_default()
    }

    /// `Bundle.entry` as written.
    pub(super) fn entries(&self) -> Vec<&'a RawValue> {
        self.entry.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }
}

impl<'a> Entry<'a> {
    /// Looks at an entry; one that is no object asks nothing.
    pub(super) fn of(raw: &'a RawValue) -> Entry<'a> {
        serde_json::from_str(raw.get()).unwrap_or(Entry { resource: None, request: None })
    }

    /// Whether it makes something new each time it is performed.
    pub(super) fn creates(&self) -> bool {
        self.asked().and_then(|asked| asked.method).as_deref() == Some("POST")
    }

    /// The type of its resource, or of what it asks for.
    pub(super) fn type_(&self) -> String {
        match self.resource {
            Some(resource) => type_of(resource),
            None => {
                let url = self.asked().and_then(|asked| asked.url).unwrap_or_default();
                let type_ = url.split(['/', '?']).next().unwrap_or_default();
                if type_.is_empty() || type_.contains(':') { "?".into() } else { type_.into() }
            }
        }
    }

    fn asked(&self) -> Option<Asked> {
        self.request.and_then(|raw| serde_json::from_str(raw.get()).ok())
    }
}

/// `resourceType` of a resource.
pub(super) fn type_of(resource: &RawValue) -> String {
    let type_ = Head::of(resource.get().as_bytes()).map(|head| head.resource_type()).unwrap_or_default();
    if type_.is_empty() { "?".into() } else { type_ }
}
