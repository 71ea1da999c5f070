//! Turns the HL7 FHIR R4 core package (NDJSON, one resource a line) into the tables of facts in
//! `domain/definitions/*.tsv`: one fact a row, tab-separated, a `#` header row, sorted so that a diff reads well.
//!
//! The tables hold facts only (paths, cardinalities, types, codes, expressions); `shorts.tsv` holds the one-line
//! descriptions that OpenAPI shows. `domain::conformance::definitions` reads them.

mod compartments;
mod constraints;
mod elements;
mod operations;
mod search_parameters;
mod source;
mod table;
mod value_sets;

use std::path::Path;

pub use table::Table;

/// What can go wrong: a file that cannot be read, a line that is not JSON, a fact that is missing.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// All tables, made from the folder of NDJSON files `source`.
pub fn generate(source: &Path) -> Result<Vec<Table>> {
    let structures = elements::base_structures(source)?;
    let mut tables =
        vec![elements::types(&structures)?, elements::elements(&structures)?, elements::shorts(&structures)?];
    tables.extend(value_sets::tables(source, &structures)?);
    tables.extend(search_parameters::tables(source)?);
    tables.push(compartments::table(source)?);
    tables.push(constraints::table(&structures)?);
    tables.extend(operations::tables(source)?);
    Ok(tables)
}
