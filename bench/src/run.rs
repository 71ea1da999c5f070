//! One database from its first load to its last write.

use crate::Failure;
use crate::bare::Bare;
use crate::connection::Connection;
use crate::data::Data;
use crate::load::{self, Measured};
use crate::request::Request;
use crate::rest;
use crate::searches;
use crate::server::{Server, Site};
use crate::store::Database;
use crate::table::{Row, grouped};
use crate::work::{BASE, Floor, Limit, Line, Loaded};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// The address that asks nothing of the store.
const LIVE: &str = "/health/live";

/// The line that loads.
const LOAD: &str = "transaction Bundles, resources/s";

/// Copies that are loaded while one token holds.
const AT_ONCE: usize = 5;

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
    /// How many copies of the data are in the store at the end.
    pub(crate) copies: usize,
}

/// What the lines of this run are compared with.
struct Limits {
    bare: Bare,
    live: Option<f64>,
    inserts: Vec<(usize, f64)>,
    /// Median latencies in a store of one copy, by line.
    alone: HashMap<&'static str, f64>,
    size: usize,
}

/// A running server, where its store is, and how many copies that holds.
struct Stage {
    site: Site,
    server: Server,
    copies: usize,
}

impl Plan<'_> {
    /// Measures and prints.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        if self.wants(LOAD) {
            self.fresh("load1")?.load(self, 1, 1)?.server.stop()?;
        }
        let mut stage = self.fresh("load4")?.load(self, 4, 1)?;
        stage.put(&self.data.value_set())?;
        let bare = self.database.bare()?;
        let size = self.data.observation.to_string().len();
        bare.fill(size)?;
        let mut limits = Limits { bare, live: None, inserts: Vec::new(), alone: HashMap::new(), size };
        let mut loaded;
        loop {
            loaded = Loaded::ask(stage.server.port, &stage.token()?, self.data, stage.copies)?;
            stage = self.restart(stage, &loaded)?;
            self.reads(&stage, &loaded, &mut limits)?;
            let more = (stage.copies * 10).min(self.copies);
            if more <= stage.copies {
                break;
            }
            stage = stage.load(self, 4, more)?;
        }
        let count = loaded.writes("", &self.data.observation)?.len();
        for number in 0..count {
            let token = stage.token()?;
            let line = loaded.writes(&token, &self.data.observation)?.into_iter().nth(number);
            if let Some(line) = line.filter(|line| self.wants(line.name)) {
                self.line(&stage, &line, &mut limits)?;
            }
        }
        self.rest(&stage, &loaded, &mut limits)?;
        self.megabytes(&stage, "memory, peak in the mix", "VmHWM", 200.0);
        self.large(&stage)?;
        stage.server.stop()
    }

    /// The rest of the RESTful API: patches, conditions, transactions, histories.
    fn rest(&self, stage: &Stage, loaded: &Loaded, limits: &mut Limits) -> Result<(), Failure> {
        if self.wants(rest::PATCH) {
            rest::prepare(stage.server.port, &stage.token()?, loaded, &self.data.observation)?;
        }
        let count = rest::lines(loaded, "", &self.data.observation)?.len();
        for number in 0..count {
            let token = stage.token()?;
            let line = rest::lines(loaded, &token, &self.data.observation)?.into_iter().nth(number);
            if let Some(line) = line.filter(|line| self.wants(line.name)) {
                self.line(stage, &line, limits)?;
            }
        }
        Ok(())
    }

    /// One transaction of as many entries as a Bundle may have: how long it takes, and how much memory more.
    fn large(&self, stage: &Stage) -> Result<(), Failure> {
        let (time, memory) = ("transaction of 10,000 entries", "memory, peak of 10,000 entries");
        if !self.wants(time) && !self.wants(memory) {
            return Ok(());
        }
        let body = rest::large(&self.data.observation)?;
        let request = Request::send("POST", BASE, &stage.token()?, body.as_bytes());
        let before = stage.server.forget_peak();
        let began = Instant::now();
        let mut connection = Connection::open(stage.server.port)?;
        let answer = connection.exchange(&request.bytes)?;
        let seconds = began.elapsed().as_secs_f64();
        if answer.status != 200 {
            return Err(format!("{time}: {}: {}", answer.status, String::from_utf8_lossy(answer.body)));
        }
        let row =
            Row { work: time, clients: Some(1), result: format!("{seconds:.2} s"), ..self.row(stage.copies) };
        Row { floor: "2 s".to_owned(), of_floor: Some(2.0 / seconds), ..row }.print();
        if let (Some(before), Some(peak)) = (before, stage.server.memory("VmHWM")) {
            let result = format!("{peak:.0} MB, {:.0} MB more", peak - before);
            let row = Row { work: memory, result, floor: "300 MB".to_owned(), ..self.row(stage.copies) };
            Row { of_floor: Some(300.0 / peak), ..row }.print();
        }
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        name.contains(self.only)
    }

    fn row(&self, copies: usize) -> Row<'_> {
        Row { database: self.database.name(), copies, ..Row::default() }
    }

    /// A server on an empty store.
    fn fresh(&self, name: &str) -> Result<Stage, Failure> {
        let site = Site::prepare(self.database.fresh(name)?, self.folder)?;
        let server = site.start(&Request::get("/health/ready", None).bytes)?;
        Ok(Stage { site, server, copies: 0 })
    }

    /// Stops the server and starts it on the loaded store: its first answer is a resource to a caller with a token.
    fn restart(&self, stage: Stage, loaded: &Loaded) -> Result<Stage, Failure> {
        let token = stage.token()?;
        let Stage { site, server, copies } = stage;
        server.stop()?;
        let server = site.start(&Request::get(&loaded.first()?, Some(&token)).bytes)?;
        let stage = Stage { site, server, copies };
        if self.wants("start to first answer") {
            let millis = stage.server.start.as_secs_f64() * 1000.0;
            let result = format!("{millis:.0} ms");
            let floor = "100 ms".to_owned();
            let row = Row { work: "start to first answer", result, floor, ..self.row(copies) };
            Row { of_floor: Some(100.0 / millis), ..row }.print();
        }
        std::thread::sleep(Duration::from_millis(500));
        self.megabytes(&stage, "memory, idle", "VmRSS", 40.0);
        Ok(stage)
    }

    fn megabytes(&self, stage: &Stage, work: &str, line: &str, floor: f64) {
        if let Some(megabytes) = stage.server.memory(line).filter(|_| self.wants(work)) {
            let result = format!("{megabytes:.0} MB");
            let row = Row { work, result, floor: format!("{floor} MB"), ..self.row(stage.copies) };
            Row { of_floor: Some(floor / megabytes), ..row }.print();
        }
    }

    /// What finds and reads, in a store of some copies.
    fn reads(&self, stage: &Stage, loaded: &Loaded, limits: &mut Limits) -> Result<(), Failure> {
        self.limits_of_reading(stage, limits)?;
        let count = searches::lines(loaded, "").len();
        for number in 0..count {
            // Tokens last minutes: a line has its own.
            let token = stage.token()?;
            let line = searches::lines(loaded, &token).into_iter().nth(number);
            if let Some(line) = line.filter(|line| self.wants(line.name)) {
                self.line(stage, &line, limits)?;
            }
        }
        Ok(())
    }

    /// What the reads are compared with.
    fn limits_of_reading(&self, stage: &Stage, limits: &mut Limits) -> Result<(), Failure> {
        let live = load::measure(&stage.server, 16, self.length, &[Request::get(LIVE, None)])?;
        limits.live = Some(live.rate());
        self.limit("limit: /health/live", 16, stage.copies, &live);
        if self.wants("bare select") {
            let clients = match self.database {
                // More threads than processors only wait for each other.
                Database::Sqlite(_) => std::thread::available_parallelism().map_or(2, usize::from),
                Database::Postgres(_) => 16,
            };
            let selects = limits.bare.select(clients, self.length)?;
            self.limit("limit: bare select of one row", clients, stage.copies, &selects);
        }
        Ok(())
    }

    fn limit(&self, work: &str, clients: usize, copies: usize, measured: &Measured) {
        let result = grouped(measured.rate());
        let row = self.row(copies);
        Row { work, clients: Some(clients), result, measured: Some(measured), ..row }.print();
    }

    /// Measures one line, and its limit if that is not known yet.
    fn line(&self, stage: &Stage, line: &Line, limits: &mut Limits) -> Result<(), Failure> {
        let known = limits.inserts.iter().any(|(clients, _)| *clients == line.clients);
        if line.limit == Limit::Insert && !known {
            let inserts = limits.bare.insert(line.clients, self.length, limits.size)?;
            limits.inserts.push((line.clients, inserts.rate()));
            self.limit("limit: bare insert of one row", line.clients, stage.copies, &inserts);
        }
        let limit = match line.limit {
            Limit::Live => limits.live.map(|rate| (rate, "live")),
            Limit::Insert => {
                let known = limits.inserts.iter().find(|(clients, _)| *clients == line.clients);
                known.map(|(_, rate)| (*rate, "insert"))
            }
        };
        if line.limit == Limit::Live {
            load::finds(stage.server.port, &line.requests)
                .map_err(|failure| format!("{}: {failure}", line.name))?;
        }
        let measured = load::measure(&stage.server, line.clients, self.length, &line.requests)
            .map_err(|failure| format!("{}: {failure}", line.name))?;
        let rate = measured.rate();
        let floor = match (line.floor, limit) {
            (Floor::Rate(sqlite, _), _) if matches!(self.database, Database::Sqlite(_)) => Some(sqlite),
            (Floor::Rate(_, postgres), _) => Some(postgres),
            (Floor::Part(part), Some((limit, _))) => Some(part * limit),
            (Floor::Part(_), None) | (Floor::None, _) => None,
        };
        let median = measured.percentile(50);
        let growth = match limits.alone.get(line.name) {
            Some(alone) if stage.copies > 1 => Some((median / alone, line.growth)),
            _ => None,
        };
        if stage.copies == 1 {
            limits.alone.insert(line.name, median);
        }
        let clients = Some(line.clients);
        let row = Row { work: line.name, clients, result: grouped(rate), ..self.row(stage.copies) };
        Row {
            measured: Some(&measured),
            floor: floor.map(grouped).unwrap_or_default(),
            of_floor: floor.map(|floor| rate / floor),
            of_limit: limit.map(|(limit, name)| (rate / limit, name)),
            growth,
            ..row
        }
        .print();
        Ok(())
    }
}

impl Stage {
    /// An access token: it lasts minutes.
    fn token(&self) -> Result<String, Failure> {
        self.site.token(&self.server)
    }

    /// Stores a resource under its id.
    fn put(&self, resource: &Value) -> Result<(), Failure> {
        let part = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
        let path = format!("{BASE}/{}/{}", part("resourceType"), part("id"));
        let request = Request::send("PUT", &path, &self.token()?, resource.to_string().as_bytes());
        let mut connection = Connection::open(self.server.port)?;
        let answer = connection.exchange(&request.bytes)?;
        match answer.status {
            200 | 201 => Ok(()),
            status => Err(format!("PUT {path}: {status}: {}", String::from_utf8_lossy(answer.body))),
        }
    }

    /// Loads copies until there are `copies`, by `clients` clients.
    fn load(self, plan: &Plan<'_>, clients: usize, copies: usize) -> Result<Stage, Failure> {
        let (data, each) = (plan.data, plan.data.bundles());
        let (mut seconds, mut from) = (0.0, self.copies);
        while from < copies {
            let now = (copies - from).min(AT_ONCE);
            let token = self.token()?;
            let bundle = |number: usize| {
                Request::send("POST", "/FHIR/R4", &token, &data.bundle(from + number / each, number % each))
            };
            seconds += load::bundles(self.server.port, clients, now * each, &bundle)?;
            from += now;
        }
        let count = copies - self.copies;
        let rate = f64::from(data.resources) * count as f64 / seconds;
        let floor = match plan.database {
            Database::Sqlite(_) => 12_000.0,
            Database::Postgres(_) => 8_000.0,
        };
        let floor = (clients == 4).then_some(floor);
        if plan.wants(LOAD) {
            let work = format!("{LOAD} ({} Bundles)", count * each);
            let row = Row { work: &work, clients: Some(clients), result: grouped(rate), ..plan.row(copies) };
            let wanted = floor.map(grouped).unwrap_or_default();
            Row { floor: wanted, of_floor: floor.map(|floor| rate / floor), ..row }.print();
        }
        if clients == 4 && plan.wants("store size") {
            let compact = data.compact as f64 * copies as f64;
            let times = plan.database.size(self.site.url())? as f64 / compact;
            let result = format!("{times:.2} × compact JSON");
            let row = Row { work: "store size", result, floor: "1.7".to_owned(), ..plan.row(copies) };
            Row { of_floor: Some(1.7 / times), ..row }.print();
            let resources = f64::from(data.resources) * copies as f64;
            for (tree, bytes) in plan.database.trees(self.site.url())? {
                let work = format!("bytes a resource: {tree}");
                let result = format!("{:.1}", bytes as f64 / resources);
                Row { work: &work, result, ..plan.row(copies) }.print();
            }
        }
        Ok(Stage { copies, ..self })
    }
}
