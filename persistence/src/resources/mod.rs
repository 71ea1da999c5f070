//! Resources and their versions: read, history, write.

mod body;
pub(crate) mod current;
pub(crate) mod history;
pub(crate) mod lock;
pub(crate) mod read;
pub(crate) mod write;

use crate::connection::VersionRow;
use crate::names::Names;
use domain::clock::Instant;
use domain::id::Id;
use domain::store::{Method, Stored};
use domain::{Error, ErrorCode};

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
        body: body::decode(body)?,
    })
}
