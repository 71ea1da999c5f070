//! How much one search may ask for: an operator's settings, each refused with a sentence that names it.

use super::parameter::invalid;
use crate::error::{Error, ErrorCode};

/// Most sort keys that any setting may allow.
pub const MOST_SORT_KEYS: usize = 16;

/// What an operator lets one search ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Parameters of one search.
    pub parameters: usize,
    /// Values of one parameter, separated by commas.
    pub values: usize,
    /// Links of one chain, `_has` included.
    pub links: usize,
    /// Keys of `_sort`, at most [`MOST_SORT_KEYS`].
    pub sort_keys: usize,
    /// `_include` and `_revinclude` of one search.
    pub includes: usize,
    /// Resources that one page brings along.
    pub included: usize,
    /// Matches on a page when the caller does not say.
    pub page: usize,
    /// Matches on a page; who asks for more gets this many.
    pub largest_page: usize,
}

impl Limits {
    /// The limits when the operator does not say.
    pub const DEFAULT: Limits = Limits {
        parameters: 100,
        values: 500,
        links: 5,
        sort_keys: 8,
        includes: 20,
        included: 1000,
        page: 20,
        largest_page: 1000,
    };

    /// Reads `_count` (`FHIR R4 search.html#count`): what is more than a page may have, or too long for a number, is the
    /// largest page.
    ///
    /// Errors: [`ErrorCode::InvalidParameter`] for what is no whole number.
    pub fn count(&self, name: &str, value: &str) -> Result<usize, Error> {
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid(name, "it is a whole number, 0 or more"));
        }
        Ok(value.parse().unwrap_or(self.largest_page).min(self.largest_page))
    }

    /// Refuses a search of too many parameters.
    pub(super) fn check_parameters(&self, count: usize) -> Result<(), Error> {
        if count <= self.parameters {
            return Ok(());
        }
        let message = format!(
            "A search may have {} parameters here; this one has {count}. Send fewer.",
            self.parameters
        );
        Err(Error::new(ErrorCode::InvalidParameter, message))
    }

    /// Refuses a parameter of too many values.
    pub(super) fn check_values(&self, name: &str, count: usize) -> Result<(), Error> {
        if count <= self.values {
            return Ok(());
        }
        Err(invalid(name, format!("it has {count} values; send {} or fewer at a time", self.values)))
    }

    /// Refuses one more link after `depth` of them.
    pub(super) fn check_links(&self, name: &str, depth: usize) -> Result<(), Error> {
        if depth < self.links {
            return Ok(());
        }
        Err(invalid(name, format!("the longest chain here has this many links: {}", self.links)))
    }

    /// Refuses too many sort keys.
    pub(super) fn check_sort_keys(&self, name: &str, count: usize) -> Result<(), Error> {
        let most = self.sort_keys.min(MOST_SORT_KEYS);
        if count <= most {
            return Ok(());
        }
        Err(invalid(name, format!("it may have {most} keys here; it has {count}")))
    }

    /// Refuses too many includes.
    pub(super) fn check_includes(&self, name: &str, count: usize) -> Result<(), Error> {
        if count <= self.includes {
            return Ok(());
        }
        Err(invalid(name, format!("a search may have {} includes here", self.includes)))
    }
}
