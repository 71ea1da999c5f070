//! Prints the catalogue of errors, `docs/errors.md` (`make errors`).

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(domain::error::catalogue::markdown().as_bytes())
}
