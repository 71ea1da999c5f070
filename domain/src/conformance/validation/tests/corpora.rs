//! Every resource of HL7's examples, UK Core, NHS England, the NHS APIs and Synthea, but for a committed list, passes.

use super::on_deep_stack;
use crate::conformance::Definitions;
use crate::conformance::validation::{NhsNumbers, ValidationSettings, typed_gate, validate};
use crate::resource::json::Json;
use std::collections::BTreeMap;

/// The published files that are refused: file name, FHIRPath of a fault, why.
const REFUSED: &str = include_str!("refused.tsv");

/// The corpora: folders and archives of the reference data.
pub(super) const CORPORA: [&str; 6] =
    ["ukcore", "nhsengland", "nhs-examples", "careplan", "r4-examples.tar.zst", "synthea.tar.zst"];

/// Every published file, without byte order mark; `None` where the reference data are said to be missing.
pub(super) fn files() -> Option<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for name in CORPORA {
        files.append(&mut tests::published::json_files(name)?);
    }
    for text in files.values_mut().filter(|text| text.starts_with(b"\xef\xbb\xbf")) {
        text.drain(..3);
    }
    assert!(files.len() > 700, "only {} files", files.len());
    Some(files)
}

#[test]
fn published_resources_pass_but_for_those_listed() {
    let Some(files) = files() else { return };
    on_deep_stack(move || {
        let found = refusals(&files);
        let listed: Vec<(&str, &str)> = REFUSED
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let mut cells = line.split('\t');
                (cells.next().unwrap(), cells.next().unwrap())
            })
            .collect();
        let as_listed = |file: &str, faults: &[String]| {
            let path = listed.iter().find(|(name, _)| *name == file).map(|(_, path)| *path);
            path.is_some_and(|path| faults.iter().any(|fault| fault.starts_with(path)))
        };
        let unexpected: Vec<_> = found.iter().filter(|(file, faults)| !as_listed(file, faults)).collect();
        assert!(unexpected.is_empty(), "refused, but not listed: {unexpected:#?}");
        for (file, _) in &listed {
            assert!(found.contains_key(*file), "{file} is listed as refused but passes");
        }
    });
}

/// The refused files with their faults as "path: why"; NHS numbers only warn. What the typed model refuses and the
/// table check does not would be a hole.
fn refusals(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<String>> {
    let settings = ValidationSettings { nhs_numbers: NhsNumbers::Warn, ..ValidationSettings::default() };
    let mut refused = BTreeMap::new();
    for (file, text) in files {
        let tree = match Json::parse(text) {
            Ok(tree) => tree,
            Err(error) => {
                refused.insert(file.clone(), vec![format!("(body): {error}")]);
                continue;
            }
        };
        if tree.resource_type().is_none() {
            continue;
        }
        let report = validate(Definitions::r4(), &tree, None, &settings);
        assert_eq!(tree, Json::parse(text).unwrap(), "{file}: validation changes nothing");
        let faults = report.faults.iter();
        let mut faults: Vec<String> = faults
            .map(|issue| {
                format!("{}: {}", issue.expression.as_deref().unwrap_or_default(), issue.diagnostics)
            })
            .collect();
        if faults.is_empty()
            && let Err(error) = typed_gate(text)
        {
            faults.push(format!("(typed): {error}"));
        }
        if !faults.is_empty() {
            refused.insert(file.clone(), faults);
        }
    }
    refused
}
