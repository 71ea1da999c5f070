//! Every resource of HL7's examples, UK Core, NHS England, the NHS APIs and Synthea, but for a committed list, passes.

use super::on_deep_stack;
use crate::conformance::Definitions;
use crate::conformance::validation::{NhsNumbers, ValidationSettings, typed_gate, validate};
use crate::resource::json::Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The published files that are refused: file name, FHIRPath of a fault, why.
const REFUSED: &str = include_str!("refused.tsv");

fn shared_data() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("BINNACLE_SHARED_DATA").map_or_else(default, PathBuf::from)
}

/// The `.json` files below a folder, by path from `root`.
fn folder(root: &Path, at: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folder(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

/// The `.json` files of a `.tar.zst` (plain ustar entries).
fn archive(path: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    let tar = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let mut at = 0;
    while tar.get(at).is_some_and(|byte| *byte != 0) {
        let header = &tar[at..at + 512];
        let field = |from: usize, to: usize| {
            String::from_utf8_lossy(&header[from..to]).trim_end_matches('\0').to_owned()
        };
        let size = usize::from_str_radix(field(124, 136).trim(), 8).unwrap();
        let name = field(0, 100);
        if name.ends_with(".json") {
            found.insert(name, tar[at + 512..at + 512 + size].to_vec());
        }
        at += 512 + size.div_ceil(512) * 512;
    }
}

#[test]
fn published_resources_pass_but_for_those_listed() {
    let shared = shared_data();
    if !shared.is_dir() {
        eprintln!("NOT CHECKED: no shared data at {} (set BINNACLE_SHARED_DATA)", shared.display());
        return;
    }
    on_deep_stack(move || {
        let mut files = BTreeMap::new();
        for name in ["ukcore", "nhsengland", "nhs-examples", "careplan"] {
            folder(&shared, &shared.join(name), &mut files);
        }
        archive(&shared.join("r4-examples.tar.zst"), &mut files);
        archive(&shared.join("synthea.tar.zst"), &mut files);
        assert!(files.len() > 700, "only {} files", files.len());
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
    let settings = ValidationSettings { nhs_numbers: NhsNumbers::Warn };
    let mut refused = BTreeMap::new();
    for (file, text) in files {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
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
