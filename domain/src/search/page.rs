//! Cursors: where the next page begins, sealed so that it only serves the query and the caller it was made for, for a day.
//!
//! A cursor proves nothing by itself: access is decided again on every page.

use super::query::{Position, SortValue};
use super::scope::SearchScope;
use crate::clock::Instant;
use crate::error::{Error, ErrorCode};
use crate::interaction::Parameters;
use crate::store::authorization::{AuthorizationWrite, Kind, Record};
use crate::store::{HistoryPosition, HistoryScope};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

/// Name of the parameter that carries a cursor.
pub const PARAMETER: &str = "_cursor";

/// Seconds for which a cursor serves.
pub const LIFETIME: i64 = 86_400;

/// Longest cursor that is read.
const MAX_LENGTH: usize = 8192;

/// Bytes of the keyed hash.
const TAG: usize = 16;

/// What seals cursors: the server's key and who the caller is.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// `Settings.cursor_key`.
    pub key: &'a [u8; 32],
    /// Text that tells this caller from others: client, person and patient.
    pub caller: &'a str,
}

/// The key that seals cursors, kept in the store so that a cursor outlives a restart and serves every process on the same
/// database. `fresh` becomes the key if there is none yet; of processes that start together one gives it.
///
/// Errors: those of the store.
pub fn ensure_key(tx: &mut dyn AuthorizationWrite, fresh: &[u8; 32]) -> Result<[u8; 32], Error> {
    const NAME: &str = "page";
    if tx.authorization(Kind::CursorKey, NAME)?.is_none() {
        let record = Record { key: NAME.into(), body: URL_SAFE_NO_PAD.encode(fresh), expires: None };
        tx.insert_authorization(Kind::CursorKey, &record)?;
    }
    let stored = tx.authorization(Kind::CursorKey, NAME)?.map(|record| record.body);
    let key = stored.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).and_then(|key| key.try_into().ok());
    key.ok_or_else(|| Error::internal("the stored cursor key is none"))
}

/// What a search cursor belongs to: where it looks and the parameters that were processed, `_count` aside (pages may change size).
pub fn search_subject(scope: &SearchScope, processed: &Parameters) -> String {
    let mut subject = format!("search\n{}\n", scope.path());
    for (name, value) in
        processed.iter().filter(|(name, _)| !matches!(&**name, "_count" | "_format" | "_pretty"))
    {
        // Lengths keep `a=b` of one pair from looking like another's.
        subject.push_str(&format!("{}:{name}={}:{value}\n", name.len(), value.len()));
    }
    subject
}

/// What a history cursor belongs to.
pub fn history_subject(scope: &HistoryScope, processed: &Parameters) -> String {
    let (type_, id) = match scope {
        HistoryScope::Instance(type_, id) => (Some(*type_), id.as_str()),
        HistoryScope::Type(type_) => (Some(*type_), ""),
        HistoryScope::System => (None, ""),
    };
    format!("history\n{id}\n{}", search_subject(&SearchScope::from(type_), processed))
}

impl Seal<'_> {
    /// A cursor to `position` of the search that `subject` tells: to what comes after it, or `backward` to what comes before.
    pub fn search(&self, (position, backward): (&Position, bool), subject: &str, now: Instant) -> String {
        let mut body = Vec::with_capacity(64);
        body.push(u8::from(backward));
        body.extend_from_slice(&position.row.to_le_bytes());
        for value in &position.values {
            match value {
                None => body.push(0),
                Some(SortValue::Integer(number)) => {
                    body.push(1);
                    body.extend_from_slice(&number.to_le_bytes());
                }
                Some(SortValue::Real(number)) => {
                    body.push(2);
                    body.extend_from_slice(&number.to_le_bytes());
                }
                Some(SortValue::Text(text)) => {
                    body.push(3);
                    body.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                    body.extend_from_slice(text.as_bytes());
                }
            }
        }
        self.close(body, subject, now)
    }

    /// A cursor to `position` of the history that `subject` tells.
    pub fn history(&self, position: HistoryPosition, subject: &str, now: Instant) -> String {
        let mut body = Vec::with_capacity(48);
        for number in [position.updated.0, position.row, position.version] {
            body.extend_from_slice(&number.to_le_bytes());
        }
        self.close(body, subject, now)
    }

    /// Reads a cursor of the search that `subject` tells, with `keys` sort keys: the place, and whether to read backward.
    ///
    /// Errors: [`ErrorCode::InvalidParameter`] for one that is altered, expired, of another query or of another caller.
    pub fn open_search(
        &self,
        cursor: &str,
        subject: &str,
        keys: usize,
        now: Instant,
    ) -> Result<(Position, bool), Error> {
        let body = self.open(cursor, subject, now)?;
        let (direction, mut rest) = body.split_first().ok_or_else(foreign)?;
        let row = number(&mut rest).ok_or_else(foreign)?;
        let mut values = Vec::with_capacity(keys);
        while let Some((kind, after)) = rest.split_first() {
            rest = after;
            values.push(value(*kind, &mut rest).ok_or_else(foreign)?);
        }
        if values.len() != keys {
            return Err(foreign());
        }
        Ok((Position { values, row }, *direction == 1))
    }

    /// Reads a cursor of the history that `subject` tells.
    ///
    /// Errors: as [`Seal::open_search`].
    pub fn open_history(&self, cursor: &str, subject: &str, now: Instant) -> Result<HistoryPosition, Error> {
        let body = self.open(cursor, subject, now)?;
        let mut rest = body.as_slice();
        match (number(&mut rest), number(&mut rest), number(&mut rest), rest) {
            (Some(updated), Some(row), Some(version), []) => {
                Ok(HistoryPosition { updated: Instant(updated), row, version })
            }
            _ => Err(foreign()),
        }
    }

    fn close(&self, mut body: Vec<u8>, subject: &str, now: Instant) -> String {
        body.extend_from_slice(&now.plus_seconds(LIFETIME).seconds().to_le_bytes());
        let tag = self.tag(&body, subject);
        body.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(body)
    }

    fn open(&self, cursor: &str, subject: &str, now: Instant) -> Result<Vec<u8>, Error> {
        let bytes = Some(cursor).filter(|cursor| cursor.len() <= MAX_LENGTH);
        let mut bytes = bytes.and_then(|cursor| URL_SAFE_NO_PAD.decode(cursor).ok()).ok_or_else(foreign)?;
        let length = bytes.len().checked_sub(TAG + 8).ok_or_else(foreign)?;
        let tag = bytes.split_off(length + 8);
        if !bool::from(self.tag(&bytes, subject).ct_eq(&tag)) {
            return Err(foreign());
        }
        let expiry = bytes.split_off(length);
        let expiry = number(&mut expiry.as_slice()).ok_or_else(foreign)?;
        if now.seconds() >= expiry {
            return Err(refused("it has expired; start again from the first page"));
        }
        Ok(bytes)
    }

    fn tag(&self, body: &[u8], subject: &str) -> [u8; TAG] {
        let mut hasher = blake3::Hasher::new_keyed(self.key);
        for part in [self.caller.as_bytes(), subject.as_bytes(), body] {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().as_bytes().first_chunk::<TAG>().copied().unwrap_or_default()
    }
}

fn refused(reason: &str) -> Error {
    Error::new(ErrorCode::InvalidParameter, format!("The parameter '{PARAMETER}': {reason}."))
}

fn foreign() -> Error {
    refused(
        "it does not belong to this request; follow the links of a page as they were given, with the same token",
    )
}

fn number(rest: &mut &[u8]) -> Option<i64> {
    let (first, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(i64::from_le_bytes(*first))
}

fn value(kind: u8, rest: &mut &[u8]) -> Option<Option<SortValue>> {
    match kind {
        0 => Some(None),
        1 => number(rest).map(|number| Some(SortValue::Integer(number))),
        2 => {
            let (first, after) = rest.split_first_chunk::<8>()?;
            *rest = after;
            Some(Some(SortValue::Real(f64::from_le_bytes(*first))))
        }
        3 => {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (text, after) = after.split_at_checked(length)?;
            *rest = after;
            Some(Some(SortValue::Text(String::from_utf8(text.to_vec()).ok()?)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAL: Seal<'_> = Seal { key: &[7; 32], caller: "app a" };
    const NOW: Instant = Instant(1_000_000_000_000);

    #[test]
    fn a_cursor_comes_back_for_its_query_and_caller_only() {
        let values = vec![
            None,
            Some(SortValue::Integer(-3)),
            Some(SortValue::Text("é".into())),
            Some(SortValue::Real(0.5)),
        ];
        let position = Position { values, row: 42 };
        let backward = SEAL.search((&position, true), "q", NOW);
        assert_eq!(SEAL.open_search(&backward, "q", 4, NOW).unwrap(), (position.clone(), true));
        let cursor = SEAL.search((&position, false), "q", NOW);
        assert_eq!(SEAL.open_search(&cursor, "q", 4, NOW).unwrap(), (position, false));
        assert!(SEAL.open_search(&cursor, "other", 4, NOW).is_err());
        assert!(SEAL.open_search(&cursor, "q", 3, NOW).is_err());
        assert!(Seal { caller: "app b", ..SEAL }.open_search(&cursor, "q", 4, NOW).is_err());
        assert!(Seal { key: &[8; 32], ..SEAL }.open_search(&cursor, "q", 4, NOW).is_err());
        assert!(SEAL.open_history(&cursor, "q", NOW).is_err());
        let late = SEAL.open_search(&cursor, "q", 4, NOW.plus_seconds(LIFETIME)).unwrap_err();
        assert!(late.to_string().contains("expired"), "{late}");
    }

    #[test]
    fn an_altered_cursor_is_refused() {
        let position = HistoryPosition { updated: Instant(5), row: 6, version: 7 };
        let cursor = SEAL.history(position, "h", NOW);
        assert_eq!(SEAL.open_history(&cursor, "h", NOW).unwrap(), position);
        for at in 0..cursor.len() {
            let mut altered = cursor.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(SEAL.open_history(&altered, "h", NOW).is_err(), "{at}");
        }
        for text in ["", "!", "AAAA", &"A".repeat(10_000)] {
            assert_eq!(SEAL.open_history(text, "h", NOW).unwrap_err().code(), ErrorCode::InvalidParameter);
        }
    }
}
