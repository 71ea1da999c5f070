//! A search of several types that no condition narrows: one search for each type, or for all types of a patient's record,
//! in the order of the answer and as long as a page, merged. As one search it would read every row of every type, or, for
//! the app of a patient, of everybody.

use super::rows::{by, limit, living};
use super::{criterion, sort};
use crate::resources::write::STILL;
use crate::statement::Statement;
use crate::transaction::Transaction;
use domain::Error;
use domain::access::{Access, Reach};
use domain::conformance::{Definitions, TypeId};
use domain::search::query::Query;

/// Searches that are merged at most; of more types, most of what there is is found.
const MOST: usize = 32;

/// Types that are searched together.
#[derive(Debug, Clone)]
pub(super) struct Arm {
    types: Vec<TypeId>,
    /// The patients in whose compartments all that may be seen of them is.
    patients: Option<Vec<i64>>,
}

/// The searches to merge; `None` where one search does as well.
pub(super) fn of(access: &Access, query: &Query) -> Option<Vec<Arm>> {
    if query.types.len() == 1 || (query.types.is_empty() && access.is_everything()) {
        return None;
    }
    let types =
        if query.types.is_empty() { Definitions::r4().endpoints().collect() } else { query.types.clone() };
    let mut arms: Vec<Arm> = Vec::new();
    for type_ in types {
        let patients = match access.reach(type_) {
            Reach::None => continue,
            Reach::Any(clauses) => match clauses.as_slice() {
                [clause] => clause.patients.clone().filter(|patients| !patients.is_empty()),
                _ => None,
            },
            Reach::All => None,
        };
        let same = |arm: &&mut Arm| patients.is_some() && arm.patients == patients;
        if let Some(arm) = arms.iter_mut().find(same) {
            arm.types.push(type_);
        } else if arms.len() == MOST {
            return None;
        } else {
            arms.push(Arm { types: vec![type_], patients });
        }
    }
    Some(arms).filter(|arms| !arms.is_empty())
}

/// Adds `SELECT rid, the sort keys FROM …` of the matches of all arms, each once: those of the page and one more if `page`,
/// else all.
pub(super) fn merged(
    statement: &mut Statement,
    tx: &Transaction<'_>,
    access: &Access,
    (query, arms): (&Query, &[Arm]),
    page: bool,
) -> Result<(), Error> {
    statement.sql("SELECT v.* FROM (");
    for (n, arm) in arms.iter().enumerate() {
        statement.sql(if n > 0 { " UNION ALL SELECT a.* FROM (" } else { "SELECT a.* FROM (" });
        select(statement, tx, access, query, arm)?;
        if page {
            sort::beyond(statement, by(tx, access, query), query, None)?;
            sort::order(statement, query, "v.rid", false);
            statement.sql(" LIMIT ").integer(limit(query));
        }
        statement.sql(") a");
    }
    statement.sql(") v");
    Ok(())
}

fn select(
    statement: &mut Statement,
    tx: &Transaction<'_>,
    access: &Access,
    query: &Query,
    arm: &Arm,
) -> Result<(), Error> {
    statement.sql("SELECT v.rid AS rid");
    sort::keys(statement, by(tx, access, query), None)?;
    match &arm.patients {
        None => statement.sql(" FROM resource v WHERE "),
        Some(patients) => {
            let numbers: Vec<i64> = arm.types.iter().map(|type_| tx.names.number(*type_)).collect();
            statement.sql(" FROM (SELECT DISTINCT c.rid AS rid FROM compartment c WHERE c.patient_key IN ");
            statement.list(patients).sql(" AND c.type_id IN ").list(&numbers);
            statement.sql(" AND c.until = ").integer(STILL);
            statement.sql(") d CROSS JOIN resource v WHERE v.rid = d.rid AND ")
        }
    };
    let reaches = arm.types.iter().map(|type_| (*type_, access.reach(*type_).clone()));
    let access_of_arm = Access::by_type(reaches);
    living(statement, tx, &access_of_arm, &arm.types)?;
    // Links lead to whatever the caller may see.
    criterion::all(statement, tx.names, access, &query.criteria)
}
