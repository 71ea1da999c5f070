//! The published data that the project is measured with goes in, and every refusal is one of those listed here.

use super::Table;
use crate::server::run;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The reference data; `None` where they are said to be missing.
fn shared() -> Option<PathBuf> {
    tests::published::path(".")
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
    let archive = folder.path().join("synthea.tar");
    std::fs::write(&archive, zstd::decode_all(packed).unwrap()).unwrap();
    let unpacked = Command::new("tar").arg("-xf").arg(&archive).current_dir(folder.path()).status();
    assert!(unpacked.is_ok_and(|status| status.success()));
    // Some of the records: all are checked where validation is tested.
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.path().join("synthea")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let entries: usize = files.split_off(files.len() - 6).iter().map(|file| entries(file)).sum();
    files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    let table = import(folder.path(), &[]);
    assert!(entries > 500, "{entries}");
    assert_eq!((table.status, table.counts["All"]), (0, (entries, 0)), "{}", table.text);
    assert_eq!(table.counts["Patient"], (6, 0));
}

/// How many entries the Bundle in `file` has.
fn entries(file: &Path) -> usize {
    let bundle: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    bundle["entry"].as_array().unwrap().len()
}

#[test]
fn what_the_nhs_publishes_goes_in_but_for_its_mistakes() {
    let Some(shared) = shared() else { return };
    // Numbers that are made up, examples that leave out or misplace elements of R4, and search parameters that cannot be
    // searched by: two look at extensions by a function, and two are the same parameter under two addresses.
    for (folder, numbers, counts) in [
        ("nhs-examples", "refuse", (138, 101)),
        ("nhs-examples", "warn", (180, 59)),
        ("nhsengland", "warn", (176, 8)),
    ] {
        let copy = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-r").arg(shared.join(folder)).arg(copy.path()).status();
        assert!(copied.is_ok_and(|status| status.success()));
        // Deletes what another file adds: files are loaded side by side, so either may come first.
        let _ = std::fs::remove_file(
            copy.path().join(folder).join("examples/RemoveRARecord-Bundle-Example.json"),
        );
        let table = import(copy.path(), &["--nhs-number", numbers]);
        assert_eq!((table.status, table.counts["All"]), (0, counts), "{folder}: {}", table.text);
        let mut reasons = reasons(&table);
        let wrong = reasons.remove(
            "INVALID_NHS_NUMBER: An NHS number is ten digits, the last of which is the right check digit.",
        );
        assert_eq!(wrong.is_some(), numbers == "refuse", "{folder}: {}", table.text);
        let known = [
            "INVALID_CODE: ",
            "INVALID_JSON: ",
            "INVALID_STRUCTURE: ",
            "INVALID_VALUE: ",
            "MISSING_VALUE: ",
            "INVARIANT_VIOLATED: This search parameter cannot be searched by: ",
        ];
        for reason in reasons.keys() {
            assert!(known.iter().any(|code| reason.starts_with(code)), "{reason}");
        }
    }
}
