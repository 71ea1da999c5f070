//! Logical ids and versions of resources, and where new ids come from.

use crate::{Error, ErrorCode};
use std::fmt;
use std::sync::Arc;

/// A resource's logical id: 1 to 64 of `A-Z a-z 0-9 - .` (`FHIR R4 datatypes.html#id`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

impl Id {
    /// Parses an id.
    ///
    /// Errors: [`ErrorCode::InvalidValue`].
    pub fn parse(text: &str) -> Result<Id, Error> {
        if Id::is_valid(text) {
            Ok(Id(Arc::from(text)))
        } else {
            Err(Error::new(
                ErrorCode::InvalidValue,
                "An id has 1 to 64 of the characters A-Z, a-z, 0-9, '-' and '.'.".to_owned(),
            ))
        }
    }

    /// Whether `text` is an id.
    pub fn is_valid(text: &str) -> bool {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<uuid::Uuid> for Id {
    fn from(uuid: uuid::Uuid) -> Id {
        Id(Arc::from(uuid.hyphenated().to_string()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where randomness comes from. The domain has none of its own.
pub trait IdSource: Send + Sync {
    /// A new resource id, a UUIDv7: increasing with time, so that neighbours in time are neighbours on disk.
    fn resource_id(&self) -> Id;

    /// 32 bytes nobody can guess, for codes, tokens and keys.
    fn secret(&self) -> [u8; 32];
}
