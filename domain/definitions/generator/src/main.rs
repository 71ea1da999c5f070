//! `definitions-generator <r4-definitions folder> <out folder>`: writes the definition tables (`make definitions`).

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, out] = arguments.as_slice() else {
        eprintln!("usage: definitions-generator <folder of the R4 NDJSON files> <folder for the tables>");
        return ExitCode::from(2);
    };
    match write(Path::new(source), Path::new(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("definitions-generator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(source: &Path, out: &Path) -> definitions_generator::Result<()> {
    for table in definitions_generator::generate(source)? {
        std::fs::write(out.join(table.name), table.text)
            .map_err(|error| format!("{}: {error}", table.name))?;
    }
    Ok(())
}
