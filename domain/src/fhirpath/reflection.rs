//! Type names in expressions, and what is of which type (`FHIRPath N1 §Types and Reflection`, `FHIR R4 fhirpath.html#types`).

use crate::conformance::Definitions;
use crate::conformance::definitions::{Shape, ShapeKind};

/// A type as an expression names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeName {
    /// FHIR's type of this name.
    pub(super) fhir: Option<&'static str>,
    /// FHIRPath's own type of this name.
    pub(super) system: Option<&'static str>,
}

/// FHIRPath's own types.
const SYSTEM: [&str; 8] = ["Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time", "Quantity"];

impl TypeName {
    /// `name`, or `first.second` with a namespace; `None` for what is no type. A name in the namespace `System` that
    /// FHIRPath lacks is a type that nothing has.
    pub(super) fn new(first: &str, second: Option<&str>) -> Option<TypeName> {
        let fhir = |name: &str| Definitions::r4().shape_named(name).map(|shape| shape.name);
        let system = |name: &str| SYSTEM.into_iter().find(|known| *known == name);
        let found = match (first, second) {
            ("System", Some(name)) => return Some(TypeName { fhir: None, system: system(name) }),
            (_, Some(name)) => TypeName { fhir: fhir(name), system: None },
            (name, None) => TypeName { fhir: fhir(name), system: system(name) },
        };
        (found.fhir.is_some() || found.system.is_some()).then_some(found)
    }
}

/// The structure that `shape` specialises.
pub(super) fn base(shape: &Shape) -> Option<&'static Shape> {
    shape.base.map(|base| Definitions::r4().shape(base))
}

/// Whether `shape` is `type_` or specialises it.
pub(super) fn is_a(shape: &'static Shape, type_: &str) -> bool {
    let mut line = std::iter::successors(Some(shape), |shape| base(shape));
    line.any(|shape| shape.name == type_)
}

/// The name under which a structure's type is known: of a backbone element, `BackboneElement`.
pub(super) fn type_name(shape: &'static Shape) -> &'static str {
    match (shape.kind, base(shape)) {
        (ShapeKind::Backbone, Some(base)) => base.name,
        _ => shape.name,
    }
}
