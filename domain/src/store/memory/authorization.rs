//! The authorization server's records, in a map.

use super::Transaction;
use crate::clock::Instant;
use crate::error::Error;
use crate::store::authorization::{AuthorizationRead, AuthorizationWrite, Kind, Record};

impl AuthorizationRead for Transaction<'_> {
    fn authorization(&mut self, kind: Kind, key: &str) -> Result<Option<Record>, Error> {
        Ok(self.state.records.get(&(kind, key.to_owned())).cloned())
    }

    fn authorizations(&mut self, kind: Kind, prefix: &str) -> Result<Vec<Record>, Error> {
        let all = self.state.records.iter();
        let found = all.filter(|((of, key), _)| *of == kind && key.starts_with(prefix));
        Ok(found.map(|(_, record)| record.clone()).collect())
    }
}

impl AuthorizationWrite for Transaction<'_> {
    fn insert_authorization(&mut self, kind: Kind, record: &Record) -> Result<bool, Error> {
        let free = !self.state.records.contains_key(&(kind, record.key.clone()));
        if free {
            self.put_authorization(kind, record)?;
        }
        Ok(free)
    }

    fn put_authorization(&mut self, kind: Kind, record: &Record) -> Result<(), Error> {
        self.state.records.insert((kind, record.key.clone()), record.clone());
        Ok(())
    }

    fn remove_authorization(&mut self, kind: Kind, key: &str) -> Result<bool, Error> {
        Ok(self.state.records.remove(&(kind, key.to_owned())).is_some())
    }

    fn purge_authorizations(&mut self, before: Instant) -> Result<(), Error> {
        self.state.records.retain(|_, record| record.expires.is_none_or(|expires| expires >= before));
        Ok(())
    }
}
