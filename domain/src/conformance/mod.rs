//! What this server can do, from the R4 definitions: types, elements, search parameters, compartments, validation.

pub mod capability;
pub mod definitions;
mod key;
pub mod registry;
pub mod search_parameters;
pub mod validation;

pub use definitions::Definitions;
pub use key::{ParameterId, SearchKind, TypeId};
pub use registry::Registry;
pub use search_parameters::SearchParameters;
