//! `FHIR R4 http.html#read` and `#vread`: the stored bytes of a resource, as they are unless a part is asked for.

use super::condition::Conditions;
use super::{Answer, Version, not_found};
use crate::access::Access;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::operation::Operation;
use crate::resource::subset::{Role, Subset};
use crate::server::Server;
use crate::store::{Method, ReadTx, Stored};
use std::borrow::Cow;

/// A prepared read or vread.
#[derive(Debug, Clone)]
pub struct PreparedRead {
    /// Type of the resource.
    pub type_: TypeId,
    /// Its id.
    pub id: Id,
    /// The version asked for; the current one for a read.
    pub version: Option<i64>,
    /// What the caller has already (`FHIR R4 http.html#cread`).
    pub conditions: Conditions,
    /// Which part of the resource to answer with.
    pub subset: Subset,
    /// The rows the caller may see.
    pub access: Access,
}

impl PreparedRead {
    /// Reads. A deleted resource is 410; what the caller may not see is 404, like what does not exist.
    pub fn perform(&self, server: &Server, tx: &mut dyn ReadTx) -> Result<Answer, Error> {
        let found = match self.version {
            None => tx.read(&self.access, self.type_, &self.id)?,
            Some(version) => tx.vread(&self.access, self.type_, &self.id, version)?,
        };
        let Some(stored) = found else {
            return self.own_definition(server).ok_or_else(not_found);
        };
        if stored.method == Method::Delete {
            return Err(Error::new(
                ErrorCode::Gone,
                "The resource was deleted. Its earlier versions are in its history.",
            ));
        }
        let Stored { type_, id, version, updated, body, .. } = stored;
        let same = self.conditions.has_already(version, updated);
        Ok(Answer {
            status: if same { 304 } else { 200 },
            body: (!same).then(|| match self.subset.of(&body, Role::Match) {
                Cow::Owned(part) => part,
                Cow::Borrowed(_) => body,
            }),
            version: Some(Version { type_, id, version, updated }),
            location: false,
            headers: Vec::new(),
        })
    }

    /// The definition of one of this server's own operations, which its CapabilityStatement names.
    fn own_definition(&self, server: &Server) -> Option<Answer> {
        let is_type =
            Definitions::r4().type_name(self.type_) == "OperationDefinition" && self.version.is_none();
        let mut all = Operation::ALL.into_iter().filter(|_| is_type);
        let operation = all.find(|operation| operation.id() == self.id.as_str())?;
        let body = operation.resource(&server.settings.base).to_string().into_bytes();
        Some(Answer::of(200, self.subset.of(&body, Role::Match).into_owned()))
    }
}
