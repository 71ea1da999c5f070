//! Resource types and search parameters as the database numbers them: interned once, when the store opens; and what
//! searches counted lately.

use crate::connection::Connection;
use crate::search::counts::Counts;
use crate::statement::Statement;
use domain::Error;
use domain::conformance::{Definitions, ParameterId, TypeId};
use domain::index::{Facet, Part};
use domain::search::query::PART_BITS;
use moka::sync::Cache;
use std::collections::HashMap;

/// The database's numbers of resource types, both ways, and of search parameters.
pub(crate) struct Names {
    numbers: HashMap<TypeId, i64>,
    types: HashMap<i64, TypeId>,
    /// By [`ParameterId`].
    parameters: Vec<i64>,
    /// What searches counted lately.
    pub(crate) counts: Counts,
    /// Whether bodies are written compressed.
    pub(crate) compressed: bool,
    /// Sets of words whose rows a commit of this process has kept, or found kept.
    pub(crate) sets: Cache<i64, ()>,
}

/// Sets of words remembered.
const SETS: u64 = 100_000;

/// Parameters that are not R4's are numbered from here, far above those that are interned.
pub(crate) const CUSTOM: i64 = 1 << 32;

/// Numbers that each parameter has, one for each facet.
pub(crate) const FACETS: i64 = 8;

/// Where the numbers of contained resources' rows begin, far above all others.
const PARTS: i64 = 1 << 60;

/// The number that rows of any contained resource have in place of `p`.
pub(crate) const fn of_any(p: i64) -> i64 {
    PARTS + (p << PART_BITS)
}

/// Rows of one insert when parameters are interned.
const CHUNK: usize = 500;

impl Names {
    /// Reads the numbers, giving one to every name that has none yet, in a transaction of its own.
    pub(crate) fn intern(connection: &mut Connection, counts: Counts) -> Result<Names, Error> {
        let (numbers, types, parameters) = (HashMap::new(), HashMap::new(), Vec::new());
        let sets = Cache::new(SETS);
        let mut names = Names { numbers, types, parameters, counts, compressed: false, sets };
        // Another process may intern the same names at the same time: what it was first with is read, not overwritten.
        while !names.read(connection)? {
            connection.command(connection.dialect().begin_write())?;
            let added = add_types(connection).and_then(|()| add_parameters(connection));
            connection.command(if added.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            added?;
        }
        Ok(names)
    }

    /// The number of a type.
    pub(crate) fn number(&self, type_: TypeId) -> i64 {
        self.numbers.get(&type_).copied().unwrap_or(0)
    }

    /// How many types there are.
    pub(crate) fn types(&self) -> usize {
        self.numbers.len()
    }

    /// The type of a number.
    pub(crate) fn type_(&self, number: i64) -> Result<TypeId, Error> {
        self.types
            .get(&number)
            .copied()
            .ok_or_else(|| Error::internal("a stored resource has an unknown type"))
    }

    /// `p` of a parameter's facet.
    pub(crate) fn p(&self, parameter: ParameterId, facet: Facet) -> i64 {
        let number = match parameter.as_custom() {
            Some((number, _)) => CUSTOM + i64::from(number),
            None => {
                usize::try_from(parameter.0).ok().and_then(|at| self.parameters.get(at)).copied().unwrap_or(0)
            }
        };
        let facet = match facet {
            Facet::Value => 0,
            Facet::Text => 1,
            Facet::OfType => 2,
            Facet::Identifier => 3,
            Facet::Member => 5,
            Facet::Active => 6,
            // Parameters of tokens have the first, those of URIs the second, those of strings the third.
            Facet::Broader | Facet::Canonical | Facet::Long => 7,
        };
        number * FACETS + facet
    }

    /// `p` of a parameter's facet in the rows of any contained resource; those of the contained resource with the number
    /// n have `p` + n.
    pub(crate) fn p_of_any(&self, parameter: ParameterId, facet: Facet) -> i64 {
        of_any(self.p(parameter, facet))
    }

    /// `p` of a row.
    pub(crate) fn p_of(&self, parameter: ParameterId, facet: Facet, part: Part) -> i64 {
        match part {
            Part::Itself => self.p(parameter, facet),
            Part::Any => self.p_of_any(parameter, facet),
            Part::Nth(number) => self.p_of_any(parameter, facet) + i64::from(number),
        }
    }

    /// Reads what is stored; `false` if something is missing.
    fn read(&mut self, connection: &mut Connection) -> Result<bool, Error> {
        let definitions = Definitions::r4();
        for (number, name) in connection.names(&stored_types())? {
            if let Some(type_) = definitions.endpoint(&name) {
                self.numbers.insert(type_, number);
                self.types.insert(number, type_);
            }
        }
        let stored: HashMap<String, i64> = connection
            .names(&stored_parameters())?
            .into_iter()
            .map(|(number, name)| (name, number))
            .collect();
        let numbers =
            definitions.parameters().iter().map(|p| stored.get(&format!("{}.{}", p.base, p.code)).copied());
        let Some(numbers) = numbers.collect() else { return Ok(false) };
        self.parameters = numbers;
        Ok(definitions.endpoints().all(|type_| self.numbers.contains_key(&type_)))
    }
}

fn stored_types() -> Statement {
    Statement::new("SELECT id, name FROM resource_type")
}

fn stored_parameters() -> Statement {
    Statement::new("SELECT id, base || '.' || code FROM parameter")
}

fn add_types(connection: &mut Connection) -> Result<(), Error> {
    let definitions = Definitions::r4();
    let names = definitions.endpoints().map(|type_| definitions.type_name(type_).to_owned());
    let missing = missing(connection.names(&stored_types())?, names);
    if missing.is_empty() {
        return Ok(());
    }
    let mut insert = Statement::new("INSERT INTO resource_type (id, name) VALUES ");
    for (n, (number, name)) in missing.iter().enumerate() {
        insert.sql(if n > 0 { ", (" } else { "(" }).integer(*number).sql(", ").text(name).sql(")");
    }
    connection.execute(insert.sql(" ON CONFLICT DO NOTHING")).map(drop)
}

fn add_parameters(connection: &mut Connection) -> Result<(), Error> {
    let names = Definitions::r4().parameters().iter().map(|p| format!("{}.{}", p.base, p.code));
    let missing = missing(connection.names(&stored_parameters())?, names);
    for chunk in missing.chunks(CHUNK) {
        let mut insert = Statement::new("INSERT INTO parameter (id, base, code) VALUES ");
        for (n, (number, name)) in chunk.iter().enumerate() {
            let (base, code) = name.split_once('.').unwrap_or_default();
            insert.sql(if n > 0 { ", (" } else { "(" }).integer(*number);
            insert.sql(", ").text(base).sql(", ").text(code).sql(")");
        }
        connection.execute(insert.sql(" ON CONFLICT DO NOTHING"))?;
    }
    Ok(())
}

/// The names that are not stored, with the numbers after those that are.
fn missing(stored: Vec<(i64, String)>, names: impl Iterator<Item = String>) -> Vec<(i64, String)> {
    let last = stored.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let known: std::collections::HashSet<String> = stored.into_iter().map(|(_, name)| name).collect();
    (last + 1..).zip(names.filter(|name| !known.contains(name))).collect()
}
