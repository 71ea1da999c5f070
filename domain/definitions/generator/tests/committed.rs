//! The committed tables are what the generator makes of the HL7 package.

use std::path::{Path, PathBuf};

#[test]
fn the_committed_tables_are_what_the_generator_writes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let data =
        std::env::var_os("BINNACLE_SHARED_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    let source = data.join("r4-definitions");
    if !source.is_dir() {
        // The package is not part of the repository; CI has it (and demands it).
        assert!(std::env::var_os("CI").is_none(), "CI needs the R4 definitions in BINNACLE_SHARED_DATA");
        eprintln!("NOT RUN: the R4 definitions are not here; set BINNACLE_SHARED_DATA");
        return;
    }
    for table in definitions_generator::generate(&source).unwrap() {
        let committed = std::fs::read_to_string(root.join("domain/definitions").join(table.name)).unwrap();
        assert!(committed == table.text, "{} differs; run `make definitions`", table.name);
    }
}
