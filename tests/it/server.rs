//! The running binary: started on a free port with a fresh database, stopped by process id, its output kept.

use crate::database::Database;
use crate::http::Http;
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take until it answers `/health/ready` (a debug build on a busy machine).
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running `binnacle serve`, and its folder, database and environment.
pub(crate) struct Server {
    process: Child,
    /// Kills the server when this test process ends, however it ends: it waits for the end of its standard input.
    reaper: Child,
    folder: Option<TempDir>,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    http: Http,
}

/// What a server is started with, beyond its fresh database.
pub(crate) struct Settings {
    database: Database,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Settings {
    /// A server that asks nobody for a token: `serve --open`.
    pub(crate) fn open(database: Database) -> Self {
        Self { database, arguments: vec!["--open".into()], environment: Vec::new() }
    }

    /// A server that asks for tokens: `serve`.
    pub(crate) fn guarded(database: Database) -> Self {
        Self { database, arguments: Vec::new(), environment: Vec::new() }
    }

    /// A server with the demo's records, clients and login: `serve --demo`.
    pub(crate) fn demo(database: Database) -> Self {
        Self { database, arguments: vec!["--demo".into()], environment: Vec::new() }
    }

    /// With a setting, `BINNACLE_…`.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts the server and waits until it is ready.
    pub(crate) fn start(self) -> Server {
        Server::start(self)
    }
}

impl Server {
    /// The open server that the tests of one database share.
    pub(crate) fn open(database: Database) -> &'static Self {
        static SQLITE: OnceLock<Server> = OnceLock::new();
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        let cell = match database {
            Database::Sqlite => &SQLITE,
            Database::Postgres => &POSTGRES,
        };
        cell.get_or_init(|| Settings::open(database).start())
    }

    /// The guarded server that the tests of one database share: every request needs a token.
    pub(crate) fn guarded(database: Database) -> &'static Self {
        static SQLITE: OnceLock<Server> = OnceLock::new();
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        let cell = match database {
            Database::Sqlite => &SQLITE,
            Database::Postgres => &POSTGRES,
        };
        cell.get_or_init(|| Settings::guarded(database).start())
    }

    fn start(settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut environment = vec![
            ("BINNACLE_DATABASE_URL".to_owned(), settings.database.create(folder.path())),
            ("BINNACLE_RATE_LIMIT_CLIENT".to_owned(), "0".to_owned()),
            ("BINNACLE_RATE_LIMIT_USER".to_owned(), "0".to_owned()),
        ];
        environment.extend(settings.environment);
        Self::launch(folder, environment, settings.arguments)
    }

    /// Another process on the same database, with an address of its own.
    pub(crate) fn beside(&self) -> Self {
        self.beside_with(&[])
    }

    /// The same with other settings.
    pub(crate) fn beside_with(&self, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut environment = self.environment.clone();
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self::launch(folder, environment, self.arguments.clone())
    }

    /// Stops the process at once (SIGKILL); its database stays.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("the process is ours to kill");
        let _ = self.process.wait();
    }

    /// Stops the process at once and starts it anew on the same database, at another address.
    pub(crate) fn restart(mut self) -> Self {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let folder = self.folder.take().expect("a folder until the server is dropped");
        Self::launch(folder, self.environment.clone(), self.arguments.clone())
    }

    /// Starts the process in `folder` and waits until it is ready.
    fn launch(folder: TempDir, mut environment: Vec<(String, String)>, arguments: Vec<String>) -> Self {
        let port = free_port();
        // The address that a test chose stays; ours follows the port.
        environment.retain(|(name, value)| {
            name != "BINNACLE_LISTEN"
                && !(name == "BINNACLE_PUBLIC_URL" && value.starts_with("http://127.0.0.1:"))
        });
        environment.push(("BINNACLE_LISTEN".to_owned(), format!("127.0.0.1:{port}")));
        if !environment.iter().any(|(name, _)| name == "BINNACLE_PUBLIC_URL") {
            environment.push(("BINNACLE_PUBLIC_URL".to_owned(), format!("http://127.0.0.1:{port}")));
        }
        let output = File::create(folder.path().join("output")).expect("a file for the server's output");
        let process = command(folder.path(), &environment)
            .arg("serve")
            .args(&arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the same file for both streams"))
            .stderr(output)
            .spawn()
            .expect("the binary starts");
        let reaper = Command::new("/bin/sh")
            .arg("-c")
            .arg(r#"read -r _; kill "$0"; rm -rf "$1""#)
            .arg(process.id().to_string())
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell that waits for our end");
        let http = Http::new(&format!("http://127.0.0.1:{port}"));
        let mut server = Self { process, reaper, folder: Some(folder), environment, arguments, http };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) {
        let started = Instant::now();
        loop {
            if self.http.answers("/health/ready") {
                return;
            }
            if let Some(status) = self.process.try_wait().expect("the server's state") {
                panic!(
                    "`binnacle serve` ended with {status} before it was ready; it said:\n{}",
                    self.output()
                );
            }
            if started.elapsed() > START_LIMIT {
                panic!(
                    "/health/ready did not answer 200 within {START_LIMIT:?}; the server said:\n{}",
                    self.output()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A caller without a token.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Everything the server has written to its standard output and error.
    pub(crate) fn output(&self) -> String {
        let bytes = std::fs::read(self.path().join("output")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Runs `binnacle ARGUMENTS…` on this server's database, with `input` as standard input.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> Output {
        run(command(self.path(), &self.environment).args(arguments), input)
    }

    /// `BINNACLE_DATABASE_URL` of this server.
    pub(crate) fn database_url(&self) -> &str {
        let url = self.environment.iter().rev().find(|(name, _)| name == "BINNACLE_DATABASE_URL");
        &url.expect("every server has a database").1
    }

    /// The id of its process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Asks the process to end (SIGTERM).
    pub(crate) fn ask_to_end(&self) {
        let kill = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(kill.is_ok_and(|status| status.success()), "SIGTERM reaches the server");
    }

    /// Waits until the process has ended, and answers its exit status; `None` when it has not within `limit`.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Some(status) = self.process.try_wait().expect("the server's state") {
                return Some(status.code().unwrap_or(-1));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Its folder: the working directory of its commands.
    pub(crate) fn path(&self) -> &Path {
        self.folder.as_ref().expect("a folder until the server is dropped").path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.reaper.kill();
        let _ = self.reaper.wait();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A name no other test uses: letters, digits and `-`, at most 64 characters, so it serves as a FHIR id too.
pub(crate) fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}-{:08x}", std::process::id(), rand::random::<u32>())
}

/// The binary under test: `BINNACLE_BIN`, or `binnacle` beside the folder of this test's executable.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("BINNACLE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps");
    let binary = profile.join("binnacle");
    assert!(
        binary.exists(),
        "{} is missing: run the tests with `make test`, which builds it",
        binary.display()
    );
    binary
}

/// `binnacle`, in `folder`, knowing no `BINNACLE_…` but those given.
pub(crate) fn command(folder: &Path, environment: &[(String, String)]) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BINNACLE_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// Runs a command to its end, with `input` as standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A command that reads no input may have closed it already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("the command ends")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}
