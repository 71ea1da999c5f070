//! The published reference data (HL7's examples, UK Core, the NHS's, Synthea, vectors): where they are, and their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Names the folder of the data; without it they are looked for beside the workspace, in `../shared/data`.
const VARIABLE: &str = "BINNACLE_SHARED_DATA";

/// The folder or file `name` of the reference data.
///
/// `None` only where somebody has said that there are none (`BINNACLE_SHARED_DATA=none`, as `make test` does, with a
/// word about it, on a machine that has none): the test that asked is then not run.
///
/// Panics when the data are missing: a check that did not run is not a pass.
pub fn path(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE);
    if named.as_ref().is_some_and(|folder| folder == "none") {
        eprintln!("NOT RUN: {name} is not here ({VARIABLE}=none)");
        return None;
    }
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = named.map_or_else(beside, PathBuf::from).join(name);
    assert!(
        path.exists(),
        "{} is missing: set {VARIABLE} to the folder of the reference data, or to 'none' to do without",
        path.display()
    );
    Some(path)
}

/// The `.json` files of a folder (and its folders) or of a `.tar.zst` of the reference data, by their paths from the
/// data's folder. `None` as [`path`].
///
/// Panics when they cannot be read.
pub fn json_files(name: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let path = path(name)?;
    let mut files = BTreeMap::new();
    if path.is_dir() {
        folder(&path, name, &mut files);
    } else {
        archive(&path, &mut files);
    }
    assert!(!files.is_empty(), "{} has no .json files", path.display());
    Some(files)
}

fn folder(path: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for entry in entries.flatten() {
        let below = format!("{name}/{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_dir() {
            folder(&path, &below, files);
        } else if below.ends_with(".json") {
            let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            files.insert(below, text);
        }
    }
}

/// The `.json` files of a `.tar.zst` of plain ustar entries.
fn archive(path: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    let broken = |what: &str| -> ! { panic!("{}: {what}", path.display()) };
    let tar = std::fs::File::open(path).and_then(zstd::decode_all);
    let tar = tar.unwrap_or_else(|error| broken(&error.to_string()));
    let mut rest = tar.as_slice();
    while rest.first().is_some_and(|byte| *byte != 0) {
        let Some((header, after)) = rest.split_at_checked(512) else { broken("half a header") };
        let field = |from: usize, to: usize| {
            let field = header.get(from..to).unwrap_or_default();
            String::from_utf8_lossy(field).trim_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&field(124, 136), 8).unwrap_or_else(|_| broken("no size"));
        let Some((text, _)) = after.split_at_checked(size) else { broken("half a file") };
        let name = field(0, 100);
        if name.ends_with(".json") {
            files.insert(name, text.to_vec());
        }
        rest = after.get(size.div_ceil(512) * 512..).unwrap_or_default();
    }
}
