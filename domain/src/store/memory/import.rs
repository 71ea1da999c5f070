//! What imports have finished, in a set.

use super::Transaction;
use crate::error::Error;
use crate::store::import::{ImportRead, ImportWrite};

impl ImportRead for Transaction<'_> {
    fn imported(&mut self, key: &str) -> Result<bool, Error> {
        Ok(self.state.imported.contains(key))
    }
}

impl ImportWrite for Transaction<'_> {
    fn note_imported(&mut self, key: &str) -> Result<bool, Error> {
        Ok(self.state.imported.insert(key.to_owned()))
    }
}
