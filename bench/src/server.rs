//! The server under measurement: started beside this program's own executable, stopped when dropped.

use crate::Failure;
use crate::connection::Connection;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running `binnacle serve --open`.
pub(crate) struct Server {
    process: Child,
    /// The port it listens on, on 127.0.0.1.
    pub(crate) port: u16,
    /// From its start to its first answer.
    pub(crate) start: Duration,
}

impl Server {
    /// Starts `binnacle` on the database at `url`.
    pub(crate) fn start(url: &str) -> Result<Self, Failure> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let binary = own.with_file_name("binnacle");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        let begin = Instant::now();
        let process = Command::new(&binary)
            .args(["serve", "--open"])
            .env("BINNACLE_LISTEN", format!("127.0.0.1:{port}"))
            .env("BINNACLE_PUBLIC_URL", format!("http://127.0.0.1:{port}"))
            .env("BINNACLE_DATABASE_URL", url)
            .env("BINNACLE_RATE_LIMIT_CLIENT", "0")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let mut server = Self { process, port, start: Duration::ZERO };
        let ready = b"GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        while begin.elapsed() < Duration::from_secs(30) {
            let answer =
                Connection::open(port).and_then(|mut open| open.exchange(ready).map(|got| got.status));
            if answer == Ok(200) {
                server.start = begin.elapsed();
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err("the server did not answer /health/ready within 30 s".to_owned())
    }

    /// Its resident memory in kilobytes, where the system tells.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
