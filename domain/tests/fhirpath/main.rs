//! FHIRPath over HL7's public R4 suite: every case passes but those listed in `exceptions.tsv`, each with its reason.
#![expect(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod suite;
