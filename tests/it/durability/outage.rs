//! PostgreSQL restarted under load: only 503 with `Retry-After`, nothing acknowledged is lost, and it heals by itself.

use super::{check, under_load};
use crate::architecture::workspace;
use crate::database::Database;
use crate::server::Settings;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A cluster of its own, which may be restarted.
struct Cluster {
    url: String,
    folder: String,
}

fn postgres(arguments: &[&str]) -> Output {
    let output = Command::new(workspace().join("tests/bin/postgres")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

impl Cluster {
    fn start() -> Cluster {
        let said = String::from_utf8(postgres(&["start"]).stdout).unwrap();
        let mut lines = said.lines().map(str::to_owned);
        Cluster { url: lines.next().expect("its URL"), folder: lines.next().expect("its folder") }
    }

    fn restart(&self) {
        postgres(&["restart", &self.folder]);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = Command::new(workspace().join("tests/bin/postgres")).args(["stop", &self.folder]).output();
    }
}

#[test]
fn a_restarted_database_is_survived() {
    let cluster = Cluster::start();
    let server = Settings::open(Database::Sqlite).with("BINNACLE_DATABASE_URL", &cluster.url).start();
    let http = server.http();
    let mut healed = Duration::MAX;
    let journals = under_load(&server, 8, |load| {
        load.wait_for(50);
        cluster.restart();
        let restarted = Instant::now();
        // Healed: ten writes and reads in a row succeed.
        let mut row = 0;
        while row < 10 && restarted.elapsed() < Duration::from_secs(20) {
            let answers =
                [http.put("Basic/heals", &super::basic(Some("heals"), 1)), http.get("Basic?_count=1")];
            for answer in &answers {
                assert!(answer.status < 300 || answer.status == 503, "{answer}");
            }
            row = if answers.iter().all(|answer| answer.status < 300) { row + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(20));
        }
        healed = restarted.elapsed();
        load.wait_for(50);
    });
    assert!(healed < Duration::from_secs(5), "healed after {healed:?}");
    for refusal in journals.iter().flat_map(|journal| &journal.others) {
        assert!(refusal.status == 503 && refusal.retry_after, "{refusal:?}\n{}", server.output());
    }
    for journal in &journals {
        // A write whose outcome the database could not tell may be there.
        journal.verify_at_least(http);
    }
    check(&server);
}
