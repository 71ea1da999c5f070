//! `_contained` and `_containedType` (`FHIR R4 search.html#contained`): whether a search looks at contained resources, and
//! whether it answers with them or with what contains them.

use super::parameter::invalid;
use super::query::{Criterion, Parts, Query};
use super::scope::SearchScope;
use crate::conformance::TypeId;
use crate::error::Error;
use crate::interaction::Parameters;

/// What a search looks at and answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contained {
    /// Resources that nothing contains: as without the parameters.
    No,
    /// Contained ones; what contains them is the answer.
    Containers {
        /// Resources that nothing contains as well.
        both: bool,
    },
    /// Contained ones, which are the answer.
    Themselves {
        /// Resources that nothing contains as well.
        both: bool,
    },
}

impl Contained {
    /// Reads both parameters, wherever they stand: what the others mean depends on them.
    ///
    /// Errors: [`ErrorCode::InvalidParameter`](crate::ErrorCode::InvalidParameter).
    pub(super) fn read(parameters: &Parameters) -> Result<Contained, Error> {
        let value =
            |name: &str| parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
        let both = match value("_contained") {
            None | Some("false") => None,
            Some("true") => Some(false),
            Some("both") => Some(true),
            Some(_) => return Err(invalid("_contained", "it is 'true', 'both' or 'false'")),
        };
        let themselves = match value("_containedType") {
            None | Some("container") => false,
            Some("contained") => true,
            Some(_) => return Err(invalid("_containedType", "it is 'container' or 'contained'")),
        };
        Ok(match both {
            None => Contained::No,
            Some(both) if themselves => Contained::Themselves { both },
            Some(both) => Contained::Containers { both },
        })
    }

    /// The types of what is answered, empty for any, in a search for `types`.
    pub(super) fn answered(self, scope: &SearchScope, types: &[TypeId]) -> Vec<TypeId> {
        match self {
            Contained::No | Contained::Themselves { .. } => types.to_vec(),
            Contained::Containers { .. } => scope.compartment().map_or_else(Vec::new, |own| own.types()),
        }
    }

    /// Makes the query one for what is answered. The compartment is that of the container: what is contained is in none of
    /// its own.
    pub(super) fn apply(self, scope: &SearchScope, query: &mut Query) {
        let compartment = scope.compartment().map(|own| own.criterion(&own.types()));
        match self {
            Contained::No => {}
            Contained::Themselves { both } => {
                query.parts = if both { Parts::Both } else { Parts::Only };
                query.criteria.extend(compartment.map(|own| Criterion::Container(Box::new(own))));
            }
            Contained::Containers { both } => {
                let answered = self.answered(scope, &query.types);
                let types = std::mem::replace(&mut query.types, answered);
                let criteria = std::mem::take(&mut query.criteria);
                let itself = both.then(|| itself(&types, &criteria));
                let contains = Criterion::Contains { types, criteria };
                query.criteria.extend(compartment);
                query.criteria.push(match itself {
                    Some(itself) => Criterion::Any(vec![itself, contains]),
                    None => contains,
                });
            }
        }
    }
}

/// That a resource of one of `types` meets the criteria itself.
fn itself(types: &[TypeId], criteria: &[Criterion]) -> Criterion {
    let all = Criterion::All(criteria.to_vec());
    if types.is_empty() {
        return all;
    }
    Criterion::ByType(types.iter().map(|type_| (*type_, all.clone())).collect())
}
