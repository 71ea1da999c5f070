//! FHIR's operations (`FHIR R4 operations.html`), one a file: what each is called and takes, and what it does. Where an
//! operation is offered stands with the other routes ([`crate::conformance::registry`]).

pub mod reindex;

use crate::access::actor::Actor;
use crate::conformance::capability::RELEASED;
use crate::conformance::registry::{Level, Registry};
use crate::conformance::validation::validate;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::interaction::Answer;
use crate::resource::json::{Json, Object};
use crate::server::Server;
use crate::store::WriteTx;
use serde_json::{Value, json};

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// [`reindex`]
    Reindex,
}

/// A parameter that an operation takes.
#[derive(Debug, Clone, Copy)]
pub struct Takes {
    /// Its name.
    pub name: &'static str,
    /// The levels at which it takes it.
    pub levels: &'static [Level],
    /// Its type, as its definition says.
    pub type_: &'static str,
    /// The members that its value may stand in.
    pub values: &'static [&'static str],
    /// One line about it.
    pub description: &'static str,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Operation; 1] = [Operation::Reindex];

    /// Its name, without `$`.
    pub const fn code(self) -> &'static str {
        match self {
            Operation::Reindex => "reindex",
        }
    }

    /// The id of its OperationDefinition.
    pub const fn id(self) -> &'static str {
        match self {
            Operation::Reindex => reindex::ID,
        }
    }

    /// The canonical URL of its OperationDefinition, which can be read there.
    pub fn definition(self, base: &str) -> String {
        format!("{base}/OperationDefinition/{}", self.id())
    }

    /// The scope that a token needs for it.
    pub const fn scope(self) -> &'static str {
        match self {
            Operation::Reindex => reindex::SCOPE,
        }
    }

    /// What it does, on one line.
    pub const fn summary(self) -> &'static str {
        match self {
            Operation::Reindex => "Index resources anew, in the background",
        }
    }

    /// What it takes, where it is not said by its address.
    pub const fn takes(self) -> &'static [Takes] {
        match self {
            Operation::Reindex => reindex::TAKES,
        }
    }

    /// What it takes at a level.
    pub fn takes_at(self, level: Level) -> impl Iterator<Item = &'static Takes> {
        self.takes().iter().filter(move |takes| takes.levels.contains(&level))
    }

    /// Whether it is offered at a level, for some type.
    fn is_offered(self, level: Level) -> bool {
        Registry::r4().operations_of(level, None).any(|own| own == self)
    }

    /// Its OperationDefinition (`FHIR R4 operationdefinition.html`).
    pub fn resource(self, base: &str) -> Value {
        let parameter = |takes: &Takes| {
            json!({ "name": takes.name, "use": "in", "min": 0, "max": "*", "documentation": takes.description,
                "type": takes.type_ })
        };
        json!({
            "resourceType": "OperationDefinition",
            "id": self.id(),
            "url": self.definition(base),
            "name": "Reindex",
            "status": "active",
            "kind": "operation",
            "date": RELEASED,
            "description": self.summary(),
            "affectsState": true,
            "code": self.code(),
            "resource": ["Resource"],
            "system": self.is_offered(Level::System),
            "type": self.is_offered(Level::Type),
            "instance": self.is_offered(Level::Instance),
            "parameter": self.takes().iter().map(parameter).collect::<Vec<_>>(),
        })
    }
}

impl Target {
    /// The level of what it is asked of.
    pub const fn level(&self) -> Level {
        match self {
            Target::System => Level::System,
            Target::Type(_) => Level::Type,
            Target::Instance(..) => Level::Instance,
        }
    }
}

/// What an operation is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The whole server.
    System,
    /// A type.
    Type(TypeId),
    /// A resource.
    Instance(TypeId, Id),
}

/// An operation whose parameters have been read and whose caller may ask for it.
#[derive(Debug, Clone)]
pub enum PreparedOperation {
    /// [`reindex`]
    Reindex(reindex::PreparedReindex),
}

impl PreparedOperation {
    /// Reads an operation; `query` is what stands behind the `?`, `body` may be empty.
    ///
    /// Errors: [`ErrorCode::Forbidden`]; what is wrong with its parameters.
    pub(crate) fn new(
        server: &Server,
        actor: &Actor,
        (operation, target): (Operation, Target),
        query: &[(String, String)],
        body: &[u8],
    ) -> Result<PreparedOperation, Error> {
        match operation {
            Operation::Reindex => {
                reindex::may(actor)?;
                refuse_query(operation, query)?;
                let body = parameters(server, body)?;
                reindex::PreparedReindex::new(server, actor, target, &body).map(PreparedOperation::Reindex)
            }
        }
    }

    /// Does it.
    ///
    /// Errors: those of the operation.
    pub(crate) fn perform(&self, server: &Server, tx: &mut dyn WriteTx) -> Result<Answer, Error> {
        match self {
            PreparedOperation::Reindex(reindex) => reindex.perform(server, tx),
        }
    }
}

/// Parameters of an operation that changes something stand in its body.
fn refuse_query(operation: Operation, query: &[(String, String)]) -> Result<(), Error> {
    let Some((name, _)) = query.first() else { return Ok(()) };
    let code = operation.code();
    let message =
        format!("${code} takes its parameters as a Parameters resource in the body, not '{name}' here.");
    Err(Error::new(ErrorCode::InvalidParameter, message))
}

/// A Parameters resource, checked like any resource; an empty body is one without parameters.
fn parameters<'a>(server: &Server, body: &'a [u8]) -> Result<Json<'a>, Error> {
    if body.is_empty() {
        return Ok(Json::Null);
    }
    let (definitions, json) = (Definitions::r4(), Json::parse(body)?);
    let type_ = definitions.type_id("Parameters");
    validate(definitions, &json, type_, &server.settings.validation).into_result()?;
    Ok(json)
}

/// The text of a parameter's value, if it stands in one of `members`.
///
/// Errors: [`ErrorCode::InvalidParameter`].
fn text<'a>(parameter: &'a Object<'_>, members: &[&str]) -> Result<&'a str, Error> {
    let value = |member: &&str| {
        let value = parameter.get(member)?;
        // A Reference says it in its `reference`.
        value.as_str().or_else(|| value.get("reference")?.as_str())
    };
    members.iter().find_map(value).ok_or_else(|| {
        let message = format!("Give this parameter a value as {}.", members.join(" or "));
        Error::new(ErrorCode::InvalidParameter, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::validation::ValidationSettings;

    /// A definition passes the check that every resource passes.
    #[test]
    fn definitions_are_valid_r4() {
        for operation in Operation::ALL {
            let text = operation.resource("https://example.org/FHIR/R4").to_string();
            let json = Json::parse(text.as_bytes()).unwrap();
            let type_ = Definitions::r4().type_id("OperationDefinition");
            let report = validate(Definitions::r4(), &json, type_, &ValidationSettings::default());
            assert!(report.faults.is_empty() && report.warnings.is_empty(), "{report:?}");
            model::from_json(text.as_bytes()).unwrap();
        }
    }
}
