//! `kill -9` under load: what was acknowledged is there, nothing is torn.

use super::{Journal, check, under_load};
use crate::server::Settings;
use std::process::Command;
use std::time::Duration;

on_each! {
    fn a_killed_server_has_kept_every_acknowledged_write(database: Database) {
        let mut server = Settings::open(database).start();
        let mut journals: Vec<Journal> = Vec::new();
        for _ in 0..2 {
            let process = server.process_id().to_string();
            let round = under_load(&server, 16, |load| {
                load.wait_for(100);
                std::thread::sleep(Duration::from_millis(rand::random::<u64>() % 400));
                let killed = Command::new("kill").args(["-9", &process]).status();
                assert!(killed.is_ok_and(|status| status.success()));
                // The writers stop by themselves: nobody answers them.
                std::thread::sleep(Duration::from_millis(200));
            });
            assert!(round.iter().all(|journal| journal.others.is_empty()));
            journals.extend(round);
            server = server.restart();
            journals.iter().for_each(|journal| journal.verify(server.http()));
        }
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
