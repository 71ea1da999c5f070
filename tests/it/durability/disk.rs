//! A full disk under SQLite: writes are refused with 507 or 503, reads go on, and it recovers without a restart.

use super::check;
use crate::database::Database;
use crate::server::Settings;
use serde_json::{Value, json};
use std::process::Command;

/// Lets the process `id` make no file larger than `bytes` (`unlimited` for any): what a full disk does, without a disk.
fn limit(id: u32, bytes: &str) {
    let limited = Command::new("prlimit")
        .args(["--pid", &id.to_string(), &format!("--fsize={bytes}:unlimited")])
        .output();
    let limited = limited.expect("prlimit of util-linux");
    assert!(limited.status.success(), "{}", String::from_utf8_lossy(&limited.stderr));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_refuses_writes_and_nothing_else() {
    let server = Settings::open(Database::Sqlite).start();
    let http = server.http();
    let note = |number: usize| -> Value {
        json!({ "resourceType": "Basic", "id": format!("n{number}"), "code": { "text": "x".repeat(20_000) } })
    };
    let put = |number: usize| http.put(&format!("Basic/n{number}"), &note(number));
    put(0).expect(201);
    let path = server.database_url().strip_prefix("sqlite://").unwrap();
    let largest = ["", "-wal"]
        .iter()
        .filter_map(|end| std::fs::metadata(format!("{path}{end}")).ok())
        .map(|file| file.len())
        .max();
    limit(server.process_id(), &(largest.unwrap() + 200_000).to_string());

    let answers: Vec<_> = (1..60).map(put).collect();
    let stored: Vec<usize> = (1..60).filter(|number| answers[number - 1].status == 201).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 201).collect();
    assert!(!refused.is_empty(), "the limit was not reached");
    for answer in refused {
        assert!(matches!(answer.status, 503 | 507), "{answer}");
        answer.clone().expect_error(answer.status);
    }
    for number in &stored {
        http.get(&format!("Basic/n{number}")).expect(200);
    }
    let total = http.get("Basic?_summary=count").expect(200).json()["total"].as_u64();
    assert_eq!(total, Some(stored.len() as u64 + 1));

    limit(server.process_id(), "unlimited");
    for number in 60..70 {
        put(number).expect(201);
    }
    check(&server);
}
