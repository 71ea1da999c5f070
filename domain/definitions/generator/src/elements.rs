//! `types.tsv`, `elements.tsv`, `shorts.tsv`: the structure of resources and data types.
//!
//! A structure's rows are its own elements only; those it inherits (`Element.extension`, `DomainResource.text`, …)
//! stand once, under the type that defines them.

use crate::Result;
use crate::source::{flag, last_segment, list, read, required, text, texts};
use crate::table::{Table, one_line};
use serde_json::Value;
use std::path::Path;

const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";

/// The StructureDefinitions of the base resources and data types, sorted by name.
pub(crate) fn base_structures(source: &Path) -> Result<Vec<Value>> {
    let mut structures = read(source, "StructureDefinition-resources.ndjson")?;
    structures.extend(read(source, "StructureDefinition-types.ndjson")?);
    structures.sort_by(|a, b| text(a, "id").cmp(text(b, "id")));
    Ok(structures)
}

/// name, kind, abstract or empty, base type.
pub(crate) fn types(structures: &[Value]) -> Result<Table> {
    let mut table = Table::new("types.tsv", &["name", "kind", "abstract", "base"]);
    for structure in structures {
        let kind = required(structure, "kind")?.trim_end_matches("-type");
        let is_abstract = if flag(structure, "abstract") { "abstract" } else { "" };
        table.row(&[
            required(structure, "id")?,
            kind,
            is_abstract,
            last_segment(text(structure, "baseDefinition")),
        ])?;
    }
    Ok(table)
}

/// path, min, max, types, flags (S in summary, M modifier), binding strength, value set.
///
/// A type's targets or profiles stand in parentheses, separated by `|`; a reference to another element's content
/// stands as `#path` in the place of the types.
pub(crate) fn elements(structures: &[Value]) -> Result<Table> {
    let columns = ["path", "min", "max", "types", "flags", "binding", "valueSet"];
    let mut table = Table::new("elements.tsv", &columns);
    for element in own_elements(structures) {
        let path = required(element, "path")?;
        let min = element.get("min").and_then(Value::as_u64).ok_or("an element without min")?.to_string();
        let mut flags = String::new();
        if flag(element, "isSummary") {
            flags.push('S');
        }
        if flag(element, "isModifier") {
            flags.push('M');
        }
        let (strength, value_set) = binding(element);
        table.row(&[
            path,
            &min,
            required(element, "max")?,
            &element_types(element)?,
            &flags,
            strength,
            value_set,
        ])?;
    }
    Ok(table)
}

/// path, one line of text. The root path of a structure describes the type itself.
pub(crate) fn shorts(structures: &[Value]) -> Result<Table> {
    let mut table = Table::new("shorts.tsv", &["path", "short"]);
    for structure in structures {
        let mut elements = snapshot(structure);
        if let Some(root) = elements.next() {
            table.row(&[text(root, "path"), &one_line(text(root, "short"))])?;
        }
        for element in elements.filter(|element| is_own(structure, element)) {
            table.row(&[text(element, "path"), &one_line(text(element, "short"))])?;
        }
    }
    Ok(table)
}

/// The required bindings: value set and the types of the bound element, for [`crate::value_sets`].
pub(crate) fn required_value_sets(structures: &[Value]) -> Vec<&str> {
    let bindings = own_elements(structures).map(binding);
    let mut sets: Vec<&str> =
        bindings.filter(|(strength, _)| *strength == "required").map(|(_, set)| set).collect();
    sets.sort_unstable();
    sets.dedup();
    sets
}

pub(crate) fn snapshot(structure: &Value) -> impl Iterator<Item = &Value> {
    structure.get("snapshot").into_iter().flat_map(|snapshot| list(snapshot, "element"))
}

/// The elements a structure defines itself, root excluded; primitives have none (their value is not an element of the JSON).
fn own_elements(structures: &[Value]) -> impl Iterator<Item = &Value> {
    structures
        .iter()
        .filter(|structure| text(structure, "kind") != "primitive-type")
        .flat_map(|structure| snapshot(structure).skip(1).filter(|element| is_own(structure, element)))
}

fn is_own(structure: &Value, element: &Value) -> bool {
    let base = element.get("base").map(|base| text(base, "path")).unwrap_or_default();
    base == text(element, "path") && text(structure, "kind") != "primitive-type"
}

fn binding(element: &Value) -> (&str, &str) {
    let Some(binding) = element.get("binding") else {
        return ("", "");
    };
    let value_set = text(binding, "valueSet");
    // The version of R4's own value sets is R4's: one truth less to carry on every row.
    (text(binding, "strength"), value_set.strip_suffix("|4.0.1").unwrap_or(value_set))
}

fn element_types(element: &Value) -> Result<String> {
    let reference = text(element, "contentReference");
    if !reference.is_empty() {
        return Ok(reference.to_owned());
    }
    let types: Result<Vec<String>> = list(element, "type").map(|kind| element_type(element, kind)).collect();
    Ok(types?.join(","))
}

fn element_type(element: &Value, kind: &Value) -> Result<String> {
    // R4 4.0.1 publishes Resource.id as a string; resource.html#id says it is an id.
    if text(element, "path") == "Resource.id" {
        return Ok("id".to_owned());
    }
    let fhir_type = list(kind, "extension").find(|extension| text(extension, "url") == FHIR_TYPE);
    let code = match fhir_type {
        Some(extension) => required(extension, "valueUrl")?,
        None => required(kind, "code")?,
    };
    let mut restricted: Vec<&str> = texts(kind, "targetProfile");
    restricted.extend(texts(kind, "profile"));
    if restricted.is_empty() {
        return Ok(code.to_owned());
    }
    let names: Vec<&str> = restricted.into_iter().map(last_segment).collect();
    Ok(format!("{code}({})", names.join("|")))
}
