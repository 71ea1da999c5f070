//! The demo record set of `binnacle serve --demo`: some people of Leeds, made up, loaded on every start.
//!
//! Loading again changes nothing: every entry is a `PUT` with content that is there already.

use super::import::{Loader, Report};

macro_rules! documents {
    ($($name:literal)*) => { &[$(($name, include_bytes!(concat!("../../demo/", $name)).as_slice())),*] };
}

const DOCUMENTS: &[(&str, &[u8])] = documents! {
    "00-practices.json"
    "01-hussain.json"
    "02-oldroyd.json"
    "03-kowalczyk.json"
    "04-campbell.json"
    "05-adeyemi.json"
    "06-thackray.json"
    "07-chan.json"
    "08-ackroyd.json"
    "09-venkatesan.json"
    "10-sugden.json"
    "11-goldberg.json"
    "12-warsame.json"
    "13-lister.json"
    "14-firth.json"
    "15-hinchliffe.json"
    "16-popescu.json"
    "17-karimi.json"
};

/// Loads the demo records.
///
/// Errors: one was refused, which is a fault of this build or of the store.
pub(crate) fn load(loader: &Loader) -> Result<usize, String> {
    let mut report = Report::default();
    for (name, document) in DOCUMENTS {
        loader.load(name, document, &mut report);
    }
    if report.failed() || report.refused() > 0 {
        return Err(format!("The demo records cannot be loaded.\n{}", report.table()));
    }
    Ok(report.stored())
}
