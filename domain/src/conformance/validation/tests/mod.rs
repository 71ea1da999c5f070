//! Validation against single faults, the published corpora and mutated bodies.

mod change;
mod corpora;
mod faults;
mod instance;
mod invariants;
mod mutation;
mod typed;

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
    // fhirbolt panics on some input; it is caught, and a million reports of it help nobody.
    static QUIET: std::sync::Once = std::sync::Once::new();
    QUIET.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let from_fhirbolt = info.location().is_some_and(|at| at.file().contains("fhirbolt"));
            if !from_fhirbolt {
                loud(info);
            }
        }));
    });
    std::thread::Builder::new().stack_size(16 << 20).spawn(work).unwrap().join().unwrap();
}
