//! What is too much, too slow or no HTTP at all: every refusal has its status, its ids and its reason, and nobody else
//! notices.

mod crowd;
mod every_answer;
mod large;
mod malformed;
mod size;
mod stop;

use crate::server::Server;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer read off a socket.
struct Raw {
    status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Raw {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The code of the first issue of its OperationOutcome.
    fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)));
        assert_eq!(body["resourceType"], "OperationOutcome", "{body:#}");
        assert_eq!(self.header("content-type"), Some("application/fhir+json; charset=utf-8"));
        body["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap().to_owned()
    }
}

/// A connection to a server, and what it reads.
struct Socket {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Socket {
    fn open(server: &Server) -> Socket {
        let address = server.http().origin().strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        Socket { stream, read: Vec::new() }
    }

    /// Whether all of it was taken.
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next answer; `None` if the connection ends before it.
    fn answer(&mut self) -> Option<Raw> {
        let end = loop {
            match self.read.windows(4).position(|part| part == b"\r\n\r\n") {
                Some(end) => break end,
                None => self.more()?,
            }
        };
        let head = String::from_utf8(self.read.drain(..end + 4).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let pair =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let headers: Vec<(String, String)> = lines.filter_map(pair).collect();
        let mut answer = Raw { status, headers, body: Vec::new() };
        if status == 100 {
            return self.answer();
        }
        let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.read.len() < length {
            self.more()?;
        }
        answer.body = self.read.drain(..length).collect();
        Some(answer)
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16384];
        let length = self.stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        self.read.extend_from_slice(&buffer[..length]);
        Some(())
    }
}
