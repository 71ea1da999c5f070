//! Black-box tests on both databases: one binary, one module for each part.
#![expect(clippy::unwrap_used, reason = "tests")]

mod oracle;
