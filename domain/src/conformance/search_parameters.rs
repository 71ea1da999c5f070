//! What a server can search by at one moment: R4's search parameters and those that administrators defined. It never
//! changes; a server that learns of a change takes another ([`crate::server::Server::parameters`]).

use super::definitions::{Definitions, SearchParameter};
use super::{ParameterId, SearchKind, TypeId};
use crate::index::extract::Plan;
use rustc_hash::FxHashMap;
use std::sync::OnceLock;

/// The search parameters of one moment.
pub struct SearchParameters {
    definitions: &'static Definitions,
    generation: i64,
    custom: Vec<CustomParameter>,
    /// How the resources of a type are walked for its custom parameters; most types have none.
    plans: FxHashMap<TypeId, Plan>,
}

/// A search parameter of one type that is not R4's.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomParameter {
    /// The type it is defined on.
    pub type_: TypeId,
    /// What it is.
    pub parameter: SearchParameter,
    /// Whether it can be searched by.
    pub readiness: Readiness,
}

/// Whether every resource has been indexed under a search parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It can be searched by.
    Ready,
    /// So many of so many resources are indexed.
    Indexing {
        /// Resources done.
        done: u64,
        /// Resources in all.
        total: u64,
    },
}

impl std::fmt::Debug for SearchParameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let codes = self.custom.iter().map(|own| &own.parameter.code);
        f.debug_struct("SearchParameters")
            .field("generation", &self.generation)
            .field("custom", &codes.collect::<Vec<_>>())
            .finish()
    }
}

impl SearchParameters {
    /// R4's alone.
    pub fn r4() -> &'static SearchParameters {
        static R4: OnceLock<SearchParameters> = OnceLock::new();
        R4.get_or_init(|| SearchParameters::new(0, Vec::new()))
    }

    /// R4's and `custom`, as of the store's `generation`.
    pub fn new(generation: i64, custom: Vec<CustomParameter>) -> SearchParameters {
        let definitions = Definitions::r4();
        let mut parameters =
            SearchParameters { definitions, generation, custom, plans: FxHashMap::default() };
        let mut types: Vec<TypeId> = parameters.custom.iter().map(|custom| custom.type_).collect();
        types.sort_unstable();
        types.dedup();
        for type_ in types {
            let plan = Plan::custom(&parameters, type_);
            parameters.plans.insert(type_, plan);
        }
        parameters
    }

    /// R4's definitions.
    pub const fn definitions(&self) -> &'static Definitions {
        self.definitions
    }

    /// Which state of the store's definitions this is: a later one has a greater number.
    pub const fn generation(&self) -> i64 {
        self.generation
    }

    /// The parameter `code` of `type_`, or of every resource where there is no type. R4's come first: no custom one has
    /// the code of one of them.
    pub fn find(&self, type_: Option<TypeId>, code: &str) -> Option<&SearchParameter> {
        let Some(type_) = type_ else { return self.definitions.common_parameter(code) };
        self.definitions.parameter(type_, code).or_else(|| {
            self.custom_of(type_).find(|own| own.parameter.code == code).map(|own| &own.parameter)
        })
    }

    /// A parameter by number.
    pub fn get(&self, id: ParameterId) -> &SearchParameter {
        let custom = id.as_custom().and_then(|_| self.custom.iter().find(|own| own.parameter.id == id));
        custom.map_or_else(|| self.definitions.parameter_of(id), |own| &own.parameter)
    }

    /// How far the indexing of a parameter is.
    pub fn readiness(&self, id: ParameterId) -> Readiness {
        let custom = id.as_custom().and_then(|_| self.custom.iter().find(|own| own.parameter.id == id));
        custom.map_or(Readiness::Ready, |own| own.readiness)
    }

    /// The parameters that are not R4's.
    pub fn custom(&self) -> &[CustomParameter] {
        &self.custom
    }

    /// Those of one type, whether they can be searched by or not.
    pub fn custom_of(&self, type_: TypeId) -> impl Iterator<Item = &CustomParameter> {
        self.custom.iter().filter(move |own| own.type_ == type_)
    }

    /// Those of one type that can be searched by.
    pub fn ready_of(&self, type_: TypeId) -> impl Iterator<Item = &SearchParameter> {
        let ready = self.custom_of(type_).filter(|own| own.readiness == Readiness::Ready);
        ready.map(|own| &own.parameter)
    }

    /// The reference parameters of a type that can be searched by (`_include=*`).
    pub fn references_of(&self, type_: TypeId) -> impl Iterator<Item = &SearchParameter> {
        let own = self.definitions.parameters_of(self.definitions.type_name(type_)).iter();
        own.filter(|parameter| !parameter.expression.is_empty())
            .chain(self.ready_of(type_))
            .filter(|parameter| parameter.kind == SearchKind::Reference)
    }

    /// What `_include` may name of a type besides R4's.
    pub fn includes(&self, type_: TypeId) -> impl Iterator<Item = String> {
        let references = self.ready_of(type_).filter(|own| own.kind == SearchKind::Reference);
        references.map(|own| format!("{}:{}", own.base, own.code))
    }

    /// What `_revinclude` may name in a search of a type besides R4's.
    pub fn reverse_includes(&self, type_: TypeId) -> impl Iterator<Item = String> {
        let ready = self.custom.iter().filter(|own| own.readiness == Readiness::Ready);
        ready
            .map(|own| &own.parameter)
            .filter(move |own| {
                own.kind == SearchKind::Reference && (own.targets.is_empty() || own.targets.contains(&type_))
            })
            .map(|own| format!("{}:{}", own.base, own.code))
    }

    /// How the resources of a type are walked for its custom parameters.
    pub(crate) fn plan(&self, type_: TypeId) -> Option<&Plan> {
        if self.plans.is_empty() { None } else { self.plans.get(&type_) }
    }
}
