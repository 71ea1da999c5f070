//! The server under measurement: started beside this program's own executable, stopped when dropped.

use crate::Failure;
use crate::connection::Connection;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The client that measures, and its secret: both live as long as the throw-away store.
const CLIENT: &str = "bench";

/// A store for one server: where it is, and what may read it.
pub(crate) struct Site {
    url: String,
    secret: String,
    log: PathBuf,
}

impl Site {
    /// Registers the client in the store at `url`. The server's log goes into `folder`.
    pub(crate) fn prepare(url: String, folder: &Path) -> Result<Self, Failure> {
        let mut random = [0; 32];
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut random))
            .map_err(|error| error.to_string())?;
        let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let site = Self { url, secret, log: folder.join("server.log") };
        let mut adding = site
            .binnacle(0)?
            .args(["client", "add", "--id", CLIENT, "--secret-stdin", "--grant", "client_credentials"])
            .args(["--scope", "system/*.cruds"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("binnacle client add: {error}"))?;
        if let Some(mut input) = adding.stdin.take() {
            input.write_all(site.secret.as_bytes()).map_err(|error| error.to_string())?;
        }
        let status = adding.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(site) } else { Err(format!("binnacle client add ended with {status}")) }
    }

    /// Where the store is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The binary, set to this store and to `port`.
    fn binnacle(&self, port: u16) -> Result<Command, Failure> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(own.with_file_name("binnacle"));
        command
            .env("BINNACLE_LISTEN", format!("127.0.0.1:{port}"))
            .env("BINNACLE_PUBLIC_URL", "http://127.0.0.1")
            .env("BINNACLE_DATABASE_URL", &self.url)
            .env("BINNACLE_RATE_LIMIT_CLIENT", "0");
        Ok(command)
    }

    /// Starts the server and waits until it answers `probe` with 200: at most 30 seconds.
    pub(crate) fn start(&self, probe: &[u8]) -> Result<Server, Failure> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        let log = File::create(&self.log).map_err(|error| error.to_string())?;
        let begin = Instant::now();
        let process = self
            .binnacle(port)?
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("binnacle serve: {error}"))?;
        let mut server = Server { process, port, start: Duration::ZERO };
        while begin.elapsed() < Duration::from_secs(30) {
            let answer = Connection::open(port).and_then(|mut open| open.exchange(probe).map(|a| a.status));
            if answer == Ok(200) {
                server.start = begin.elapsed();
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        Err(format!("the server did not answer within 30 s: {log}"))
    }

    /// An access token (`RFC 6749 §4.4`). It lasts minutes: take one for each measurement.
    pub(crate) fn token(&self, server: &Server) -> Result<String, Failure> {
        let form = format!(
            "grant_type=client_credentials&client_id={CLIENT}&client_secret={}&scope=system/*.cruds",
            self.secret
        );
        let request = format!(
            "POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let mut connection = Connection::open(server.port)?;
        let answer = connection.exchange(request.as_bytes())?;
        let body: serde_json::Value = serde_json::from_slice(answer.body).unwrap_or_default();
        let token = body.get("access_token").and_then(serde_json::Value::as_str);
        token.map(str::to_owned).ok_or_else(|| format!("no access token: {}: {body}", answer.status))
    }
}

/// A running `binnacle serve`.
pub(crate) struct Server {
    process: Child,
    /// The port it listens on, on 127.0.0.1.
    pub(crate) port: u16,
    /// From its start to its first answer.
    pub(crate) start: Duration,
}

impl Server {
    /// A line of the system's account of the process in megabytes (`VmRSS`, `VmHWM`), where the system tells.
    pub(crate) fn memory(&self, line: &str) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kilobytes / 1024.0)
    }

    /// Makes the system count `VmHWM` anew, and answers how much memory is used now, where it can.
    pub(crate) fn forget_peak(&self) -> Option<f64> {
        std::fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5").ok()?;
        self.memory("VmRSS")
    }

    /// Seconds that processors have worked for it, where the system tells. The system counts in hundredths.
    pub(crate) fn processor_seconds(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The second field, the name, is in brackets and may hold anything.
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().ok());
        Some(ticks.sum::<Option<f64>>()? / 100.0)
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        asked.map_err(|error| format!("kill: {error}"))?;
        let status = self.process.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
