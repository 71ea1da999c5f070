//! What a caller may see, as conditions on the version `v` (columns `rid`, `type_id`, `version` at least).

use crate::names::Names;
use crate::search::criterion;
use crate::statement::Statement;
use domain::Error;
use domain::access::{Access, Reach};
use domain::conformance::TypeId;

/// Adds that `access` covers the version if it is of `type_`.
pub(crate) fn covered(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    type_: TypeId,
) -> Result<(), Error> {
    covered_by(statement, names, access.reach(type_))
}

fn covered_by(statement: &mut Statement, names: &Names, reach: &Reach) -> Result<(), Error> {
    let clauses = match reach {
        Reach::All => {
            statement.sql("1 = 1");
            return Ok(());
        }
        Reach::None => &[],
        Reach::Any(clauses) => clauses.as_slice(),
    };
    statement.sql("(1 = 0");
    for clause in clauses {
        statement.sql(" OR (");
        match &clause.patients {
            None => {
                statement.sql("1 = 1");
            }
            Some(patients) if patients.is_empty() => {
                statement.sql("1 = 0");
            }
            Some(patients) => {
                statement.sql("EXISTS (SELECT 1 FROM compartment c WHERE c.patient_key IN ");
                statement.list(patients);
                statement.sql(
                    " AND c.type_id = v.type_id AND c.rid = v.rid AND c.since <= v.version AND c.until >= v.version)",
                );
                // Nor in anybody else's.
                statement.sql(" AND NOT EXISTS (SELECT 1 FROM compartment o WHERE o.rid = v.rid");
                statement.sql(" AND o.since <= v.version AND o.until >= v.version AND o.patient_key NOT IN ");
                statement.list(patients).sql(")");
            }
        }
        if !clause.criteria.is_empty() {
            // Only the current version has index rows: of an earlier one it cannot be said whether it met the criteria.
            statement.sql(
                " AND EXISTS (SELECT 1 FROM resource n WHERE n.rid = v.rid AND n.version = v.version AND n.method <> 3)",
            );
            // A rule may look at what its bearer may not.
            criterion::all(statement, names, &Access::everything(), &clause.criteria)?;
        }
        statement.sql(")");
    }
    statement.sql(")");
    Ok(())
}

/// Adds that `access` covers the version, whatever its type.
pub(crate) fn covered_any(statement: &mut Statement, names: &Names, access: &Access) -> Result<(), Error> {
    let Some(reaches) = access.types() else {
        statement.sql("1 = 1");
        return Ok(());
    };
    // Types with the same reach share one criterion.
    let mut groups: Vec<(&Reach, Vec<i64>)> = Vec::new();
    for (type_, reach) in reaches {
        match groups.iter_mut().find(|(known, _)| *known == reach) {
            Some((_, numbers)) => numbers.push(names.number(type_)),
            None => groups.push((reach, vec![names.number(type_)])),
        }
    }
    statement.sql("(1 = 0");
    for (reach, numbers) in groups {
        statement.sql(" OR (v.type_id IN ");
        statement.list(&numbers).sql(" AND ");
        covered_by(statement, names, reach)?;
        statement.sql(")");
    }
    statement.sql(")");
    Ok(())
}
