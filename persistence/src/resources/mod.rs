//! Resources and their versions: read, history, write.

pub(crate) mod history;
pub(crate) mod read;
pub(crate) mod write;

use crate::connection::VersionRow;
use crate::names::Names;
use crate::statement::Statement;
use domain::access::{Access, Reach};
use domain::clock::Instant;
use domain::conformance::TypeId;
use domain::id::Id;
use domain::store::{Method, Stored};
use domain::{Error, ErrorCode};

/// First byte of a stored body: the JSON follows as it is. Other codecs get other bytes.
const PLAIN: u8 = 0;

fn encode(mut body: Vec<u8>) -> Vec<u8> {
    body.insert(0, PLAIN);
    body
}

fn decode(mut stored: Vec<u8>) -> Result<Vec<u8>, Error> {
    match stored.first() {
        Some(&PLAIN) => {
            stored.remove(0);
            Ok(stored)
        }
        _ => Err(Error::internal("a stored body has an unknown codec")),
    }
}

const fn method_number(method: Method) -> i64 {
    match method {
        Method::Create => 1,
        Method::Update => 2,
        Method::Delete => 3,
        Method::Patch => 4,
    }
}

/// A row as the domain sees it.
pub(crate) fn stored(names: &Names, row: VersionRow) -> Result<Stored, Error> {
    let (row, type_, id, version, updated, method, body) = row;
    let method = match method {
        1 => Method::Create,
        2 => Method::Update,
        3 => Method::Delete,
        4 => Method::Patch,
        _ => return Err(Error::internal("a stored version has an unknown method")),
    };
    let id =
        Id::parse(&id).map_err(|_| Error::new(ErrorCode::Internal, "A stored resource has no valid id."))?;
    Ok(Stored {
        row,
        type_: names.type_(type_)?,
        id,
        version,
        updated: Instant(updated),
        method,
        body: decode(body)?,
    })
}

/// Adds to `statement`, whose versions are `v`, that `access` covers the version if it is of `type_`.
pub(crate) fn covered(statement: &mut Statement, access: &Access, type_: TypeId) {
    covered_by(statement, access.reach(type_));
}

fn covered_by(statement: &mut Statement, reach: &Reach) {
    let clauses = match reach {
        Reach::All => {
            statement.sql("1 = 1");
            return;
        }
        Reach::None => &[],
        Reach::Any(clauses) => clauses.as_slice(),
    };
    statement.sql("(1 = 0");
    for clause in clauses {
        // Criteria are not compiled yet: a clause that has some covers nothing.
        if !clause.criteria.is_empty() {
            continue;
        }
        statement.sql(" OR ");
        match &clause.patients {
            None => {
                statement.sql("1 = 1");
            }
            Some(patients) if patients.is_empty() => {
                statement.sql("1 = 0");
            }
            Some(patients) => {
                statement.sql("EXISTS (SELECT 1 FROM compartment c WHERE c.patient_key IN ");
                statement.integers(patients);
                statement.sql(
                    " AND c.type_id = v.type_id AND c.rid = v.rid AND c.since <= v.version AND c.until >= v.version)",
                );
            }
        }
    }
    statement.sql(")");
}

/// Adds that `access` covers the version, whatever its type.
pub(crate) fn covered_any(statement: &mut Statement, access: &Access, names: &Names) {
    let Some(reaches) = access.types() else {
        statement.sql("1 = 1");
        return;
    };
    // Types with the same reach share one criterion.
    let mut groups: Vec<(&Reach, Vec<i64>)> = Vec::new();
    for (type_, reach) in reaches {
        match groups.iter_mut().find(|(known, _)| *known == reach) {
            Some((_, numbers)) => numbers.push(names.number(type_)),
            None => groups.push((reach, vec![names.number(type_)])),
        }
    }
    statement.sql("(1 = 0");
    for (reach, numbers) in groups {
        statement.sql(" OR (v.type_id IN ");
        statement.integers(&numbers);
        statement.sql(" AND ");
        covered_by(statement, reach);
        statement.sql(")");
    }
    statement.sql(")");
}
