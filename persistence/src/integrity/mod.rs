//! Compares what is stored with what extraction would write today, a page of resources at a time, in one state of the
//! store.

mod compartments;
pub(crate) mod rows;
pub(crate) mod words;

use crate::connection::VersionRow;
use crate::resources::stored;
use crate::schema::WORDS;
use crate::statement::Statement;
use crate::transaction::Transaction;
use compartments::Compartments;
use domain::access::Access;
use domain::conformance::{Definitions, SearchParameters};
use domain::index::Indexed;
use domain::index::hash::resource_key;
use domain::store::integrity::{Fault, Finding, Integrity, Page, reindex};
use domain::store::{Method, ReadTx, Stored};
use domain::{Error, ErrorCode};
use rows::{ByResource, Row};
use std::collections::HashMap;

/// Resources of a page.
const PAGE: i64 = 250;

/// Earlier versions read at once.
const VERSIONS: i64 = 250;

impl Integrity for Transaction<'_> {
    fn resources(&mut self) -> Result<u64, Error> {
        let count = self.connection.integers(&Statement::new("SELECT COUNT(*) FROM resource"))?.pop();
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    fn check(
        &mut self,
        access: &Access,
        parameters: &SearchParameters,
        base: &str,
        after: Option<i64>,
    ) -> Result<Page, Error> {
        if !access.is_everything() {
            let message = "Only who may see everything can check the store.";
            return Err(Error::new(ErrorCode::Forbidden, message));
        }
        self.snapshot()?;
        let after = after.unwrap_or(i64::MIN);
        let current = current(self, after)?;
        let last = current.last().map(|row| row.0);
        let full = i64::try_from(current.len()).unwrap_or(i64::MAX) >= PAGE;
        // The last page also has the rows after the last resource, which then belong to none.
        let upto = last.filter(|_| full).unwrap_or(i64::MAX);
        let mut walk = Walk {
            range: (after, upto),
            base,
            parameters,
            page: Page { next: last.filter(|_| full), ..Page::default() },
            resources: HashMap::with_capacity(current.len()),
        };
        walk.history(self)?;
        walk.current(self, current)?;
        walk.tables(self)?;
        if !full {
            walk.counts(self)?;
        }
        Ok(walk.page)
    }
}

/// The next current versions.
fn current(tx: &mut Transaction<'_>, after: i64) -> Result<Vec<VersionRow>, Error> {
    let mut statement = Statement::new(
        "SELECT rid, type_id, fhir_id, version, updated_us, method, body FROM resource WHERE rid > ",
    );
    statement.integer(after).sql(" ORDER BY rid LIMIT ").integer(PAGE);
    tx.connection.versions(&statement)
}

/// What is known of a resource while its page is checked.
#[derive(Default)]
struct Resource {
    /// `Type/id`
    name: String,
    key: i64,
    type_number: i64,
    /// The version that was read last, and its time.
    last: (i64, i64),
    /// Whether each version followed the one before.
    chained: bool,
    /// Whether every body could be read; else compartments cannot be told.
    readable: bool,
    compartments: Compartments,
    indexed: Indexed,
}

struct Walk<'a> {
    range: (i64, i64),
    base: &'a str,
    parameters: &'a SearchParameters,
    page: Page,
    resources: HashMap<i64, Resource>,
}

impl Walk<'_> {
    fn find(&mut self, resource: String, fault: Fault) {
        self.page.findings.push(Finding { resource, fault });
    }

    /// Reads the earlier versions of the page's resources, oldest first.
    fn history(&mut self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let (mut place, upto) = ((self.range.0, i64::MAX), self.range.1);
        let mut orphans = 0;
        loop {
            // The id stands in `resource` alone; a version without it has lost its resource.
            let mut statement = Statement::new(
                "SELECT h.rid, h.type_id, COALESCE(r.fhir_id, ''), h.version, h.updated_us, h.method, h.body \
                 FROM history h LEFT JOIN resource r ON r.rid = h.rid WHERE (h.rid, h.version) > (",
            );
            statement.integer(place.0).sql(", ").integer(place.1).sql(") AND h.rid <= ").integer(upto);
            statement.sql(" ORDER BY h.rid, h.version LIMIT ").integer(VERSIONS);
            let rows = tx.connection.versions(&statement)?;
            let Some(last) = rows.last() else { break };
            place = (last.0, last.3);
            for row in rows {
                if row.2.is_empty() {
                    orphans += 1;
                } else {
                    self.version(tx, row);
                }
            }
        }
        if orphans > 0 {
            self.find("(none)".into(), Fault::Orphans { table: "history", rows: orphans });
        }
        Ok(())
    }

    /// Takes one version into account, in the order of versions.
    fn version(&mut self, tx: &Transaction<'_>, row: VersionRow) {
        self.page.versions += 1;
        let (rid, type_number, version, updated) = (row.0, row.1, row.3, row.4);
        let name = name(tx, type_number, &row.2);
        let key = name.split_once('/').map_or(0, |(type_, id)| resource_key(type_, id));
        let body: Option<(Stored, Indexed)> = stored(tx.names, row)
            .ok()
            .and_then(|stored| reindex(self.parameters, &stored, self.base).map(|indexed| (stored, indexed)));
        let resource = self.resources.entry(rid).or_insert_with(|| Resource {
            chained: true,
            readable: true,
            last: (0, i64::MIN),
            ..Resource::default()
        });
        resource.chained &= version == resource.last.0 + 1 && updated > resource.last.1;
        resource.last = (version, updated);
        (resource.key, resource.type_number) = (key, type_number);
        resource.name.clone_from(&name);
        match body {
            Some((stored, indexed)) => {
                if stored.method != Method::Delete {
                    resource.compartments.version(version, &indexed.patients);
                }
                resource.indexed = indexed;
            }
            None => {
                resource.readable = false;
                self.find(name, Fault::Body { version });
            }
        }
    }

    /// Takes the current versions into account, and closes the chains.
    fn current(&mut self, tx: &mut Transaction<'_>, current: Vec<VersionRow>) -> Result<(), Error> {
        let mut keys = rows::KEYS.read(tx.connection, self.range)?;
        for row in current {
            let rid = row.0;
            self.page.resources += 1;
            self.version(tx, row);
            let key = keys.remove(&rid).and_then(|rows| rows.first().map(|row| row.p));
            let Some(resource) = self.resources.get(&rid) else { continue };
            let (name, chained, right) = (resource.name.clone(), resource.chained, key == Some(resource.key));
            if !right {
                self.find(name.clone(), Fault::Key);
            }
            if !chained {
                self.find(name, Fault::Versions);
            }
        }
        Ok(())
    }

    /// Compares every table's rows with those that the page's resources ought to have.
    fn tables(&mut self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let mut expected: HashMap<&'static str, ByResource> = HashMap::new();
        let mut compartments = ByResource::new();
        let incomplete = words::incomplete(tx, self.resources.values().map(|resource| &resource.indexed))?;
        let mut unworded = Vec::new();
        for (rid, resource) in &mut self.resources {
            let missing = words::missing(&incomplete, &resource.indexed);
            if missing > 0 {
                unworded.push((resource.name.clone(), missing));
            }
            for entry in std::mem::take(&mut resource.indexed.entries) {
                let (table, row) = rows::expected(tx.names, &entry);
                expected.entry(table).or_default().entry(*rid).or_default().push(row);
            }
            let spans = std::mem::take(&mut resource.compartments).spans();
            let rows =
                spans.map(|(patient, since, until)| Row::of(patient, &[resource.type_number, since, until]));
            compartments.insert(*rid, rows.collect());
        }
        for (resource, missing) in unworded {
            self.find(resource, Fault::Rows { table: WORDS.name, missing, unexpected: 0 });
        }
        for table in rows::TABLES {
            let kept = table.read(tx.connection, self.range)?;
            self.compare(table.name, expected.remove(table.name).unwrap_or_default(), kept);
        }
        let kept = rows::composites(tx.connection, self.range)?;
        self.compare(rows::COMPOSITE, expected.remove(rows::COMPOSITE).unwrap_or_default(), kept);
        let kept = rows::COMPARTMENT.read(tx.connection, self.range)?;
        self.compare(rows::COMPARTMENT.name, compartments, kept);
        Ok(())
    }

    /// Compares what is counted of each type with what there is.
    fn counts(&mut self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let kept = "SELECT type_id, CAST(SUM(living) AS BIGINT) FROM type_count GROUP BY type_id";
        let mut kept: HashMap<i64, i64> = tx.connection.pairs(&Statement::new(kept))?.into_iter().collect();
        let living = "SELECT type_id, COUNT(*) FROM resource WHERE method <> 3 GROUP BY type_id";
        let mut types = tx.connection.pairs(&Statement::new(living))?;
        types.extend(
            kept.keys()
                .filter(|type_| !types.iter().any(|(known, _)| known == *type_))
                .map(|type_| (*type_, 0))
                .collect::<Vec<_>>(),
        );
        types.sort_unstable();
        for (type_number, living) in types {
            let kept = kept.remove(&type_number).unwrap_or(0);
            if kept != living {
                let type_ =
                    tx.names.type_(type_number).map_or("?", |type_| Definitions::r4().type_name(type_));
                self.find(type_.to_owned(), Fault::Count { kept, living });
            }
        }
        Ok(())
    }

    fn compare(&mut self, table: &'static str, mut expected: ByResource, mut kept: ByResource) {
        self.page.rows += kept.values().map(|rows| rows.len() as u64).sum::<u64>();
        let mut rids: Vec<i64> = self.resources.keys().copied().collect();
        rids.sort_unstable();
        for rid in rids {
            let (wanted, kept) = (expected.remove(&rid), kept.remove(&rid));
            let (missing, unexpected) =
                rows::difference(wanted.unwrap_or_default(), kept.unwrap_or_default());
            let Some(resource) = self.resources.get(&rid) else { continue };
            // What cannot be read is told already.
            if (missing, unexpected) != (0, 0) && resource.readable {
                let name = resource.name.clone();
                self.find(name, Fault::Rows { table, missing, unexpected });
            }
        }
        for (rid, rows) in kept {
            self.find(format!("row {rid}"), Fault::Orphans { table, rows: rows.len() });
        }
    }
}

/// `Type/id`.
fn name(tx: &Transaction<'_>, type_number: i64, id: &str) -> String {
    let type_ = tx.names.type_(type_number).map(|type_| Definitions::r4().type_name(type_));
    format!("{}/{id}", type_.unwrap_or("?"))
}
