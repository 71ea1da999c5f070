//! The published data that the project is measured with goes in, and every refusal is one of those listed here.

use super::Table;
use crate::architecture::workspace;
use crate::server::run;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The shared reference data; `None` if there is none on a developer's machine. Under CI it must be there.
fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("BINNACLE_SHARED_DATA")
        .map_or_else(|| workspace().join("../shared/data"), PathBuf::from);
    assert!(path.is_dir() || std::env::var_os("CI").is_none(), "there is no reference data at {}", path.display());
    path.is_dir().then_some(path)
}

/// Imports `folder` into a new SQLite database.
fn import(folder: &Path, arguments: &[&str]) -> Table {
    let home = tempfile::tempdir().unwrap();
    let mut command = super::alone(home.path(), &["import", folder.to_str().unwrap()]);
    Table::read(&run(command.args(arguments), ""))
}

/// How often each reason for a refusal was given.
fn reasons(table: &Table) -> BTreeMap<String, usize> {
    let refused = table.text.lines().skip_while(|line| *line != "Refused:").skip(1);
    refused
        .take_while(|line| *line != "Stored, but:")
        .filter_map(|line| line.trim().split_once(" × "))
        .map(|(count, reason)| (reason.to_owned(), count.parse().unwrap()))
        .collect()
}

fn expected(reasons: &[(&str, usize)]) -> BTreeMap<String, usize> {
    reasons.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
}

#[test]
fn uk_core_goes_in() {
    let Some(shared) = shared() else { return };
    let table = import(&shared.join("ukcore"), &[]);
    // A Bundle that reads from somebody else's server, and an extension with two values.
    let refused = [
        ("INVALID_STRUCTURE: value[x] has one type at a time; send one of its members.", 1),
        ("INVALID_VALUE: The url of an entry is relative to this server's FHIR base.", 3),
    ];
    assert_eq!(reasons(&table), expected(&refused), "{}", table.text);
    assert_eq!((table.status, table.counts["All"]), (0, (517, 4)), "{}", table.text);
}

#[test]
fn synthetic_records_go_in_whole() {
    let Some(shared) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let packed = std::fs::File::open(shared.join("synthea.tar.zst")).unwrap();
    let mut archive = tar::Archive::new(zstd::Decoder::new(packed).unwrap());
    archive.unpack(folder.path()).unwrap();
    let table = import(folder.path(), &[]);
    assert_eq!((table.status, table.counts["All"]), (0, (9882, 0)), "{}", table.text);
    assert_eq!(table.counts["Patient"], (40, 0));
}
