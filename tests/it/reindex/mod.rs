//! Reindexing in the background: by itself when the format of the index is older, and what it costs nobody.

mod format;
mod killed;
mod operation;

use crate::commands::said;
use crate::http::Http;
use crate::server::Server;
use std::time::{Duration, Instant};

/// How long background work over a few hundred resources may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until `holds`.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A number of `/metrics`.
fn metric(http: &Http, name: &str) -> Option<u64> {
    let text = String::from_utf8(http.get("/metrics").expect(200).body).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

/// Waits until no work is left in the background.
#[track_caller]
pub(crate) fn until_idle(server: &Server) {
    until("background work", || metric(server.http(), "binnacle_jobs_open ") == Some(0));
}

/// `binnacle check` finds nothing wrong.
#[track_caller]
pub(crate) fn check(server: &Server) {
    let (status, printed, error) = said(&server.command(&["check"], ""));
    assert_eq!(status, 0, "{printed}{error}");
}
