//! `kill -9` under load: what was acknowledged is there, nothing is torn.
//!
//! A long run: `BINNACLE_TEST_CRASH_ROUNDS=100 tests/bin/postgres run cargo test --workspace --test it -- crash`.

use super::{Journal, check, under_load};
use crate::server::Settings;
use std::process::Command;
use std::time::Duration;

/// How often the server is killed: `BINNACLE_TEST_CRASH_ROUNDS`, for a long run.
fn rounds() -> usize {
    let asked = std::env::var("BINNACLE_TEST_CRASH_ROUNDS").ok();
    asked.map_or(3, |rounds| rounds.parse().expect("BINNACLE_TEST_CRASH_ROUNDS is a number"))
}

on_each! {
    fn a_killed_server_has_kept_every_acknowledged_write(database: Database) {
        let mut server = Settings::open(database).start();
        let mut journals: Vec<Journal> = Vec::new();
        for round in 1..=rounds() {
            let process = server.process_id().to_string();
            let written = under_load(&server, 8, |load| {
                load.wait_for(100);
                std::thread::sleep(Duration::from_millis(rand::random::<u64>() % 400));
                let killed = Command::new("kill").args(["-9", &process]).status();
                assert!(killed.is_ok_and(|status| status.success()));
                // The writers stop by themselves: nobody answers them.
                std::thread::sleep(Duration::from_millis(200));
            });
            assert!(written.iter().all(|journal| journal.others.is_empty()));
            let first = journals.len();
            journals.extend(written);
            server = server.restart();
            // What earlier rounds wrote is looked at again at the end.
            journals.iter().skip(first).for_each(|journal| journal.verify(server.http()));
            if round % 5 == 0 {
                check(&server);
            }
        }
        journals.iter().for_each(|journal| journal.verify(server.http()));
        check(&server);
    }
}

on_each! {
    fn a_check_goes_on_while_others_write(database: Database) {
        let server = Settings::open(database).start();
        let journals = under_load(&server, 8, |load| {
            for _ in 0..3 {
                load.wait_for(10);
                check(&server);
            }
        });
        assert!(journals.iter().all(|journal| journal.others.is_empty()));
        journals.iter().for_each(|journal| journal.verify(server.http()));
    }
}
