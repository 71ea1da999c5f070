//! The conditions that a request puts on the version it finds (`RFC 9110 §13`, `FHIR R4 http.html#concurrency`, `#cread`).

use super::entity_tag;
use crate::clock::Instant;
use crate::error::{Error, ErrorCode};

/// `*`, or a list of entity tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// `*`: any version, as long as there is one.
    Any,
    /// These versions.
    Versions(Vec<i64>),
}

impl Tags {
    /// Reads a list of entity tags, every one of which must be this server's.
    ///
    /// Errors: [`ErrorCode::InvalidHeader`].
    pub fn parse(text: &str) -> Result<Tags, Error> {
        if text.trim() == "*" {
            return Ok(Tags::Any);
        }
        text.split(',').map(entity_tag).collect::<Result<_, _>>().map(Tags::Versions)
    }

    /// Reads a list of entity tags. A cache may name what another server gave it: such a tag names no version.
    pub fn parse_any(text: &str) -> Tags {
        if text.trim() == "*" {
            return Tags::Any;
        }
        Tags::Versions(text.split(',').filter_map(|tag| entity_tag(tag).ok()).collect())
    }

    fn name(&self, version: i64) -> bool {
        match self {
            Tags::Any => true,
            Tags::Versions(versions) => versions.contains(&version),
        }
    }
}

/// What a request asks of the current version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// `If-Match`: one of these must be current.
    pub if_match: Option<Tags>,
    /// `If-None-Match`: none of these may be current; of a read, the versions the caller has.
    pub if_none_match: Option<Tags>,
    /// `If-Modified-Since`: when the caller read what it has.
    pub if_modified_since: Option<Instant>,
}

impl Conditions {
    /// Whether a reader has what it would get (304). `If-None-Match` comes before `If-Modified-Since`, which has whole
    /// seconds.
    pub fn has_already(&self, version: i64, updated: Instant) -> bool {
        match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => tags.name(version),
            (None, Some(since)) => updated.seconds() <= since.seconds(),
            (None, None) => false,
        }
    }

    /// Whether a write may go on from `current`, the version of the newest state, `None` if there never was one;
    /// `exists` is false for a deletion.
    ///
    /// Errors: [`ErrorCode::VersionMismatch`].
    pub fn check_write(&self, current: Option<i64>, exists: bool) -> Result<(), Error> {
        let matched = match &self.if_match {
            None => true,
            Some(Tags::Any) => exists,
            Some(tags) => current.is_some_and(|version| tags.name(version)),
        };
        if !matched {
            return Err(Error::new(ErrorCode::VersionMismatch, mismatch(current)));
        }
        let kept_out = self.if_none_match.as_ref().filter(|_| exists);
        if let (Some(tags), Some(version)) = (kept_out, current)
            && tags.name(version)
        {
            return Err(Error::new(
                ErrorCode::VersionMismatch,
                format!(
                    "If-None-Match asks that this version be not there, but the current version is {version}."
                ),
            ));
        }
        Ok(())
    }
}

fn mismatch(current: Option<i64>) -> String {
    match current {
        Some(version) => format!(
            "If-Match asks for another version than the current one, which is {version}. Read it, apply the change to \
             it and send its ETag."
        ),
        None => {
            "If-Match asks for a version, but there is no such resource. Leave If-Match out to create it."
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_in_every_form() {
        for (text, versions) in
            [("W/\"3\"", vec![3]), ("\"3\"", vec![3]), ("3", vec![3]), ("W/\"1\", \"2\"", vec![1, 2])]
        {
            assert_eq!(Tags::parse(text), Ok(Tags::Versions(versions.clone())), "{text}");
            assert_eq!(Tags::parse_any(text), Tags::Versions(versions), "{text}");
        }
        assert_eq!(Tags::parse(" * "), Ok(Tags::Any));
        for wrong in
            ["", "x", "W/\"a\"", "\"1\",", "-1", "W/\"1", "w/\"1\"", "*, \"1\"", "\"99999999999999999999\""]
        {
            assert_eq!(Tags::parse(wrong).unwrap_err().code(), ErrorCode::InvalidHeader, "{wrong}");
        }
        assert_eq!(Tags::parse_any("\"from-elsewhere\", W/\"2\""), Tags::Versions(vec![2]));
    }

    #[test]
    fn a_write_goes_on_from_what_it_names_only() {
        let when = |if_match: Option<&str>, if_none_match: Option<&str>, current, exists| {
            let conditions = Conditions {
                if_match: if_match.map(|text| Tags::parse(text).unwrap()),
                if_none_match: if_none_match.map(Tags::parse_any),
                if_modified_since: None,
            };
            conditions.check_write(current, exists).is_ok()
        };
        assert!(when(Some("\"2\""), None, Some(2), true) && when(Some("\"1\", \"2\""), None, Some(2), true));
        assert!(!when(Some("\"1\""), None, Some(2), true) && !when(Some("\"1\""), None, None, false));
        assert!(when(Some("*"), None, Some(2), true));
        assert!(!when(Some("*"), None, None, false) && !when(Some("*"), None, Some(2), false));
        assert!(when(None, Some("*"), None, false) && when(None, Some("*"), Some(2), false));
        assert!(!when(None, Some("*"), Some(2), true) && !when(None, Some("\"2\""), Some(2), true));
        assert!(when(None, Some("\"1\""), Some(2), true));
    }
}
