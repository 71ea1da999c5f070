//! Under what the index rows are written: formats, generation, and the custom search parameters.

use super::rebuild;
use crate::dialect::Dialect;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::Access;
use domain::clock::Instant;
use domain::conformance::TypeId;
use domain::id::Id;
use domain::store::Stored;
use domain::store::index::{Defined, IndexRead, IndexState, IndexWrite, Phase, Reindexed, Walk};

const fn phase_number(phase: Phase) -> i64 {
    match phase {
        Phase::Indexing => 0,
        Phase::Ready => 1,
        Phase::Leaving => 2,
    }
}

impl IndexRead for Transaction<'_> {
    fn index_state(&mut self) -> Result<IndexState, Error> {
        let columns = Statement::new("SELECT format, wanted, generation FROM index_state");
        let row = self.connection.triples(&columns)?.pop();
        let (format, wanted, generation) =
            row.ok_or_else(|| Error::internal("the store does not say how it is indexed"))?;
        Ok(IndexState { format, wanted, generation })
    }

    fn defined(&mut self) -> Result<Vec<Defined>, Error> {
        let statement = Statement::new(
            "SELECT base, code, fhir_id, job, definition, number, phase, number, number, number \
             FROM custom_parameter ORDER BY number",
        );
        let defined = |row: crate::connection::DescribedRow| {
            let ((base, code, resource, job, definition), (number, phase, ..)) = row;
            let phase = match phase {
                0 => Phase::Indexing,
                1 => Phase::Ready,
                2 => Phase::Leaving,
                _ => return Err(Error::internal("a stored search parameter is in an unknown phase")),
            };
            let number = u32::try_from(number).map_err(Error::internal)?;
            Ok(Defined { number, base, code, resource: Id::parse(&resource)?, phase, job, definition })
        };
        self.connection.described(&statement)?.into_iter().map(defined).collect()
    }

    fn count_of(&mut self, type_: TypeId) -> Result<u64, Error> {
        let mut statement = Statement::new("SELECT COUNT(*) FROM resource WHERE type_id = ");
        let count = self.connection.integers(statement.integer(self.names.number(type_)))?.pop();
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    fn last_written(&mut self, type_: TypeId) -> Result<Option<Instant>, Error> {
        let mut statement = Statement::new("SELECT MAX(updated_us) FROM resource WHERE type_id = ");
        let last = self.connection.optional_integer(statement.integer(self.names.number(type_)))?;
        Ok(last.map(Instant))
    }

    fn walk(&mut self, access: &Access, walk: &Walk) -> Result<Vec<Stored>, Error> {
        rebuild::walk(self, access, walk)
    }

    fn differing(&mut self, resources: Vec<Reindexed>) -> Result<Vec<Reindexed>, Error> {
        rebuild::differing(self, resources)
    }

    fn settled(&mut self, seconds: u32) -> Result<bool, Error> {
        if self.connection.dialect() == Dialect::Sqlite {
            // It has one writer at a time, and this is looked at between the transactions of all.
            return Ok(true);
        }
        let mut statement = Statement::new(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND xact_start < clock_timestamp() - make_interval(secs => CAST(",
        );
        statement.integer(i64::from(seconds)).sql(" AS DOUBLE PRECISION))");
        Ok(self.connection.integers(&statement)?.pop() == Some(0))
    }
}

impl IndexWrite for Transaction<'_> {
    fn next_generation(&mut self) -> Result<i64, Error> {
        self.connection.execute(&Statement::new("UPDATE index_state SET generation = generation + 1"))?;
        Ok(self.index_state()?.generation)
    }

    fn set_formats(&mut self, format: i64, wanted: i64) -> Result<(), Error> {
        let mut statement = Statement::new("UPDATE index_state SET format = ");
        self.connection.execute(statement.integer(format).sql(", wanted = ").integer(wanted)).map(drop)
    }

    fn define(&mut self, defined: &Defined) -> Result<(), Error> {
        let mut statement = Statement::new(
            "INSERT INTO custom_parameter (number, base, code, fhir_id, phase, job, definition) VALUES (",
        );
        statement.integer(i64::from(defined.number)).sql(", ").text(&defined.base).sql(", ");
        statement.text(&defined.code).sql(", ").text(defined.resource.as_str()).sql(", ");
        statement.integer(phase_number(defined.phase)).sql(", ").text(&defined.job).sql(", ");
        statement.text(&defined.definition);
        statement.sql(
            ") ON CONFLICT (number) DO UPDATE SET phase = excluded.phase, job = excluded.job, \
             definition = excluded.definition",
        );
        self.connection.execute(&statement).map(drop)
    }

    fn undefine(&mut self, number: u32) -> Result<(), Error> {
        let mut statement = Statement::new("DELETE FROM custom_parameter WHERE number = ");
        self.connection.execute(statement.integer(i64::from(number))).map(drop)
    }

    fn rewrite(&mut self, resources: &[Reindexed]) -> Result<(), Error> {
        rebuild::rewrite(self, resources)
    }

    fn forget(&mut self, number: u32, most: usize) -> Result<usize, Error> {
        rebuild::forget(self, number, most)
    }
}
