//! A store whose rows were written by an older server is brought up to date without anybody asking, while it is used.

use super::{check, metric, until, until_idle};
use crate::database::execute;
use crate::http::{ids, set};
use crate::server::Settings;
use serde_json::{Value, json};

fn patient(number: usize, family: &str) -> Value {
    json!({ "resourceType": "Patient", "id": format!("p{number}"), "name": [{ "family": family }] })
}

on_each! {
    fn an_older_store_is_indexed_anew_by_itself(database: Database) {
        let server = Settings::open(database).start();
        for number in 0..150 {
            let family = if number % 50 == 7 { "Ostler" } else { "Smith" };
            server.http().put(&format!("Patient/p{number}"), &patient(number, family)).expect(201);
        }
        server.http().delete("Patient/p149").expect(204);
        // What an older server might have left: rows that are missing and rows that no search means any more.
        execute(
            server.database_url(),
            "DELETE FROM ix_string; UPDATE ix_token SET code = 1; UPDATE index_state SET format = 0, wanted = 0",
        );
        let server = server.restart();
        until("the job", || server.output().contains("older format"));
        // It serves while it works, and what is written meanwhile is right.
        server.http().put("Patient/p7", &patient(7, "Smithson")).expect(200);
        server.http().put("Patient/p200", &patient(200, "Ostler")).expect(201);
        until_idle(&server);
        assert_eq!(metric(server.http(), "binnacle_job_resources_left{kind=\"reindex\"} "), Some(0));
        let found = server.http().get("Patient?family=Ostler").expect(200).json();
        assert_eq!(ids(&found), set(&["Patient/p57", "Patient/p107", "Patient/p200"]));
        let found = server.http().get("Patient?family=Smithson").expect(200).json();
        assert_eq!(ids(&found), set(&["Patient/p7"]));
        check(&server);
        // The second start finds nothing to do.
        let server = server.restart();
        assert!(server.http().get("/health/ready").expect(200).body == b"ready\n");
        assert!(!server.output().contains("older format"), "{}", server.output());
    }
}

on_each! {
    fn a_later_format_stops_the_writes_of_this_server(database: Database) {
        let server = Settings::open(database).start();
        server.http().put("Patient/p0", &patient(0, "Smith")).expect(201);
        execute(server.database_url(), "UPDATE index_state SET wanted = 1000000, generation = generation + 1");
        let mut number = 0;
        until("the refusal", || {
            number += 1;
            server.http().put("Patient/p0", &patient(0, &format!("Smith-{number}"))).status == 503
        });
        server.http().get("Patient/p0").expect(200);
        server.http().get("Patient?family=Smith").expect(200);
    }
}
