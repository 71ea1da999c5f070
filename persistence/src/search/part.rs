//! Criteria as conditions on a contained resource `c`: a row that [`listed`] gives. All its rows are its container's, under
//! numbers of its own.

use super::criterion::{self, SOME, kind_of};
use super::test;
use crate::names::Names;
use crate::statement::Statement;
use domain::Error;
use domain::access::Access;
use domain::conformance::{ParameterId, TypeId};
use domain::index::Facet;
use domain::index::contained::{parameter, type_key};
use domain::search::query::{Criterion, Test};

/// Adds the contained resources of all resources as a table `c`: the container's `rid`, number, id and key of the type.
pub(super) fn listed<'s>(statement: &'s mut Statement, names: &Names) -> &'s mut Statement {
    statement.sql(COLUMNS).sql(" WHERE t.p = ").integer(p_of_list(names)).sql(") c")
}

/// The same where the container is given. `+` keeps SQLite from the index by value, which it would read from end to end.
pub(super) fn listed_of<'s>(statement: &'s mut Statement, names: &Names) -> &'s mut Statement {
    statement.sql(COLUMNS).sql(" WHERE +t.p = ").integer(p_of_list(names)).sql(") c")
}

const COLUMNS: &str =
    "(SELECT t.rid AS rid, t.system AS part, t.text AS part_id, t.code AS part_type FROM ix_token t";

/// `p` of the rows that list contained resources.
pub(super) fn p_of_list(names: &Names) -> i64 {
    parameter().map_or(0, |listed| names.p_of_any(listed, Facet::Value))
}

/// Keys of types.
pub(super) fn keys(types: &[TypeId]) -> Vec<i64> {
    types.iter().map(|type_| type_key(*type_)).collect()
}

/// Adds ` AND` that `c` is of one of `types`, of any when empty, and meets all criteria.
pub(super) fn all(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    types: &[TypeId],
    criteria: &[Criterion],
) -> Result<(), Error> {
    if !types.is_empty() {
        statement.sql(" AND c.part_type IN ").list(&keys(types));
    }
    for criterion in criteria {
        one(statement.sql(" AND "), names, access, criterion)?;
    }
    Ok(())
}

/// Adds that the reference `i`, of a resource or of what it contains, is to a contained resource of one of `targets` that
/// meets its criteria; one list of them is for all.
pub(super) fn linked(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    (targets, criteria): (&[TypeId], &[Vec<Criterion>]),
) -> Result<(), Error> {
    let ends: Vec<(&[TypeId], &[Criterion])> = match criteria {
        [criteria] => vec![(targets, criteria)],
        _ => targets.chunks(1).zip(criteria.iter().map(Vec::as_slice)).collect(),
    };
    linked_to(statement, names, access, &ends)
}

/// The same, by the types and what each of them must meet.
pub(super) fn linked_to(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    ends: &[(&[TypeId], &[Criterion])],
) -> Result<(), Error> {
    listed_of(statement.sql("i.target = 0 AND (SELECT 1 FROM "), names);
    statement.sql(" WHERE c.rid = i.rid AND '#' || c.part_id = i.version AND ");
    criterion::either(statement, ends, |statement, (types, criteria)| {
        all(statement.sql("(1 = 1"), names, access, types, criteria)?;
        statement.sql(")");
        Ok(())
    })?;
    statement.sql(SOME);
    Ok(())
}

/// Adds a criterion.
pub(super) fn one(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    criterion: &Criterion,
) -> Result<(), Error> {
    match criterion {
        // Its id is none outside of its container.
        Criterion::Id(_) | Criterion::Contains { .. } | Criterion::Never => {
            statement.sql("1 = 0");
        }
        Criterion::LastUpdated(_) | Criterion::Compartment { .. } => {
            container(statement, names, access, criterion)?;
        }
        Criterion::Container(criterion) => container(statement, names, access, criterion)?,
        Criterion::Matches { parameter, facet, tests, negated } => {
            let whole = tests.iter().any(Test::looks_at_long).then_some(Facet::Long);
            let facets: Vec<Facet> = std::iter::once(*facet).chain(whole).collect();
            rows_of(statement, names, test::table(tests, kind_of(*parameter)), (*parameter, &facets));
            test::any(statement.sql(" AND "), tests)?;
            statement.sql(if *negated { criterion::NONE } else { SOME });
        }
        Criterion::Missing { parameter, missing } => {
            let table = test::table(&[], kind_of(*parameter));
            rows_of(statement, names, table, (*parameter, &[Facet::Value]));
            statement.sql(if *missing { criterion::NONE } else { SOME });
        }
        Criterion::Chain { parameter, targets, criteria, urls } => {
            rows_of(statement, names, "ix_reference", (*parameter, &[Facet::Value]));
            statement.sql(" AND (");
            let ends = (targets.as_slice(), criteria.as_slice());
            criterion::led_to(statement, names, access, ends, urls)?;
            // What is contained may refer to what contains it.
            statement.sql(
                " OR i.target = 0 AND i.version = '#' AND (SELECT 1 FROM resource v WHERE v.rid = i.rid AND ",
            );
            criterion::target(statement, names, access, ends)?;
            statement.sql(SOME).sql(")").sql(SOME);
        }
        Criterion::Has { source, parameter, facet, criteria, .. } => {
            statement.sql("(SELECT 1 FROM ix_reference i WHERE i.rid = c.rid AND i.p = ");
            statement.integer(names.p(*parameter, *facet));
            statement.sql(" AND i.target = 0 AND i.version = '#' || c.part_id");
            statement.sql(" AND (SELECT 1 FROM resource v WHERE v.rid = i.rid AND ");
            criterion::linked(statement, names, access, (*source, criteria))?;
            statement.sql(SOME).sql(SOME);
        }
        Criterion::ByType(each) => criterion::either(statement, each, |statement, (type_, criterion)| {
            statement.sql("(c.part_type = ").integer(type_key(*type_)).sql(" AND ");
            one(statement, names, access, criterion)?;
            statement.sql(")");
            Ok(())
        })?,
        Criterion::Any(criteria) => criterion::either(statement.rare(), criteria, |statement, criterion| {
            one(statement, names, access, criterion)
        })?,
        Criterion::All(criteria) => {
            all(statement.rare().sql("(1 = 1"), names, access, &[], criteria)?;
            statement.sql(")");
        }
        Criterion::Not(criterion) => {
            one(statement.rare().sql("NOT ("), names, access, criterion)?;
            statement.sql(")");
        }
    }
    Ok(())
}

/// Adds that the container of `c` meets a criterion.
fn container(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    criterion: &Criterion,
) -> Result<(), Error> {
    statement.sql("(SELECT 1 FROM resource v WHERE v.rid = c.rid AND ");
    criterion::one(statement, names, access, criterion)?;
    statement.sql(SOME);
    Ok(())
}

/// Begins a subquery of the rows of a parameter that `c` has.
fn rows_of(
    statement: &mut Statement,
    names: &Names,
    table: &'static str,
    (parameter, facets): (ParameterId, &[Facet]),
) {
    // As for resources: where the index by `rid` does not hold all columns, `+` keeps SQLite from the other.
    statement.sql("(SELECT 1 FROM ").sql(table).sql(match table {
        "ix_token" | "ix_date" | "ix_reference" => " i WHERE i.rid = c.rid AND i.p IN (",
        _ => " i WHERE i.rid = c.rid AND +i.p IN (",
    });
    for (n, facet) in facets.iter().enumerate() {
        statement.sql(if n > 0 { ", " } else { "" });
        statement.integer(names.p_of_any(parameter, *facet)).sql(" + c.part");
    }
    statement.sql(")");
}
