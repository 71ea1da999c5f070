//! SIGTERM: readiness turns while the socket is still open, what comes then is refused with a reason, what was accepted is
//! answered, and only then nobody is listening.

use crate::database::Held;
use crate::server::Settings;
use serde_json::json;
use std::time::Duration;

on_each! {
    fn readiness_turns_before_the_socket_closes(database: Database) {
        let mut server = Settings::open(database).with("BINNACLE_SHUTDOWN_NOTICE", "2").start();
        let http = server.http().clone();
        let held = Held::writes(server.database_url());
        let patient = json!({ "resourceType": "Patient" });
        http.get("/health/ready").expect(200);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| http.another().post("Patient", &patient));
            std::thread::sleep(Duration::from_millis(400));
            server.ask_to_end();
            std::thread::sleep(Duration::from_millis(300));
            let ready = http.another().get("/health/ready").expect(503);
            assert_eq!(ready.body, b"not ready\n");
            http.another().get("/health/live").expect(200);
            for caller in [http.clone(), http.another()] {
                let late = caller.get("metadata");
                assert_eq!((late.header("retry-after"), late.header("connection")), ("1".into(), "close".into()), "{late}");
                late.expect_error(503);
            }
            std::thread::sleep(Duration::from_millis(2200));
            let gone = http.another().try_send(&reqwest::Method::GET, "/health/live", &[], None);
            assert!(gone.is_err(), "the socket is closed");
            drop(held);
            waiting.join().unwrap().expect(201);
        });
        assert_eq!(server.ended_within(Duration::from_secs(20)), Some(0), "{}", server.output());
    }
}
