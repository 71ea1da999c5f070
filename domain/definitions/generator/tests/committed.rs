//! The committed tables are what the generator writes from the R4 package.

use std::path::Path;

#[test]
fn the_committed_tables_are_what_the_generator_writes() {
    let Some(source) = tests::published::path("r4-definitions") else { return };
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tables = definitions_generator::generate(&source).unwrap();
    assert_eq!(
        tables.len(),
        11,
        "types, elements, shorts, value sets, codes, search (2), compartments, constraints,
         operations (2)"
    );
    for table in tables {
        let text = std::fs::read_to_string(committed.join(table.name)).unwrap();
        assert!(text == table.text, "{} differs: run `make definitions`", table.name);
    }
}
