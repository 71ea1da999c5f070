//! Prints an OpenAPI document: of everything, or of the resource type named as the argument.

use domain::conformance::{Registry, SearchParameters};
use openapi::{Depth, Extent, Installation};
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let installation = Installation {
        public_url: "http://127.0.0.1:8080",
        base_path: "/FHIR/R4",
        version: env!("CARGO_PKG_VERSION"),
        tokens: true,
    };
    let registry = Registry::r4();
    let extent = match std::env::args().nth(1) {
        Some(name) => Extent::Types(vec![registry.resource_type(&name).ok_or("no such resource type")?]),
        None => Extent::Everything,
    };
    let document = openapi::build(registry, SearchParameters::r4(), &installation, &extent, Depth::Full);
    std::io::stdout().write_all(&openapi::to_bytes(&document)?)?;
    Ok(())
}
