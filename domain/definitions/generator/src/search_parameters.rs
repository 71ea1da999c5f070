//! `search_parameters.tsv`, `search_components.tsv`: one row for each base type and code, with the expression
//! restricted to the branches that start at that type.

use crate::Result;
use crate::source::{last_segment, list, read, required, text, texts};
use crate::table::{Table, one_line};
use serde_json::Value;
use std::path::Path;

/// Columns of `search_parameters.tsv`. The position of a row is the parameter's number.
const COLUMNS: [&str; 8] =
    ["base", "code", "type", "url", "comparators", "targets", "expression", "description"];

/// The two tables, sorted by base type and code.
pub(crate) fn tables(source: &Path) -> Result<[Table; 2]> {
    let parameters = read(source, "SearchParameter.ndjson")?;
    let mut pairs: Vec<(&str, &str, &Value)> = Vec::new();
    for parameter in parameters.iter().filter(|parameter| is_base(text(parameter, "id"))) {
        for base in texts(parameter, "base") {
            pairs.push((base, required(parameter, "code")?, parameter));
        }
    }
    pairs.sort_by_key(|(base, code, _)| (*base, *code));
    let mut table = Table::new("search_parameters.tsv", &COLUMNS);
    let mut components = Table::new("search_components.tsv", &["base", "code", "component", "expression"]);
    for (base, code, parameter) in pairs {
        table.row(&[
            base,
            code,
            required(parameter, "type")?,
            required(parameter, "url")?,
            &texts(parameter, "comparator").join(","),
            &texts(parameter, "target").join(","),
            &restricted_to(base, text(parameter, "expression")),
            &description(base, text(parameter, "description")),
        ])?;
        for component in list(parameter, "component") {
            let definition = required(component, "definition")?;
            let component_code = component_code(&parameters, definition)?;
            components.row(&[base, code, component_code, expression_of(component_code, component)])?;
        }
    }
    Ok([table, components])
}

/// The package also holds parameters of extensions, of a genetics guide and examples (`filter` is the example of how
/// to declare `_filter`); they are not part of R4's registry.
fn is_base(id: &str) -> bool {
    !id.contains("-extensions-") && !id.contains("-genetic-") && !id.contains("example") && id != "filter"
}

/// The expression of a component. R4 gives those of DocumentReference's `relationship` the wrong way round: `relatesto`
/// would look at the code and `relation` at the target.
fn expression_of<'a>(code: &str, component: &'a Value) -> &'a str {
    match (code, text(component, "expression")) {
        ("relatesto", "code") => "target",
        ("relation", "target") => "code",
        (_, expression) => expression,
    }
}

fn component_code<'a>(parameters: &'a [Value], definition: &str) -> Result<&'a str> {
    let found = parameters.iter().find(|parameter| text(parameter, "url") == definition);
    match found {
        Some(parameter) => required(parameter, "code"),
        None => Err(format!("no search parameter {}", last_segment(definition)).into()),
    }
}

/// The branches of a union that start at `base`: `Patient.name | Practitioner.name` for Patient is `Patient.name`.
///
/// One parameter of R4 (InsurancePlan's `name`) starts at elements; its branches get the base they lack.
fn restricted_to(base: &str, expression: &str) -> String {
    let branches = top_level_branches(expression).into_iter();
    let own: Vec<String> = branches.filter_map(|branch| started_at(base, branch)).collect();
    own.join(" | ")
}

fn started_at(base: &str, branch: &str) -> Option<String> {
    let root = root(branch);
    if root.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Some(format!("{base}.{branch}"));
    }
    (root == base).then(|| branch.to_owned())
}

fn top_level_branches(expression: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let separator = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '|' && depth == 0
    };
    expression.split(separator).map(str::trim).collect()
}

/// The type a branch starts at: its first identifier.
fn root(branch: &str) -> &str {
    let start = branch.trim_start_matches(['(', ' ']);
    start.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

/// Shared parameters describe each base in a bullet of its own: `* [Patient](patient.html): A server …`.
fn description(base: &str, text: &str) -> String {
    let bullet = format!("* [{base}](");
    let own = text.lines().find_map(|line| line.trim().strip_prefix(&bullet)?.split_once("): "));
    one_line(own.map_or(text, |(_, description)| description))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_restricted_to_one_base() {
        let expression = "Patient.name | (Goal.start as date) | Goal.x.where(a='|') | Practitioner.name";
        assert_eq!(restricted_to("Patient", expression), "Patient.name");
        assert_eq!(restricted_to("Goal", expression), "(Goal.start as date) | Goal.x.where(a='|')");
        assert_eq!(restricted_to("Pat", expression), "");
        assert_eq!(
            restricted_to("InsurancePlan", "name | alias"),
            "InsurancePlan.name | InsurancePlan.alias"
        );
    }
}
