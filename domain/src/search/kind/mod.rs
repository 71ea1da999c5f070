//! The types of search parameters, one a file: how a searched value is read, how an element is indexed, how one is
//! held against the other (`FHIR R4 search.html#ptypes`).

pub mod composite;
pub mod date;
pub mod number;
pub mod quantity;
pub mod reference;
pub mod special;
pub mod string;
pub mod token;
pub mod uri;

use crate::index::{Facet, IndexValue};

/// What the elements of one parameter give to the index.
pub(crate) type Values = Vec<(Facet, IndexValue)>;
