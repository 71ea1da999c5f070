//! Reading the NDJSON files of the R4 package, and the few JSON accessors the tables need.

use crate::Result;
use serde_json::Value;
use std::path::Path;

/// Every resource of one NDJSON file, in file order.
pub(crate) fn read(folder: &Path, file: &str) -> Result<Vec<Value>> {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).map_err(|error| format!("{file}: {error}").into()))
        .collect()
}

/// The string under `key`, or the empty string.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The string under `key`, which must be there.
pub(crate) fn required<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value
        .get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{key} is missing in {}", text(value, "id")).into())
}

/// The array under `key`, or nothing.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The strings of the array under `key`.
pub(crate) fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    list(value, key).filter_map(Value::as_str).collect()
}

/// The boolean under `key`, `false` when absent.
pub(crate) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// The last segment of a canonical: `http://hl7.org/fhir/StructureDefinition/Patient` → `Patient`.
pub(crate) fn last_segment(canonical: &str) -> &str {
    canonical.rsplit('/').next().unwrap_or(canonical)
}
