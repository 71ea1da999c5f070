//! `constraints.tsv`: the rules of severity `error` that the base resources and data types put on their elements.

use crate::Result;
use crate::elements::snapshot;
use crate::source::{list, required, text};
use crate::table::{Table, one_line};
use serde_json::Value;

/// path, key, expression, the rule for people. Those that an element has from its type stand with the type alone.
pub(crate) fn table(structures: &[Value]) -> Result<Table> {
    let mut table = Table::new("constraints.tsv", &["path", "key", "expression", "human"]);
    let elements = structures.iter().filter(|structure| text(structure, "kind") != "primitive-type");
    for element in elements.flat_map(snapshot) {
        let own = list(element, "constraint").filter(|constraint| text(constraint, "source").is_empty());
        for constraint in own.filter(|constraint| text(constraint, "severity") == "error") {
            table.row(&[
                required(element, "path")?,
                required(constraint, "key")?,
                &one_line(required(constraint, "expression")?),
                &one_line(required(constraint, "human")?),
            ])?;
        }
    }
    Ok(table)
}
