//! What imports have finished.

use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::store::import::{ImportRead, ImportWrite};

impl ImportRead for Transaction<'_> {
    fn imported(&mut self, key: &str) -> Result<bool, Error> {
        let mut statement = Statement::new("SELECT COUNT(*) FROM imported WHERE key = ");
        Ok(self.connection.integers(statement.text(key))?.pop() == Some(1))
    }
}

impl ImportWrite for Transaction<'_> {
    fn note_imported(&mut self, key: &str) -> Result<bool, Error> {
        let mut statement = Statement::new("INSERT INTO imported (key) VALUES (");
        Ok(self.connection.execute(statement.text(key).sql(") ON CONFLICT DO NOTHING"))? == 1)
    }
}
