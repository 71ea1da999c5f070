//! Where a search looks (`FHIR R4 search.html`, "Search Contexts"): all types, one type, or a compartment and one or all
//! of its types.

use super::query::Criterion;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::hash::resource_key;

/// Where a search looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchScope {
    /// `GET /`, `POST /_search`: every type, or those that `_type` names.
    System,
    /// `GET /Type`, `POST /Type/_search`.
    Type(TypeId),
    /// `GET /Patient/x/Observation`, `GET /Patient/x/*`; without type, all types of the compartment or those that `_type`
    /// names.
    Compartment(Compartment, Option<TypeId>),
}

/// The compartment of one resource (`FHIR R4 compartmentdefinition.html`). Whether there is such a resource makes no
/// difference to what is asked and answered: whoever may not see it learns nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compartment {
    /// `Patient`, `Encounter`, `RelatedPerson`, `Practitioner` or `Device`.
    type_: TypeId,
    /// The id of the resource.
    id: Id,
}

impl Compartment {
    /// The compartment of `type_/id`.
    ///
    /// Errors: [`ErrorCode::NotFoundRoute`] for a type that R4 defines no compartment of.
    pub fn of(type_: TypeId, id: Id) -> Result<Compartment, Error> {
        let definitions = Definitions::r4();
        if definitions.compartments().contains(&definitions.type_name(type_)) {
            return Ok(Compartment { type_, id });
        }
        let names = definitions.compartments().join(", ");
        let name = definitions.type_name(type_);
        let message = format!("There is nothing at this address: {name} has no compartment; {names} have.");
        Err(Error::new(ErrorCode::NotFoundRoute, message))
    }

    /// Whether resources of `type_` can be in it.
    pub fn can_hold(&self, type_: TypeId) -> bool {
        let definitions = Definitions::r4();
        type_ == self.type_ || !definitions.compartment(definitions.type_name(self.type_), type_).is_empty()
    }

    /// The types whose resources can be in it.
    pub(super) fn types(&self) -> Vec<TypeId> {
        Definitions::r4().endpoints().filter(|type_| self.can_hold(*type_)).collect()
    }

    /// That a resource of one of `types` is in it.
    pub(super) fn criterion(&self, types: &[TypeId]) -> Criterion {
        let definitions = Definitions::r4();
        let name = definitions.type_name(self.type_);
        let parameters = types.iter().flat_map(|type_| definitions.compartment(name, *type_)).copied();
        Criterion::Compartment {
            key: resource_key(name, self.id.as_str()),
            parameters: parameters.collect(),
            itself: types.contains(&self.type_),
        }
    }

    /// Why resources of `type_` are never in it.
    pub(super) fn never_holds(&self, type_: TypeId) -> String {
        let name = |type_| Definitions::r4().type_name(type_);
        format!("a {} is in no {}'s compartment", name(type_), name(self.type_))
    }
}

impl SearchScope {
    /// One type of a compartment.
    ///
    /// Errors: [`ErrorCode::NotFoundRoute`] for a type whose resources can never be in it: an answer without any would
    /// say that this patient has none.
    pub fn of_compartment(compartment: Compartment, type_: TypeId) -> Result<SearchScope, Error> {
        if compartment.can_hold(type_) {
            return Ok(SearchScope::Compartment(compartment, Some(type_)));
        }
        let message = format!("There is nothing at this address: {}.", compartment.never_holds(type_));
        Err(Error::new(ErrorCode::NotFoundRoute, message))
    }

    /// The path below the FHIR base, without a slash before it.
    pub fn path(&self) -> String {
        let name = |type_: &TypeId| Definitions::r4().type_name(*type_);
        match self {
            SearchScope::System => String::new(),
            SearchScope::Type(type_) => name(type_).to_owned(),
            SearchScope::Compartment(compartment, type_) => {
                let type_ = type_.as_ref().map_or("*", name);
                format!("{}/{}/{type_}", name(&compartment.type_), compartment.id)
            }
        }
    }

    /// The one type searched, where the address says it.
    pub const fn type_(&self) -> Option<TypeId> {
        match self {
            SearchScope::System => None,
            SearchScope::Type(type_) => Some(*type_),
            SearchScope::Compartment(_, type_) => *type_,
        }
    }

    /// The compartment, if it is one's.
    pub const fn compartment(&self) -> Option<&Compartment> {
        match self {
            SearchScope::Compartment(compartment, _) => Some(compartment),
            SearchScope::System | SearchScope::Type(_) => None,
        }
    }

    /// The types searched when `_type` names none; empty for every type.
    pub(super) fn types(&self) -> Vec<TypeId> {
        match self {
            SearchScope::System => Vec::new(),
            SearchScope::Type(type_) | SearchScope::Compartment(_, Some(type_)) => vec![*type_],
            SearchScope::Compartment(compartment, None) => compartment.types(),
        }
    }
}

impl From<Option<TypeId>> for SearchScope {
    fn from(type_: Option<TypeId>) -> SearchScope {
        type_.map_or(SearchScope::System, SearchScope::Type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_id(name: &str) -> TypeId {
        Definitions::r4().type_id(name).unwrap()
    }

    #[test]
    fn there_are_five_compartments() {
        let id = || Id::parse("x").unwrap();
        for (name, types) in
            [("Patient", 66), ("Encounter", 25), ("RelatedPerson", 32), ("Practitioner", 59), ("Device", 33)]
        {
            let compartment = Compartment::of(type_id(name), id()).unwrap();
            assert_eq!(compartment.types().len(), types, "{name}");
        }
        assert!(Compartment::of(type_id("Organization"), id()).is_err());
        let patients = Compartment::of(type_id("Patient"), id()).unwrap();
        assert!(SearchScope::of_compartment(patients.clone(), type_id("Organization")).is_err());
        let observations = SearchScope::of_compartment(patients, type_id("Observation")).unwrap();
        assert_eq!(observations.path(), "Patient/x/Observation");
    }
}
