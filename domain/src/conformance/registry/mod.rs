//! The one list of what this server does. Routes, CapabilityStatement and OpenAPI are made from it, so that none of
//! them can promise what another does not keep.

mod control;
mod route;
mod service;

pub use control::{Header, ResultParameter, ValueType};
pub use route::{InteractionCode, Level, Method, Route};
pub use service::{Purpose, Service, ServiceRoute};

use super::definitions::{Definitions, SearchParameter};
use super::{SearchKind, TypeId};
use crate::operation::Operation;
use crate::search::supported::offered;
use std::sync::OnceLock;

/// What this server does.
#[derive(Debug)]
pub struct Registry {
    types: Vec<ResourceType>,
    common: Vec<&'static SearchParameter>,
}

/// A resource type that has an endpoint.
#[derive(Debug)]
pub struct ResourceType {
    /// Its number.
    pub id: TypeId,
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub short: &'static str,
    /// The search parameters of the type itself, by code. The common ones come on top.
    pub parameters: Vec<&'static SearchParameter>,
}

impl ResourceType {
    /// Whether its resources have compartments, and so the routes of [`Level::Compartment`].
    pub fn has_compartment(&self) -> bool {
        Definitions::r4().compartments().contains(&self.name)
    }

    /// What `_include` may name: `Type:parameter` for every reference parameter.
    pub fn includes(&self) -> impl Iterator<Item = String> + '_ {
        let references = self.parameters.iter().filter(|parameter| parameter.kind == SearchKind::Reference);
        references.map(|parameter| format!("{}:{}", self.name, parameter.code))
    }
}

impl Registry {
    /// The registry of this server; there is one.
    pub fn r4() -> &'static Registry {
        static REGISTRY: OnceLock<Registry> = OnceLock::new();
        REGISTRY.get_or_init(Registry::from_definitions)
    }

    fn from_definitions() -> Registry {
        let definitions = Definitions::r4();
        let of_base = |base| definitions.parameters_of(base).iter().filter(|parameter| offered(parameter));
        let types = definitions.endpoints().map(|id| {
            let name = definitions.type_name(id);
            ResourceType {
                id,
                name,
                short: definitions.shape_of(id).short,
                parameters: of_base(name).collect(),
            }
        });
        Registry {
            types: types.collect(),
            common: of_base("Resource").chain(of_base("DomainResource")).collect(),
        }
    }

    /// The resource types that have an endpoint, by name.
    pub fn types(&self) -> &[ResourceType] {
        &self.types
    }

    /// The resource type of this name.
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        let at = self.types.binary_search_by(|type_| type_.name.cmp(name)).ok()?;
        self.types.get(at)
    }

    /// What `_revinclude` may name in a search of `type_`: every reference parameter that may point to it.
    pub fn reverse_includes(&self, type_: &ResourceType) -> impl Iterator<Item = String> + '_ {
        let target = type_.id;
        let points = move |parameter: &&&SearchParameter| {
            parameter.kind == SearchKind::Reference
                && (parameter.targets.is_empty() || parameter.targets.contains(&target))
        };
        self.types.iter().flat_map(move |from| {
            from.parameters
                .iter()
                .filter(points)
                .map(move |parameter| format!("{}:{}", from.name, parameter.code))
        })
    }

    /// Every method at every address below the FHIR base.
    pub fn routes(&self) -> &'static [Route] {
        route::ROUTES
    }

    /// The routes of one level.
    pub fn routes_of(&self, level: Level) -> impl Iterator<Item = &'static Route> {
        self.routes().iter().filter(move |route| route.interaction.level() == level)
    }

    /// The operations of one level, of the whole server or of a type.
    pub fn operations_of(&self, level: Level, type_: Option<&str>) -> impl Iterator<Item = Operation> {
        let of_level =
            self.routes_of(level).filter(move |route| type_.is_none_or(|type_| route.is_for(type_)));
        of_level.filter_map(|route| match route.interaction {
            InteractionCode::Operation(operation, _) => Some(operation),
            _ => None,
        })
    }

    /// Every method at every address beside FHIR's.
    pub const fn services(&self) -> &'static [ServiceRoute] {
        service::SERVICES
    }

    /// The search parameters of every type (`_id`, `_lastUpdated`, …), by code.
    pub fn common_parameters(&self) -> &[&'static SearchParameter] {
        &self.common
    }

    /// The parameters that shape the answer of an interaction.
    pub fn result_parameters(
        &self,
        interaction: InteractionCode,
    ) -> impl Iterator<Item = &'static ResultParameter> {
        let types = if interaction.searches_types() { control::TYPES } else { &[] };
        let others = if interaction.searches() {
            control::SEARCH
        } else if interaction.tells_history() {
            control::HISTORY
        } else if matches!(interaction, InteractionCode::Capabilities) {
            control::CAPABILITIES
        } else if matches!(interaction, InteractionCode::ConditionalDelete) {
            control::CONDITIONAL_DELETE
        } else if matches!(interaction, InteractionCode::Read | InteractionCode::Vread) {
            control::READ
        } else {
            &[]
        };
        types.iter().chain(others)
    }

    /// The parameters that every interaction takes, whatever it does.
    pub const fn general_parameters(&self) -> &'static [ResultParameter] {
        control::GENERAL
    }

    /// Headers that a request may have.
    pub const fn request_headers(&self, interaction: InteractionCode) -> &'static [Header] {
        control::request_headers(interaction)
    }

    /// Headers of an answer that succeeded.
    pub const fn answer_headers(&self, interaction: InteractionCode) -> &'static [Header] {
        control::answer_headers(interaction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interaction::address::Address;

    #[test]
    fn lists_every_type_but_parameters() {
        let registry = Registry::r4();
        assert_eq!(registry.types().len(), 145);
        assert!(registry.resource_type("Parameters").is_none());
        assert_eq!(registry.resource_type("Patient").unwrap().name, "Patient");
    }

    #[test]
    fn lists_the_parameters_the_server_is_promised_to_have() {
        let codes: Vec<_> =
            Registry::r4().common_parameters().iter().map(|parameter| &*parameter.code).collect();
        for code in ["_id", "_lastUpdated", "_profile", "_security", "_tag"] {
            assert!(codes.contains(&code), "{code} is missing from {codes:?}");
        }
        let plan = Registry::r4().resource_type("CarePlan").unwrap();
        for code in ["patient", "status", "category", "date"] {
            assert!(plan.parameters.iter().any(|parameter| parameter.code == code), "{code}");
        }
        assert!(plan.includes().any(|include| include == "CarePlan:goal"));
    }

    /// Every route is one that the reader of addresses knows, and the other way round.
    #[test]
    fn routes_are_those_that_addresses_offer() {
        for route in Registry::r4().routes() {
            let type_ = route.only.unwrap_or("Patient");
            let path = route.path.replace("{type}", type_).replace("{id}", "x").replace("{version}", "1");
            let path = path.replace("{member}", "Observation").replace("{job}", "x");
            let address = Address::parse(&path).unwrap();
            assert!(address.methods().contains(&route.method.name()), "{} {path}", route.method.name());
            for method in address.methods().iter().filter(|method| **method != "HEAD") {
                let known = Registry::r4()
                    .routes()
                    .iter()
                    .any(|r| r.path == route.path && r.method.name() == *method);
                assert!(known, "{method} {path} has no route");
            }
        }
    }
}
