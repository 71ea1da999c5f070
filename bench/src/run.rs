//! One database from its first load to its last write.

use crate::Failure;
use crate::bare::Bare;
use crate::data::Data;
use crate::load::{self, Measured};
use crate::request::Request;
use crate::server::{Server, Site};
use crate::store::Database;
use crate::table::{Row, grouped};
use crate::work::{Floor, Limit, Line, Loaded};
use std::path::Path;
use std::time::Duration;

/// The address that asks nothing of the store.
const LIVE: &str = "/health/live";

/// The line that loads.
const LOAD: &str = "transaction Bundles, resources/s";

/// What is measured on one database.
pub(crate) struct Plan<'a> {
    /// The database.
    pub(crate) database: &'a Database,
    /// What is loaded.
    pub(crate) data: &'a Data,
    /// A folder for logs.
    pub(crate) folder: &'a Path,
    /// Part of the names of the lines wanted.
    pub(crate) only: &'a str,
    /// How long each line is measured.
    pub(crate) length: Duration,
}

/// The limits of this run.
struct Limits {
    bare: Bare,
    live: Option<f64>,
    inserts: Vec<(usize, f64)>,
    size: usize,
}

impl Plan<'_> {
    /// Measures and prints.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        if self.wants(LOAD) {
            let (_, server) = self.load(1)?;
            server.stop()?;
        }
        let (site, server) = self.load(4)?;
        let loaded = Loaded::ask(server.port, &site.token(&server)?)?;
        let server = self.restart(&site, server, &loaded)?;
        let bare = self.database.bare()?;
        let size = self.data.observation.to_string().len();
        bare.fill(size)?;
        let mut limits = Limits { bare, live: None, inserts: Vec::new(), size };
        self.limits_of_reading(&server, &mut limits)?;
        for line in loaded.reads(&site.token(&server)?).into_iter().filter(|line| self.wants(line.name)) {
            // Tokens last minutes: a line has its own.
            let token = site.token(&server)?;
            let fresh = loaded.reads(&token).into_iter().find(|fresh| fresh.name == line.name);
            self.line(&server, &fresh.unwrap_or(line), &mut limits)?;
        }
        let count = loaded.writes("", &self.data.observation)?.len();
        for number in 0..count {
            let token = site.token(&server)?;
            let line = loaded.writes(&token, &self.data.observation)?.into_iter().nth(number);
            if let Some(line) = line.filter(|line| self.wants(line.name)) {
                self.line(&server, &line, &mut limits)?;
            }
        }
        self.megabytes(&server, "memory, peak in the mix", "VmHWM", 200.0);
        server.stop()
    }

    fn wants(&self, name: &str) -> bool {
        name.contains(self.only)
    }

    fn row(&self) -> Row<'_> {
        Row { database: self.database.name(), ..Row::default() }
    }

    /// Loads a fresh store by `clients` clients.
    fn load(&self, clients: usize) -> Result<(Site, Server), Failure> {
        let url = self.database.fresh(&format!("load{clients}"))?;
        let site = Site::prepare(url.clone(), self.folder)?;
        let server = site.start(&Request::get("/health/ready", None).bytes)?;
        let token = site.token(&server)?;
        let send = |bundle: &Vec<u8>| Request::send("POST", "/FHIR/R4", &token, bundle);
        let bundles: Vec<Request> = self.data.bundles.iter().map(send).collect();
        let seconds = load::bundles(server.port, clients, &bundles)?;
        let rate = f64::from(self.data.resources) / seconds;
        let floor = match self.database {
            Database::Sqlite(_) => 12_000.0,
            Database::Postgres(_) => 8_000.0,
        };
        let floor = (clients == 4).then_some(floor);
        if self.wants(LOAD) {
            let work = format!("{LOAD} ({} Bundles)", self.data.bundles.len());
            let row = Row { work: &work, clients: Some(clients), result: grouped(rate), ..self.row() };
            let wanted = floor.map(grouped).unwrap_or_default();
            Row { floor: wanted, of_floor: floor.map(|floor| rate / floor), ..row }.print();
        }
        if clients == 4 && self.wants("store size") {
            let times = self.database.size(&url)? as f64 / self.data.compact as f64;
            let result = format!("{times:.2} × compact JSON");
            let row = Row { work: "store size", result, floor: "1.7".to_owned(), ..self.row() };
            Row { of_floor: Some(1.7 / times), ..row }.print();
        }
        Ok((site, server))
    }

    /// Stops the server and starts it on the loaded store: its first answer is a resource to a caller with a token.
    fn restart(&self, site: &Site, server: Server, loaded: &Loaded) -> Result<Server, Failure> {
        let token = site.token(&server)?;
        server.stop()?;
        let server = site.start(&Request::get(&loaded.first()?, Some(&token)).bytes)?;
        if self.wants("start to first answer") {
            let millis = server.start.as_secs_f64() * 1000.0;
            let result = format!("{millis:.0} ms");
            let row = Row { work: "start to first answer", result, floor: "100 ms".to_owned(), ..self.row() };
            Row { of_floor: Some(100.0 / millis), ..row }.print();
        }
        std::thread::sleep(Duration::from_millis(500));
        self.megabytes(&server, "memory, idle", "VmRSS", 40.0);
        Ok(server)
    }

    fn megabytes(&self, server: &Server, work: &str, line: &str, floor: f64) {
        if let Some(megabytes) = server.memory(line).filter(|_| self.wants(work)) {
            let result = format!("{megabytes:.0} MB");
            let row = Row { work, result, floor: format!("{floor} MB"), ..self.row() };
            Row { of_floor: Some(floor / megabytes), ..row }.print();
        }
    }

    /// What the reads are compared with.
    fn limits_of_reading(&self, server: &Server, limits: &mut Limits) -> Result<(), Failure> {
        let live = load::measure(server, 16, self.length, &[Request::get(LIVE, None)])?;
        limits.live = Some(live.rate());
        self.limit("limit: /health/live", 16, &live);
        if self.wants("bare select") {
            let clients = match self.database {
                // More threads than processors only wait for each other.
                Database::Sqlite(_) => std::thread::available_parallelism().map_or(2, usize::from),
                Database::Postgres(_) => 16,
            };
            let selects = limits.bare.select(clients, self.length)?;
            self.limit("limit: bare select of one row", clients, &selects);
        }
        Ok(())
    }

    fn limit(&self, work: &str, clients: usize, measured: &Measured) {
        let result = grouped(measured.rate());
        Row { work, clients: Some(clients), result, measured: Some(measured), ..self.row() }.print();
    }

    /// Measures one line, and its limit if that is not known yet.
    fn line(&self, server: &Server, line: &Line, limits: &mut Limits) -> Result<(), Failure> {
        let known = limits.inserts.iter().any(|(clients, _)| *clients == line.clients);
        if line.limit == Limit::Insert && !known {
            let inserts = limits.bare.insert(line.clients, self.length, limits.size)?;
            limits.inserts.push((line.clients, inserts.rate()));
            self.limit("limit: bare insert of one row", line.clients, &inserts);
        }
        let limit = match line.limit {
            Limit::Live => limits.live.map(|rate| (rate, "live")),
            Limit::Insert => {
                let known = limits.inserts.iter().find(|(clients, _)| *clients == line.clients);
                known.map(|(_, rate)| (*rate, "insert"))
            }
        };
        if line.limit == Limit::Live && !load::finds(server.port, &line.requests)? {
            // An empty answer is fast, and measures nothing.
            return Err(format!("{}: finds nothing", line.name));
        }
        let measured = load::measure(server, line.clients, self.length, &line.requests)
            .map_err(|failure| format!("{}: {failure}", line.name))?;
        let rate = measured.rate();
        let floor = match (line.floor, limit) {
            (Floor::Rate(sqlite, _), _) if matches!(self.database, Database::Sqlite(_)) => Some(sqlite),
            (Floor::Rate(_, postgres), _) => Some(postgres),
            (Floor::Part(part), Some((limit, _))) => Some(part * limit),
            (Floor::Part(_), None) => None,
        };
        let row = Row { work: line.name, clients: Some(line.clients), result: grouped(rate), ..self.row() };
        Row {
            measured: Some(&measured),
            floor: floor.map(grouped).unwrap_or_default(),
            of_floor: floor.map(|floor| rate / floor),
            of_limit: limit.map(|(limit, name)| (rate / limit, name)),
            ..row
        }
        .print();
        Ok(())
    }
}
