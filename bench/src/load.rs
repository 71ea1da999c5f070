//! Load: many clients that each wait for their answer before they ask again, and the latencies they saw.
//!
//! One thread drives many connections through the system's readiness queue, so that the load takes as little of the
//! processors as it can: they are the server's too.

use crate::Failure;
use crate::connection::Connection;
use crate::request::Request;
use crate::server::Server;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Threads that drive connections.
const THREADS: usize = 2;

/// Numbers that make each body of an update another one.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// What a measurement gave. Latencies are in microseconds.
pub(crate) struct Measured {
    latencies: Vec<u32>,
    span: Duration,
    /// Bytes of the largest answer, with its headers.
    pub(crate) bytes: usize,
    /// Microseconds of a processor that the server took for each answer: of all numbers here the one that other work on
    /// the machine changes least.
    pub(crate) work: Option<f64>,
}

impl Measured {
    /// From the latencies seen in `span`.
    pub(crate) fn new(mut latencies: Vec<u32>, span: Duration, bytes: usize) -> Self {
        latencies.sort_unstable();
        Self { latencies, span, bytes, work: None }
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.span.as_secs_f64()
    }

    /// The latency in milliseconds that `percent` of a hundred answers did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }
}

/// When to count.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    begin: Instant,
    end: Instant,
}

impl Span {
    /// `length`, after a fifth of it as warm-up.
    pub(crate) fn of(length: Duration) -> Self {
        let begin = Instant::now() + length / 5;
        Self { begin, end: begin + length }
    }

    /// Whether it is over at `now`.
    pub(crate) fn over(self, now: Instant) -> bool {
        now >= self.end
    }

    /// Adds the latency of what was sent at `sent` and answered at `now`, once the warm-up is over.
    pub(crate) fn count(self, latencies: &mut Vec<u32>, sent: Instant, now: Instant) {
        if sent >= self.begin && now < self.end {
            latencies.push(u32::try_from((now - sent).as_micros()).unwrap_or(u32::MAX));
        }
    }
}

/// Sends `requests` in turn from every client for `length`. An answer that is not 2xx ends the measurement.
pub(crate) fn measure(
    server: &Server,
    clients: usize,
    length: Duration,
    requests: &[Request],
) -> Result<Measured, Failure> {
    let span = Span::of(length);
    let threads = THREADS.min(clients);
    let (next, answers) = (AtomicUsize::new(0), AtomicU64::new(0));
    let worked = server.processor_seconds();
    let parts = in_parallel(threads, || {
        let thread = next.fetch_add(1, Ordering::Relaxed);
        // Each client begins at a place of its own among the requests, far from the next.
        let begin = |client: usize| client * requests.len() / clients.max(1);
        drive(server.port, (thread..clients).step_by(threads).map(begin), span, requests, &answers)
    });
    let (mut latencies, mut bytes) = (Vec::new(), 0);
    for part in parts {
        let (part, largest) = part?;
        latencies.extend(part);
        bytes = bytes.max(largest);
    }
    let answers = answers.into_inner() as f64;
    let work = worked.zip(server.processor_seconds()).map(|(before, after)| (after - before) * 1e6 / answers);
    Ok(Measured { work, ..Measured::new(latencies, length, bytes) })
}

/// One connection of a thread.
struct Client {
    stream: TcpStream,
    /// The request to send next, counted on through all of them.
    next: usize,
    sent: Instant,
    buffer: Vec<u8>,
    filled: usize,
    /// Bytes of the answer, once its head was read.
    wanted: Option<usize>,
}

/// Drives clients of one thread, each from its own of the requests on.
fn drive(
    port: u16,
    clients: impl Iterator<Item = usize>,
    span: Span,
    requests: &[Request],
    answers: &AtomicU64,
) -> Result<(Vec<u32>, usize), Failure> {
    let failed = |error: std::io::Error| error.to_string();
    let mut poll = Poll::new().map_err(failed)?;
    let mut open = Vec::new();
    for begin in clients {
        let stream = std::net::TcpStream::connect(("127.0.0.1", port)).map_err(failed)?;
        stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true)).map_err(failed)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(open.len()), Interest::READABLE).map_err(failed)?;
        let buffer = vec![0; 64 * 1024];
        let mut client =
            Client { stream, next: begin, sent: Instant::now(), buffer, filled: 0, wanted: None };
        client.send(requests)?;
        open.push(client);
    }
    let (mut latencies, mut largest) = (Vec::new(), 0);
    let mut events = Events::with_capacity(open.len());
    while !span.over(Instant::now()) {
        poll.poll(&mut events, Some(Duration::from_secs(120))).map_err(failed)?;
        for event in &events {
            let Some(client) = open.get_mut(event.token().0) else { continue };
            if let Some(length) = client.receive()? {
                span.count(&mut latencies, client.sent, Instant::now());
                answers.fetch_add(1, Ordering::Relaxed);
                largest = largest.max(length);
                client.send(requests)?;
            }
        }
    }
    Ok((latencies, largest))
}

impl Client {
    /// Sends the next request.
    fn send(&mut self, requests: &[Request]) -> Result<(), Failure> {
        let request = requests.get(self.next % requests.len().max(1)).ok_or("there is nothing to send")?;
        self.next += 1;
        (self.filled, self.wanted) = (0, None);
        self.sent = Instant::now();
        let written = match request.number {
            None => self.stream.write(&request.bytes),
            Some(_) => self.stream.write(&request.numbered(NUMBER.fetch_add(1, Ordering::Relaxed))),
        };
        match written {
            Ok(written) if written == request.bytes.len() => Ok(()),
            Ok(_) => Err("a request does not fit into the socket's buffer".to_owned()),
            Err(error) => Err(format!("sending: {error}")),
        }
    }

    /// Reads what is there. The length of the answer, once it is whole.
    fn receive(&mut self) -> Result<Option<usize>, Failure> {
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(2 * self.filled, 0);
            }
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let size = room.len();
            let read = match self.stream.read(room) {
                Ok(0) => return Err("the server closed the connection".to_owned()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(format!("reading: {error}")),
            };
            self.filled += read;
            if self.wanted.is_none() {
                self.wanted = answer_length(self.buffer.get(..self.filled).unwrap_or_default())?;
            }
            if let Some(wanted) = self.wanted.filter(|wanted| self.filled >= *wanted) {
                self.check(wanted)?;
                return Ok(Some(wanted));
            }
            // A read that did not fill the room has emptied the socket: its next bytes are an event of their own.
            if read < size {
                return Ok(None);
            }
        }
    }

    /// Refuses an answer that is not 2xx.
    fn check(&self, length: usize) -> Result<(), Failure> {
        if self.buffer.get(9) == Some(&b'2') && self.filled == length {
            return Ok(());
        }
        let text = String::from_utf8_lossy(self.buffer.get(..self.filled).unwrap_or_default());
        Err(format!("answered {text}"))
    }
}

/// Bytes of the answer that begins with `read`, its head included; nothing while the head is not whole.
fn answer_length(read: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(read.get(..end).unwrap_or_default()).map_err(|error| error.to_string())?;
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    match length {
        Some(length) => Ok(Some(end + 4 + length)),
        None => Err(format!("an answer without a content-length: {head}")),
    }
}

/// Whether one of `requests` finds something: an empty answer is fast, and measures nothing.
///
/// Errors: none does; the sentence holds the last answer.
pub(crate) fn finds(port: u16, requests: &[Request]) -> Result<(), Failure> {
    let mut connection = Connection::open(port)?;
    let mut last = "nothing was asked".to_owned();
    for request in requests {
        let answer = connection.exchange(&request.bytes)?;
        let body: serde_json::Value = serde_json::from_slice(answer.body).unwrap_or_default();
        let is_bundle = body.get("resourceType").and_then(serde_json::Value::as_str) == Some("Bundle");
        if answer.status == 200 && (!is_bundle || body.pointer("/entry/0/resource").is_some()) {
            return Ok(());
        }
        last = format!("{}: {body}", answer.status);
    }
    Err(format!("finds nothing: {last}"))
}

/// Sends `count` Bundles, each made when its turn comes, shared among the clients: in how many seconds.
pub(crate) fn bundles(
    port: u16,
    clients: usize,
    count: usize,
    bundle: &(impl Fn(usize) -> Request + Sync),
) -> Result<f64, Failure> {
    let next = AtomicUsize::new(0);
    let begin = Instant::now();
    let work = || -> Result<(), Failure> {
        let mut connection = Connection::open(port)?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            let answer = connection.exchange(&bundle(number).bytes)?;
            if answer.status != 200 {
                let body = String::from_utf8_lossy(answer.body);
                return Err(format!("a transaction was answered {}: {body}", answer.status));
            }
        }
    };
    in_parallel(clients, work).into_iter().collect::<Result<(), Failure>>()?;
    Ok(begin.elapsed().as_secs_f64())
}

/// Runs `work` on `threads` threads at once.
pub(crate) fn in_parallel<T: Send>(
    threads: usize,
    work: impl Fn() -> Result<T, Failure> + Sync,
) -> Vec<Result<T, Failure>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a client panicked".to_owned())?).collect()
    })
}
