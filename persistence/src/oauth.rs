//! The authorization server's records: single use stands on an insert of a key that may exist once.

use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::clock::Instant;
use domain::store::authorization::{AuthorizationRead, AuthorizationWrite, Kind, Record};

const SELECT: &str = "SELECT key, body, expires_us FROM authorization_record WHERE kind = ";

/// `expires_us` of a record that never expires.
const NEVER: i64 = i64::MAX;

fn record((key, body, expires): (String, String, i64)) -> Record {
    Record { key, body, expires: (expires != NEVER).then_some(Instant(expires)) }
}

impl AuthorizationRead for Transaction<'_> {
    fn authorization(&mut self, kind: Kind, key: &str) -> Result<Option<Record>, Error> {
        let mut statement = Statement::new(SELECT);
        statement.text(kind.name()).sql(" AND key = ").text(key);
        Ok(self.connection.records(&statement)?.pop().map(record))
    }

    fn authorizations(&mut self, kind: Kind, prefix: &str) -> Result<Vec<Record>, Error> {
        let mut statement = Statement::new(SELECT);
        statement.text(kind.name()).sql(" AND key >= ").text(prefix);
        statement.sql(" AND key < ").text(&format!("{prefix}\u{10ffff}")).sql(" ORDER BY key");
        Ok(self.connection.records(&statement)?.into_iter().map(record).collect())
    }
}

fn insert(kind: Kind, record: &Record) -> Statement {
    let mut statement =
        Statement::new("INSERT INTO authorization_record (kind, key, body, expires_us) VALUES (");
    statement.text(kind.name()).sql(", ").text(&record.key).sql(", ").text(&record.body).sql(", ");
    statement.integer(record.expires.map_or(NEVER, |expires| expires.0)).sql(")");
    statement
}

impl AuthorizationWrite for Transaction<'_> {
    fn insert_authorization(&mut self, kind: Kind, record: &Record) -> Result<bool, Error> {
        let mut statement = insert(kind, record);
        Ok(self.connection.execute(statement.sql(" ON CONFLICT DO NOTHING"))? == 1)
    }

    fn put_authorization(&mut self, kind: Kind, record: &Record) -> Result<(), Error> {
        let mut statement = insert(kind, record);
        statement.sql(
            " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body, expires_us = excluded.expires_us",
        );
        self.connection.execute(&statement).map(drop)
    }

    fn remove_authorization(&mut self, kind: Kind, key: &str) -> Result<bool, Error> {
        let mut statement = Statement::new("DELETE FROM authorization_record WHERE kind = ");
        Ok(self.connection.execute(statement.text(kind.name()).sql(" AND key = ").text(key))? == 1)
    }

    fn purge_authorizations(&mut self, before: Instant) -> Result<(), Error> {
        let mut statement = Statement::new("DELETE FROM authorization_record WHERE expires_us < ");
        self.connection.execute(statement.integer(before.0)).map(drop)
    }
}
