//! The commands of the binary beside `serve`, and its settings.

mod check;
mod openapi;
mod readme;
mod settings;

use std::process::Output;

/// The exit status of a command, and what it said on standard output and standard error.
pub(crate) fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}
