//! The R4 definitions, read once from the tables in `domain/definitions/` (made by `make definitions`).

mod compartment;
mod constraint;
mod parameter;
mod shape;
mod table;
#[cfg(test)]
mod tests;
mod value_set;

pub use constraint::Constraint;
pub use parameter::{Component, SearchParameter};
pub use shape::{Binding, Element, ElementType, Key, Shape, ShapeId, ShapeKind, Strength};

use super::{ParameterId, SearchKind, TypeId};
use parameter::Parameters;
use rustc_hash::FxHashMap;
use shape::Shapes;
use std::sync::OnceLock;
use value_set::ValueSets;

/// Everything R4 defines that this server uses. There is one, [`Definitions::r4`].
pub struct Definitions {
    shapes: Shapes,
    value_sets: ValueSets,
    types: Vec<&'static str>,
    type_ids: FxHashMap<&'static str, TypeId>,
    type_shapes: Vec<ShapeId>,
    parameters: Parameters,
    compartments: compartment::Compartments,
    constraints: Vec<Constraint>,
}

impl Definitions {
    /// The definitions of R4 4.0.1.
    pub fn r4() -> &'static Definitions {
        static R4: OnceLock<Definitions> = OnceLock::new();
        R4.get_or_init(Definitions::load)
    }

    fn load() -> Definitions {
        let value_sets = ValueSets::load();
        let shapes = Shapes::load(&value_sets);
        let types: Vec<&'static str> = shapes.resource_types();
        let mut type_ids = FxHashMap::default();
        let mut type_shapes = Vec::with_capacity(types.len());
        for (name, number) in types.iter().zip(0..) {
            type_ids.insert(*name, TypeId(number));
            type_shapes.push(shapes.named(name).unwrap_or_default());
        }
        let parameters = Parameters::load(&type_ids);
        let compartments = compartment::Compartments::load(&type_ids, &parameters);
        let constraints = constraint::load();
        Definitions {
            shapes,
            value_sets,
            types,
            type_ids,
            type_shapes,
            parameters,
            compartments,
            constraints,
        }
    }

    /// The name of a resource type.
    pub fn type_name(&self, type_: TypeId) -> &'static str {
        self.types.get(usize::from(type_.0)).copied().unwrap_or("Resource")
    }

    /// The concrete resource type of this name.
    pub fn type_id(&self, name: &str) -> Option<TypeId> {
        self.type_ids.get(name).copied()
    }

    /// The resource type of this name that has an endpoint: every one but Parameters.
    pub fn endpoint(&self, name: &str) -> Option<TypeId> {
        self.type_id(name).filter(|_| name != "Parameters")
    }

    /// The types that have an endpoint, by name.
    pub fn endpoints(&self) -> impl Iterator<Item = TypeId> + '_ {
        self.types.iter().filter_map(|name| self.endpoint(name))
    }

    /// All concrete resource types, by number.
    pub fn types(&self) -> impl Iterator<Item = TypeId> + '_ {
        self.types.iter().zip(0..).map(|(_, number)| TypeId(number))
    }

    /// The structure of a resource type.
    pub fn shape_of(&self, type_: TypeId) -> &Shape {
        self.shape(self.type_shapes.get(usize::from(type_.0)).copied().unwrap_or_default())
    }

    /// The structure with this number.
    pub fn shape(&self, id: ShapeId) -> &Shape {
        self.shapes.get(id)
    }

    /// The structure of this name: a type (`HumanName`, `date`) or the path of a backbone element (`Patient.contact`).
    pub fn shape_named(&self, name: &str) -> Option<&Shape> {
        self.shapes.named(name).map(|id| self.shapes.get(id))
    }

    /// All structures.
    pub fn shapes(&self) -> &[Shape] {
        self.shapes.all()
    }

    /// Whether `code` is in the value set of a binding; `true` where the set cannot be enumerated.
    pub fn in_value_set(&self, binding: &Binding, code: &str) -> bool {
        self.value_sets.contains(binding.value_set, code)
    }

    /// The code system that a required binding implies for a `code`: that of all codes of its value set.
    pub fn system_of(&self, binding: &Binding) -> Option<&'static str> {
        (binding.strength == Strength::Required).then(|| self.value_sets.system(binding.value_set)).flatten()
    }

    /// The codes of an enumerable value set, `None` for one that is not.
    pub fn codes(&self, value_set: &str) -> Option<Vec<&'static str>> {
        self.value_sets.codes(value_set)
    }

    /// The kind of a search parameter, R4's or not.
    pub fn kind_of(&self, id: ParameterId) -> SearchKind {
        id.as_custom().map_or_else(|| self.parameter_of(id).kind, |(_, kind)| kind)
    }

    /// One of R4's search parameters by number.
    pub fn parameter_of(&self, id: ParameterId) -> &SearchParameter {
        self.parameters.get(id)
    }

    /// The search parameter `code` of `type_`, or of every resource.
    pub fn parameter(&self, type_: TypeId, code: &str) -> Option<&SearchParameter> {
        self.parameters.find(self.type_name(type_), code).or_else(|| self.common_parameter(code))
    }

    /// The search parameter `code` of every resource (`_id`, `_tag`, …).
    pub fn common_parameter(&self, code: &str) -> Option<&SearchParameter> {
        self.parameters.find("Resource", code).or_else(|| self.parameters.find("DomainResource", code))
    }

    /// The search parameters whose base is exactly this type, by code.
    pub fn parameters_of(&self, base: &str) -> &[SearchParameter] {
        self.parameters.of_base(base)
    }

    /// All search parameters, by number.
    pub fn parameters(&self) -> &[SearchParameter] {
        self.parameters.all()
    }

    /// The rules of elements and types, those of severity `error`.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// The types that have a compartment, by name.
    pub const fn compartments(&self) -> &'static [&'static str] {
        &compartment::COMPARTMENT_NAMES
    }

    /// The parameters by which a resource of `type_` is in a compartment (`Patient`, `Encounter`, …).
    pub fn compartment(&self, compartment: &str, type_: TypeId) -> &[ParameterId] {
        self.compartments.parameters(compartment, type_)
    }
}
