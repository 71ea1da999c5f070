//! What was acknowledged is kept, whatever happens to the process, the database or the disk; told from outside.

mod compression;
mod crash;
mod disk;
mod outage;
mod schema;
mod shutdown;
mod slow;

use crate::commands::said;
use crate::http::Http;
use crate::server::{Server, unique};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Writers at work: how much was acknowledged, and whether they are to stop.
#[derive(Default)]
pub(crate) struct Load {
    acknowledged: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    /// Waits until `count` more writes have been acknowledged.
    pub(crate) fn wait_for(&self, count: usize) {
        let (started, from) = (Instant::now(), self.acknowledged.load(Ordering::Relaxed));
        while self.acknowledged.load(Ordering::Relaxed) < from + count {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{count} writes are not acknowledged in 20 s"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What one writer was told.
pub(crate) struct Journal {
    /// The resource it counts up in, and the greatest version that was acknowledged.
    counter: String,
    version: i64,
    /// `Type/id` of everything else that was acknowledged.
    created: Vec<String>,
    /// Statuses that were no success.
    pub(crate) others: Vec<Refusal>,
}

/// An answer that was no success.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) retry_after: bool,
}

/// A Basic with a number in it.
fn basic(id: Option<&str>, number: i64) -> Value {
    let mut basic = json!({ "resourceType": "Basic", "code": { "text": number.to_string() },
        "subject": { "reference": "Patient/writer" } });
    if let Some(id) = id {
        basic["id"] = id.into();
    }
    basic
}

/// Counts up in a resource of its own, creates others, and writes transactions of both, until `stop` or until the server
/// does not answer any more.
pub(crate) fn write(http: &Http, load: &Load) -> Journal {
    let id = unique("counter");
    let mut journal =
        Journal { counter: format!("Basic/{id}"), version: 0, created: Vec::new(), others: Vec::new() };
    for number in 1.. {
        if load.stop.load(Ordering::Relaxed) {
            break;
        }
        let counted = basic(Some(&id), number);
        let answer = if number % 3 == 0 {
            let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
                { "resource": basic(None, number), "request": { "method": "POST", "url": "Basic" } },
                { "resource": counted, "request": { "method": "PUT", "url": journal.counter } },
            ] });
            http.try_send(&Method::POST, &http.base(), &[], Some(bundle.to_string().as_bytes()))
        } else {
            http.try_send(&Method::PUT, &journal.counter, &[], Some(counted.to_string().as_bytes()))
        };
        let Ok(answer) = answer else { break };
        if answer.status >= 300 {
            let retry_after = answer.headers.contains_key("retry-after");
            journal.others.push(Refusal { status: answer.status, retry_after });
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        if number % 3 == 0 {
            journal.responses(&answer.json());
        } else {
            journal.version = version(&answer.header("etag"));
        }
        load.acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    journal
}

fn version(etag: &str) -> i64 {
    etag.trim_start_matches("W/").trim_matches('"').parse().expect("a version")
}

impl Journal {
    fn responses(&mut self, bundle: &Value) {
        let location = bundle["entry"][0]["response"]["location"].as_str().expect("a location");
        let (address, _) = location.split_once("/_history/").expect("a version in it");
        let at = address.rfind("Basic/").expect("the address of a Basic");
        self.created.push(address[at..].to_owned());
        self.version = version(bundle["entry"][1]["response"]["etag"].as_str().expect("an ETag"));
    }

    /// [`Journal::verify`] where the database itself went away, so that any write that was not acknowledged may be there.
    pub(crate) fn verify_at_least(&self, http: &Http) {
        for address in &self.created {
            http.get(address).expect(200);
        }
        if self.version > 0 {
            let current = version(&http.get(&self.counter).expect(200).header("etag"));
            assert!(current >= self.version, "{}: {current} after {}", self.counter, self.version);
        }
    }

    /// Asserts that everything acknowledged is there, and at most one version more: the one whose answer was lost.
    pub(crate) fn verify(&self, http: &Http) {
        for address in &self.created {
            http.get(address).expect(200);
        }
        let answer = http.get(&self.counter);
        if self.version == 0 && answer.status == 404 {
            return;
        }
        let current = version(&answer.expect(200).header("etag"));
        assert!(
            (self.version..=self.version + 1).contains(&current),
            "{}: version {current}, but {} was acknowledged",
            self.counter,
            self.version
        );
        let history = http.get(&format!("{}/_history?_count=1000", self.counter)).expect(200).json();
        let versions: Vec<i64> = history["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["resource"]["meta"]["versionId"].as_str().unwrap().parse().unwrap())
            .collect();
        assert_eq!(versions, (1..=current).rev().take(1000).collect::<Vec<_>>(), "{}", self.counter);
    }
}

/// Lets `count` writers write while `meanwhile` happens, and stops them after it.
pub(crate) fn under_load(server: &Server, count: usize, meanwhile: impl FnOnce(&Load)) -> Vec<Journal> {
    let load = Load::default();
    std::thread::scope(|scope| {
        let writers: Vec<_> =
            (0..count).map(|_| scope.spawn(|| write(&server.http().another(), &load))).collect();
        meanwhile(&load);
        load.stop.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    })
}

/// Asserts that `binnacle check` finds nothing wrong.
pub(crate) fn check(server: &Server) {
    let (status, printed, error) = said(&server.command(&["check"], ""));
    assert_eq!(status, 0, "{printed}{error}");
}
