//! Load: many clients, each on its own thread and connection, and the latencies they saw.

use crate::Failure;
use crate::connection::Connection;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The bytes of one request.
pub(crate) struct Request(Vec<u8>);

impl Request {
    /// `GET path`.
    pub(crate) fn get(path: &str) -> Self {
        let text = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/fhir+json\r\n\r\n");
        Self(text.into_bytes())
    }

    /// `POST path` with a FHIR body; the answer need not repeat it.
    pub(crate) fn post(path: &str, body: &[u8]) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/fhir+json\r\n\
             Prefer: return=minimal\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self([head.as_bytes(), body].concat())
    }
}

/// What a measurement gave.
pub(crate) struct Measured {
    /// Answers a second.
    pub(crate) rate: f64,
    /// The median latency in milliseconds.
    pub(crate) p50: f64,
    /// The latency in milliseconds that one answer in a hundred exceeded.
    pub(crate) p99: f64,
}

/// Sends `requests` in turn from every client for `span`, after a tenth of it as warm-up. An answer that is not 2xx
/// ends the measurement.
pub(crate) fn measure(
    port: u16,
    clients: usize,
    span: Duration,
    requests: &[Request],
) -> Result<Measured, Failure> {
    let begin = Instant::now() + span / 10;
    let end = begin + span;
    let mut latencies = Vec::new();
    for client in in_parallel(clients, || client(port, begin, end, requests)) {
        latencies.extend(client?);
    }
    latencies.sort_unstable();
    let percentile = |percent: usize| -> f64 {
        let at = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
        latencies.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    };
    let count = u32::try_from(latencies.len()).unwrap_or(u32::MAX);
    Ok(Measured { rate: f64::from(count) / span.as_secs_f64(), p50: percentile(50), p99: percentile(99) })
}

fn client(port: u16, begin: Instant, end: Instant, requests: &[Request]) -> Result<Vec<Duration>, Failure> {
    let mut connection = Connection::open(port)?;
    let mut latencies = Vec::new();
    for request in requests.iter().cycle() {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        succeeded(&mut connection, request)?;
        if sent >= begin {
            latencies.push(sent.elapsed());
        }
    }
    Ok(latencies)
}

/// Sends one request that must be answered with a 2xx.
fn succeeded(connection: &mut Connection, request: &Request) -> Result<Option<String>, Failure> {
    let answer = connection.exchange(&request.0)?;
    if (200..300).contains(&answer.status) {
        return Ok(answer.location);
    }
    Err(format!("answered {}: {}", answer.status, String::from_utf8_lossy(answer.body)))
}

/// Creates a Patient and answers the path it can be read at.
pub(crate) fn create(port: u16, body: &[u8]) -> Result<String, Failure> {
    let location = succeeded(&mut Connection::open(port)?, &Request::post("/FHIR/R4/Patient", body))?;
    let location = location.ok_or("a create was answered without a Location")?;
    let path =
        location.find("/FHIR/").and_then(|at| location.get(at..)).ok_or("a Location outside the base")?;
    Ok(path.split("/_history").next().unwrap_or(path).to_owned())
}

/// Loads every Bundle once, shared among the clients: how many resources in how many seconds.
pub(crate) fn bundles(port: u16, clients: usize, bundles: &[Vec<u8>]) -> Result<(u32, f64), Failure> {
    let count = |bundle: &Vec<u8>| -> Result<u32, Failure> {
        let bundle: serde_json::Value = serde_json::from_slice(bundle).map_err(|error| error.to_string())?;
        let entries = bundle.get("entry").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        u32::try_from(entries).map_err(|error| error.to_string())
    };
    let resources = bundles.iter().map(count).sum::<Result<u32, Failure>>()?;
    let requests: Vec<Request> = bundles.iter().map(|bundle| Request::post("/FHIR/R4", bundle)).collect();
    let next = AtomicUsize::new(0);
    let begin = Instant::now();
    let work = || -> Result<(), Failure> {
        let mut connection = Connection::open(port)?;
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            succeeded(&mut connection, request)?;
        }
        Ok(())
    };
    in_parallel(clients, work).into_iter().collect::<Result<(), Failure>>()?;
    Ok((resources, begin.elapsed().as_secs_f64()))
}

/// Runs `work` on `clients` threads at once.
fn in_parallel<T: Send>(
    clients: usize,
    work: impl Fn() -> Result<T, Failure> + Sync,
) -> Vec<Result<T, Failure>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a client panicked".to_owned())?).collect()
    })
}
