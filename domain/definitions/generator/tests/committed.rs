//! The committed tables are what the generator writes from the R4 package.

use std::path::{Path, PathBuf};

/// `BINNACLE_SHARED_DATA`, or `shared/data` beside the workspace.
fn shared_data() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data");
    std::env::var_os("BINNACLE_SHARED_DATA").map_or_else(default, PathBuf::from)
}

#[test]
fn the_committed_tables_are_what_the_generator_writes() {
    let source = shared_data().join("r4-definitions");
    if !source.is_dir() {
        eprintln!("NOT CHECKED: no R4 package at {} (set BINNACLE_SHARED_DATA)", source.display());
        return;
    }
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tables = definitions_generator::generate(&source).unwrap();
    assert_eq!(
        tables.len(),
        10,
        "types, elements, shorts, value sets, codes, search (2), compartments, operations (2)"
    );
    for table in tables {
        let text = std::fs::read_to_string(committed.join(table.name)).unwrap();
        assert!(text == table.text, "{} differs: run `make definitions`", table.name);
    }
}
