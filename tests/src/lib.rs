//! What the tests of several crates share; the black-box tests themselves are in `it/`.
#![expect(clippy::panic, reason = "this crate serves tests, which fail by panicking")]

pub mod published;
pub mod storm;
