//! The ValueSets that a search names, found before it runs.

use super::ALIVE;
use crate::access::covered_living;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::conformance::{Definitions, TypeId};
use domain::index::Facet;
use domain::index::value_set::{Why, parameter};
use domain::search::query::Query;
use domain::search::set::{Name, names_any, resolve};
use std::borrow::Cow;

/// The query with its ValueSets found, in the state of the store in which it will run.
pub(super) fn found<'q>(
    tx: &mut Transaction<'_>,
    access: &Access,
    query: &'q Query,
) -> Result<Cow<'q, Query>, Error> {
    if !names_any(query) {
        return Ok(Cow::Borrowed(query));
    }
    let definitions = Definitions::r4();
    let (Some(type_), Some(codes)) = (definitions.type_id("ValueSet"), parameter()) else {
        return Err(Error::internal("R4 has ValueSets"));
    };
    let p = tx.names.p(codes, Facet::Member);
    let mut query = query.clone();
    resolve(&mut query, p, |name| {
        let literal = match name.key {
            Some(key) => one(tx, access, (type_, p), |statement, _| {
                statement.sql("resource v WHERE v.key = ").integer(key);
            })?,
            None => None,
        };
        match literal {
            Some(found) => Ok(Some(found)),
            None => by_url(tx, access, (type_, p), name),
        }
    })?;
    Ok(Cow::Owned(query))
}

/// The ValueSet with the URL that was updated last.
fn by_url(
    tx: &mut Transaction<'_>,
    access: &Access,
    (type_, p): (TypeId, i64),
    name: &Name,
) -> Result<Option<(i64, Why)>, Error> {
    let number = |code| Definitions::r4().parameter(type_, code).map(|parameter| parameter.id);
    let (Some(url), Some(version)) = (number("url"), number("version")) else { return Ok(None) };
    one(tx, access, (type_, p), |statement, tx| {
        statement.sql("ix_uri u CROSS JOIN resource v WHERE u.p = ").integer(tx.names.p(url, Facet::Value));
        statement.sql(" AND u.value = ").text(&name.url).sql(" AND v.rid = u.rid");
        if let Some(wanted) = name.version {
            statement.sql(" AND (SELECT 1 FROM ix_token i WHERE i.rid = v.rid AND i.p = ");
            statement.integer(tx.names.p(version, Facet::Value)).sql(" AND i.code = ").integer(wanted);
            statement.sql(" LIMIT 1) IS NOT NULL");
        }
    })
}

/// The newest living ValueSet that `from` selects as `v` and that `access` covers, and whether it lists its codes.
fn one(
    tx: &mut Transaction<'_>,
    access: &Access,
    (type_, p): (TypeId, i64),
    from: impl Fn(&mut Statement, &Transaction<'_>),
) -> Result<Option<(i64, Why)>, Error> {
    let mut statement = Statement::new(
        "SELECT v.rid, COALESCE((SELECT MIN(c.system) FROM ix_token c WHERE c.rid = v.rid AND c.p = ",
    );
    statement.integer(p).sql(" AND c.code = 0), -1) FROM ");
    from(&mut statement, tx);
    statement.sql(" AND v.type_id = ").integer(tx.names.number(type_)).sql(" AND ").sql(ALIVE).sql(" AND ");
    covered_living(&mut statement, tx.names, access, type_)?;
    statement.sql(" ORDER BY v.updated_us DESC, v.rid DESC LIMIT 1");
    let found = tx.connection.pairs(&statement)?.pop();
    Ok(found.map(|(row, why)| (row, Why::of(why))))
}
