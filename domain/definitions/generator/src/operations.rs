//! `operations.tsv`, `operation_parameters.tsv`: the operations R4 defines.

use crate::Result;
use crate::source::{flag, list, read, required, text, texts};
use crate::table::Table;
use serde_json::Value;
use std::path::Path;

/// The two tables, sorted by the operation's id (`Patient-everything`).
pub(crate) fn tables(source: &Path) -> Result<[Table; 2]> {
    let mut definitions = read(source, "OperationDefinition.ndjson")?;
    definitions.retain(|definition| text(definition, "id") != "example");
    definitions.sort_by(|a, b| text(a, "id").cmp(text(b, "id")));
    let mut operations = Table::new("operations.tsv", &["id", "code", "types", "levels", "affectsState"]);
    let mut parameters = Table::new(
        "operation_parameters.tsv",
        &["operation", "name", "use", "min", "max", "type", "searchType"],
    );
    for definition in &definitions {
        let id = required(definition, "id")?;
        let levels: Vec<&str> =
            ["system", "type", "instance"].into_iter().filter(|level| flag(definition, level)).collect();
        let affects_state = if flag(definition, "affectsState") { "yes" } else { "" };
        let types = texts(definition, "resource").join(",");
        operations.row(&[id, required(definition, "code")?, &types, &levels.join(","), affects_state])?;
        for parameter in list(definition, "parameter") {
            parameter_rows(&mut parameters, id, "", parameter)?;
        }
    }
    Ok([operations, parameters])
}

/// A parameter and its parts; a part's name is dotted: `match.score`.
fn parameter_rows(table: &mut Table, operation: &str, prefix: &str, parameter: &Value) -> Result<()> {
    let name = format!("{prefix}{}", required(parameter, "name")?);
    let min = parameter.get("min").and_then(Value::as_u64).unwrap_or_default().to_string();
    let (max, kind) = (required(parameter, "max")?, text(parameter, "type"));
    table.row(&[operation, &name, text(parameter, "use"), &min, max, kind, text(parameter, "searchType")])?;
    for part in list(parameter, "part") {
        parameter_rows(table, operation, &format!("{name}."), part)?;
    }
    Ok(())
}
