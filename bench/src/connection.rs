//! One keep-alive HTTP/1.1 connection that waits for each answer: for what is not measured by the request.

use crate::Failure;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An open connection to the server.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

/// What one request was answered.
pub(crate) struct Answer<'a> {
    /// The status of the answer.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// Connects to `127.0.0.1:port`.
    pub(crate) fn open(port: u16) -> Result<Self, Failure> {
        let stream =
            TcpStream::connect(("127.0.0.1", port)).map_err(|error| format!("connecting: {error}"))?;
        let limit = Some(Duration::from_secs(120));
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(limit))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            line: String::new(),
            body: Vec::new(),
        })
    }

    /// Sends the bytes of one request and reads its answer.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        self.stream.get_mut().write_all(request).map_err(|error| format!("sending: {error}"))?;
        let status = self
            .read_line()?
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or("the answer is not HTTP/1.1")?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().map_err(|_| "a content-length that is no number")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.eq_ignore_ascii_case("chunked");
            }
        }
        self.body.clear();
        if chunked {
            self.read_chunks()?;
        } else {
            self.read_body(length)?;
        }
        Ok(Answer { status, body: &self.body })
    }

    fn read_line(&mut self) -> Result<&str, Failure> {
        self.line.clear();
        let read = self.stream.read_line(&mut self.line).map_err(|error| format!("reading: {error}"))?;
        if read == 0 { Err("the server closed the connection".to_owned()) } else { Ok(self.line.trim_end()) }
    }

    fn read_body(&mut self, length: u64) -> Result<(), Failure> {
        let read = (&mut self.stream).take(length).read_to_end(&mut self.body);
        read.map(drop).map_err(|error| format!("reading: {error}"))
    }

    fn read_chunks(&mut self) -> Result<(), Failure> {
        loop {
            let size = u64::from_str_radix(self.read_line()?, 16).map_err(|_| "a chunk without a size")?;
            self.read_body(size)?;
            self.read_line()?;
            if size == 0 {
                return Ok(());
            }
        }
    }
}
