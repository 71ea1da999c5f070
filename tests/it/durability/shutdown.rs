//! SIGTERM: what was accepted is answered, what comes later is not taken, and the process ends by itself.

use super::{check, under_load};
use crate::database::Held;
use crate::server::Settings;
use serde_json::json;
use std::time::{Duration, Instant};

on_each! {
    fn what_was_accepted_is_answered(database: Database) {
        let mut server = Settings::open(database).start();
        let http = server.http().clone();
        let patient = json!({ "resourceType": "Patient" });
        // Nothing can be written while the database is held, so that these requests are under way when the signal comes.
        let held = Held::writes(server.database_url());
        let answered = std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| http.another().post("Patient", &patient))).collect();
            std::thread::sleep(Duration::from_millis(400));
            server.ask_to_end();
            std::thread::sleep(Duration::from_millis(300));
            let late = http.another().try_send(&reqwest::Method::GET, "metadata", &[], None);
            assert!(late.is_err() || late.is_ok_and(|late| late.status == 503), "a new request was taken");
            drop(held);
            waiting.into_iter().map(|thread| thread.join().unwrap().status).collect::<Vec<_>>()
        });
        assert_eq!(answered, [201; 4]);
        assert_eq!(server.ended_within(Duration::from_secs(30)), Some(0), "{}", server.output());

        let mut server = server.restart();
        let total = server.http().get("Patient?_summary=count").expect(200).json();
        assert_eq!(total["total"], 4);

        // And while many write: what was acknowledged is there.
        let process = server.process_id().to_string();
        let journals = under_load(&server, 8, |load| {
            load.wait_for(50);
            let asked = std::process::Command::new("kill").arg(&process).status();
            assert!(asked.is_ok_and(|status| status.success()));
            std::thread::sleep(Duration::from_millis(300));
        });
        for refusal in journals.iter().flat_map(|journal| &journal.others) {
            assert!(refusal.status == 503 && refusal.retry_after, "{refusal:?}");
        }
        let started = Instant::now();
        assert_eq!(server.ended_within(Duration::from_secs(30)), Some(0), "{}", server.output());
        assert!(started.elapsed() < Duration::from_secs(28), "it ended because its patience did");
        let server = server.restart();
        journals.iter().for_each(|journal| journal.verify(server.http()));
        check(&server);
    }
}
