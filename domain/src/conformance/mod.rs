//! What this server can do, from the R4 definitions: types, elements, search parameters, compartments, validation.

mod key;

pub use key::{ParameterId, SearchKind, TypeId};
