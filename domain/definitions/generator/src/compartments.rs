//! `compartments.tsv`: which search parameters put a resource into a compartment (`FHIR R4 compartmentdefinition.html`).

use crate::Result;
use crate::source::{list, read, required, text, texts};
use crate::table::Table;
use std::path::Path;

/// compartment, type, parameters: only the types that can be in the compartment. The compartment's own type has
/// `{def}` among its parameters when the resource is in its own compartment by identity.
pub(crate) fn table(source: &Path) -> Result<Table> {
    let mut definitions = read(source, "CompartmentDefinition.ndjson")?;
    definitions.retain(|definition| text(definition, "id") != "example");
    definitions.sort_by(|a, b| text(a, "code").cmp(text(b, "code")));
    let mut table = Table::new("compartments.tsv", &["compartment", "type", "parameters"]);
    for definition in &definitions {
        for member in list(definition, "resource") {
            let parameters = texts(member, "param");
            if !parameters.is_empty() {
                table.row(&[
                    required(definition, "code")?,
                    required(member, "code")?,
                    &parameters.join(","),
                ])?;
            }
        }
    }
    Ok(table)
}
