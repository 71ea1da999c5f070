//! The connection under HTTP. What the HTTP library refuses before there is a request (a head that cannot be parsed, or
//! does not end) it answers with a status alone: here such an answer gets ids and an OperationOutcome like any other.

use super::trace;
use actix_rt::net::{ActixStream, Ready, TcpStream};
use domain::{Error, ErrorCode};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Bytes of what was read last in which the ids of a request are looked for.
const HEAD: usize = 4096;

/// Bytes that a bare answer has at most.
const BARE: usize = 256;

/// Bytes that are read, and dropped, after the last answer on a connection. The library would read a body in chunks for as
/// long as it comes.
const LINGER: usize = 1 << 20;

/// How long.
const PATIENCE: Duration = Duration::from_secs(5);

/// A caller's connection.
pub(crate) struct Wire {
    stream: TcpStream,
    /// The beginning of what was read last.
    head: Vec<u8>,
    /// An answer that takes the place of a bare one, and how much of it is sent.
    answer: Option<(Vec<u8>, usize)>,
    /// What is still read after the last answer, so that the caller can read that, and until when.
    last: Option<(usize, Pin<Box<Sleep>>)>,
}

impl Wire {
    /// A connection that was just accepted.
    pub(crate) const fn new(stream: TcpStream) -> Wire {
        Wire { stream, head: Vec::new(), answer: None, last: None }
    }

    /// Whether no more is read: an answer was the last, and the time or the bytes after it are over.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.last {
            None => false,
            Some((left, until)) => *left == 0 || until.as_mut().poll(context).is_ready(),
        }
    }

    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, sent)) = &mut self.answer {
            let rest = bytes.get(*sent..).filter(|rest| !rest.is_empty());
            let Some(rest) = rest else { break };
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => *sent += more,
            }
        }
        self.answer = None;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over(context) {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        if let Some((left, _)) = &mut self.last {
            *left = left.saturating_sub(read.len());
        }
        self.head.clear();
        self.head.extend(read.iter().take(HEAD));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.last.is_none() && is_last(bytes) {
            self.last = Some((LINGER, Box::pin(tokio::time::sleep(PATIENCE))));
        }
        let Some(at) = bare(bytes) else {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        };
        if let Some(before) = bytes.get(..at).filter(|before| !before.is_empty()) {
            return Pin::new(&mut self.stream).poll_write(context, before);
        }
        if self.answer.is_none() {
            let answer = answer(bytes, &self.head);
            self.answer = Some((answer, 0));
        }
        ready!(self.send(context))?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl ActixStream for Wire {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.stream, context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.stream, context)
    }
}

/// Whether `bytes` begin with a refusal that says that it is the last answer.
fn is_last(bytes: &[u8]) -> bool {
    let refuses = matches!(bytes.get(..10), Some(b"HTTP/1.1 4" | b"HTTP/1.1 5"));
    let end = || bytes.windows(4).position(|part| part == b"\r\n\r\n");
    let head = if refuses { end().and_then(|end| bytes.get(..end)) } else { None };
    head.is_some_and(|head| head.windows(19).any(|part| part == b"\r\nconnection: close"))
}

/// Where in `bytes` a bare answer begins. It is the last on its connection and has no body; every answer that a handler
/// gives has an id.
fn bare(bytes: &[u8]) -> Option<usize> {
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let from = bytes.len().saturating_sub(BARE);
    let tail = bytes.get(from..)?;
    let at = tail.windows(10).rposition(|part| part == b"HTTP/1.1 4")?;
    let answer = std::str::from_utf8(tail.get(at..)?).ok()?;
    let has_id = answer.contains("x-request-id");
    (!has_id && answer.contains("content-length: 0\r\n")).then_some(from + at)
}

/// What takes the place of a bare answer to a request that began with `head`.
fn answer(bare: &[u8], head: &[u8]) -> Vec<u8> {
    let bare = String::from_utf8_lossy(bare);
    let (code, message) = match bare.get(9..12) {
        Some("431") => (ErrorCode::HeadTooLarge, "The head of the request is longer than is read here."),
        Some("408") => {
            (ErrorCode::SlowBody, "The head of the request did not come within the time it may take.")
        }
        _ => (
            ErrorCode::MalformedRequest,
            "The request cannot be read: its first line, a header, or how it says where its body ends is wrong.",
        ),
    };
    let outcome = Error::new(code, message).to_outcome();
    let id = |name| {
        let value = header(head, name)?;
        trace::is_plain(value.as_bytes()).then_some(value)
    };
    let request_id = id("x-request-id").unwrap_or_else(trace::new_text);
    let mut ids = format!("x-request-id: {request_id}\r\n");
    if let Some(correlation_id) = id("x-correlation-id") {
        ids.push_str(&format!("x-correlation-id: {correlation_id}\r\n"));
    }
    tracing::info!(target: "access", interaction = "none", status = code.row().status, request_id);
    let headers = format!(
        "content-length: {}\r\ncontent-type: application/fhir+json; charset=utf-8\r\n\
         x-content-type-options: nosniff\r\ncache-control: no-store\r\n{ids}",
        outcome.len()
    );
    let mut answer = bare.replacen("content-length: 0\r\n", &headers, 1).into_bytes();
    answer.extend_from_slice(&outcome);
    answer
}

/// The value of a header in a head that need not be one.
fn header(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().skip(1).take_while(|line| !line.is_empty());
    lines.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    #[test]
    fn only_the_librarys_own_answers_are_bare() {
        let own = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nx-request-id: a\r\n\r\n";
        let gone = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(bare(REFUSED.as_bytes()), Some(0));
        assert_eq!(bare(format!("{gone}{REFUSED}").as_bytes()), Some(gone.len()));
        for whole in [own, gone, "HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", ""] {
            assert_eq!(bare(whole.as_bytes()), None, "{whole}");
        }
    }

    #[test]
    fn a_bare_answer_gets_ids_and_an_outcome() {
        let head = b"G@T / HTTP/1.1\r\nX-Request-Id: mine-1\r\nX-Correlation-ID: <b>\r\n\r\n";
        let text = String::from_utf8(answer(REFUSED.as_bytes(), head)).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 400 Bad Request\r\n") && head.contains("connection: close"),
            "{head}"
        );
        assert!(head.contains("x-request-id: mine-1") && !head.contains("correlation"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert!(body.contains("OperationOutcome") && body.contains("INVALID_REQUEST"), "{body}");
    }
}
