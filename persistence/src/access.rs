//! What a caller may see, as conditions on a row `v`.

use crate::names::Names;
use crate::resources::write::STILL;
use crate::search::criterion;
use crate::statement::Statement;
use domain::Error;
use domain::access::{Access, Reach};
use domain::conformance::TypeId;

/// What is known of the row `v`.
#[derive(Clone, Copy)]
enum Row {
    /// It is a version, current or earlier: columns `rid`, `type_id`, `version`.
    Version,
    /// It is a living resource in its current version: columns `rid`, `type_id`.
    Living,
    /// It is a living resource of the type with this number: column `rid`.
    LivingOf(i64),
}

/// Adds that `access` covers the version if it is of `type_`.
pub(crate) fn covered(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    type_: TypeId,
) -> Result<(), Error> {
    covered_by(statement, names, access.reach(type_), Row::Version)
}

/// Adds that `access` covers the living resource of `type_` whose `rid` is `v.rid`.
pub(crate) fn covered_living(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    type_: TypeId,
) -> Result<(), Error> {
    covered_by(statement, names, access.reach(type_), Row::LivingOf(names.number(type_)))
}

fn covered_by(statement: &mut Statement, names: &Names, reach: &Reach, row: Row) -> Result<(), Error> {
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
            Some(patients) => in_compartment(statement, patients, row),
        }
        if !clause.criteria.is_empty() {
            if matches!(row, Row::Version) {
                // Only the current version has index rows: of an earlier one it cannot be said whether it met them.
                statement.sql(
                    " AND EXISTS (SELECT 1 FROM resource n WHERE n.rid = v.rid AND n.version = v.version AND n.method <> 3)",
                );
            }
            // A rule may look at what its bearer may not.
            criterion::all(statement, names, &Access::everything(), &clause.criteria)?;
        }
        statement.sql(")");
    }
    statement.sql(")");
    Ok(())
}

/// Adds that the row is in the compartment of one of `patients` and in nobody else's.
fn in_compartment(statement: &mut Statement, patients: &[i64], row: Row) {
    statement.sql("(SELECT 1 FROM compartment c WHERE c.patient_key IN ");
    statement.list(patients);
    match row {
        Row::Version => statement.sql(
            " AND c.type_id = v.type_id AND c.rid = v.rid AND c.since <= v.version AND c.until >= v.version",
        ),
        Row::Living => {
            statement.sql(" AND c.type_id = v.type_id AND c.rid = v.rid AND c.until = ").integer(STILL)
        }
        Row::LivingOf(number) => statement
            .sql(" AND c.type_id = ")
            .integer(number)
            .sql(" AND c.rid = v.rid AND c.until = ")
            .integer(STILL),
    };
    statement.sql(criterion::SOME).sql(" AND (SELECT 1 FROM compartment o WHERE o.rid = v.rid");
    match row {
        Row::Version => statement.sql(" AND o.since <= v.version AND o.until >= v.version"),
        Row::Living | Row::LivingOf(_) => statement.sql(" AND o.until = ").integer(STILL),
    };
    statement.sql(" AND o.patient_key NOT IN ").list(patients).sql(criterion::NONE);
}

/// Adds that `access` covers the version, whatever its type.
pub(crate) fn covered_any(statement: &mut Statement, names: &Names, access: &Access) -> Result<(), Error> {
    any_type(statement, names, access, Row::Version)
}

/// Adds that `access` covers the living resource `v` (columns `rid`, `type_id`), whatever its type.
pub(crate) fn covered_any_living(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
) -> Result<(), Error> {
    any_type(statement, names, access, Row::Living)
}

fn any_type(statement: &mut Statement, names: &Names, access: &Access, row: Row) -> Result<(), Error> {
    let Some(groups) = access.groups() else {
        statement.sql("1 = 1");
        return Ok(());
    };
    let groups: Vec<(Vec<TypeId>, &Reach)> = groups.collect();
    if let [(types, Reach::All)] = groups.as_slice()
        && types.len() == names.types()
    {
        statement.sql("1 = 1");
        return Ok(());
    }
    statement.sql("(1 = 0");
    for (types, reach) in groups {
        let numbers: Vec<i64> = types.into_iter().map(|type_| names.number(type_)).collect();
        statement.sql(" OR (v.type_id IN ");
        statement.list(&numbers).sql(" AND ");
        covered_by(statement, names, reach, row)?;
        statement.sql(")");
    }
    statement.sql(")");
    Ok(())
}
