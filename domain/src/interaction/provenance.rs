//! `X-Provenance` (`FHIR R4 provenance.html#header`): a Provenance that comes with a write, is stored with it in one
//! transaction, and has the versions it made for targets.

use super::write::{Kind, Naming, PreparedWrite, Written};
use super::{Prefer, Return, content};
use crate::access::actor::Actor;
use crate::access::decision::require;
use crate::access::scope::Letter;
use crate::clock::Instant;
use crate::conformance::Definitions;
use crate::error::{Error, ErrorCode};
use crate::resource::json::{Json, Object};
use crate::server::{Given, Server, Work};
use crate::store::WriteTx;

/// What stands for the targets until there are any.
const STAND_IN: &str = "Basic/target/_history/1";

/// Reads the header that came with `work`. Its targets are not the caller's to say: what it has is replaced.
///
/// Errors: faults of the Provenance; [`ErrorCode::InvalidHeader`] with what writes nothing, and with a batch, whose entries
/// have nothing in common; [`ErrorCode::Forbidden`] without `c` of Provenance.
pub(crate) fn prepare(
    server: &Server,
    actor: &Actor,
    work: &Work,
    header: &[u8],
) -> Result<PreparedWrite, Error> {
    if !matches!(work, Work::Write(_) | Work::Transaction(_)) {
        let message = "X-Provenance comes with a create, an update, a patch, a delete or a transaction.";
        return Err(Error::new(ErrorCode::InvalidHeader, message));
    }
    let type_ = Definitions::r4()
        .endpoint("Provenance")
        .ok_or_else(|| Error::internal("there is no type Provenance"))?;
    let access = require(actor, Letter::Create, type_)?;
    let mut tree = Json::parse(header)?;
    set_targets(&mut tree, std::iter::once(STAND_IN.to_owned()))?;
    let id = server.ids.resource_id();
    let source = content::Source::of(&[], Given { resource: Some(tree), ..Given::default() })?;
    let content = content::prepare(server, type_, &id, source, content::Write::Create)?;
    Ok(PreparedWrite {
        kind: Kind::Create,
        type_,
        id,
        naming: Naming::Server,
        condition: None,
        patch: None,
        content: Some(content),
        conditions: super::condition::Conditions::default(),
        access,
        answer: Prefer::default().return_.unwrap_or(Return::Minimal),
    })
}

/// Stores a prepared Provenance of what was written; nothing, if nothing was.
pub(crate) fn store(
    provenance: &PreparedWrite,
    server: &Server,
    tx: &mut dyn WriteTx,
    written: &[Written],
) -> Result<(), Error> {
    let Some(content) = provenance.content.as_ref().filter(|_| !written.is_empty()) else {
        return Ok(());
    };
    let text = content.body.finish(1, Instant(0));
    let mut tree = Json::parse(&text)?;
    let name = |written: &Written| {
        let (name, id) = (Definitions::r4().type_name(written.type_), &written.id);
        format!("{name}/{id}/_history/{}", written.version)
    };
    set_targets(&mut tree, written.iter().map(name))?;
    let content = content::indexed(server, provenance.type_, &provenance.id, &tree)?;
    PreparedWrite { content: Some(content), ..provenance.clone() }.perform(server, tx).map(drop)
}

fn set_targets(tree: &mut Json<'_>, targets: impl Iterator<Item = String>) -> Result<(), Error> {
    let reference = |target: String| {
        let mut reference = Object::new();
        reference.push("reference", Json::from(target));
        Json::Object(reference)
    };
    let Some(resource) = tree.as_object_mut() else {
        let message = "X-Provenance is a Provenance resource in JSON, on one line.";
        return Err(Error::new(ErrorCode::InvalidHeader, message));
    };
    resource.set("target", Json::Array(targets.map(reference).collect()));
    Ok(())
}
