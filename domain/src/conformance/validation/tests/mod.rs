//! Validation against single faults, the published corpora and mutated bodies.

mod corpora;
mod faults;
mod mutation;

use super::{Report, ValidationSettings, validate};
use crate::conformance::Definitions;
use crate::resource::json::Json;

/// The report on a document.
fn report(text: &str) -> Report {
    let tree = Json::parse(text.as_bytes()).unwrap();
    validate(Definitions::r4(), &tree, None, &ValidationSettings::default())
}

/// Runs `work` on a stack deep enough for the typed model.
fn on_deep_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(16 << 20).spawn(work).unwrap().join().unwrap();
}
