//! Criteria as conditions on the resource `v`. Inside a chain an inner `v` hides the outer one.

use super::{ALIVE, test};
use crate::access::covered;
use crate::names::Names;
use crate::statement::Statement;
use domain::Error;
use domain::access::Access;
use domain::conformance::{Definitions, ParameterId, SearchKind, TypeId};
use domain::index::Facet;
use domain::search::query::{Criterion, DateTest, Prefix};

/// Adds ` AND` and each criterion.
pub(crate) fn all(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    criteria: &[Criterion],
) -> Result<(), Error> {
    for criterion in criteria {
        statement.sql(" AND ");
        one(statement, names, access, criterion)?;
    }
    Ok(())
}

fn one(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    criterion: &Criterion,
) -> Result<(), Error> {
    match criterion {
        Criterion::Never => {
            statement.sql("1 = 0");
        }
        Criterion::Id(ids) => {
            statement.sql("v.fhir_id IN (");
            for (n, id) in ids.iter().enumerate() {
                statement.sql(if n > 0 { ", " } else { "" }).text(id.as_str());
            }
            statement.sql(")");
        }
        Criterion::LastUpdated(tests) => any(statement, tests, updated),
        Criterion::Matches { parameter, facet, tests, negated } => {
            let table = test::table(tests, kind_of(*parameter));
            statement
                .sql(if *negated { "NOT EXISTS (" } else { "EXISTS (" })
                .sql("SELECT 1 FROM ")
                .sql(table);
            statement.sql(" i WHERE i.rid = v.rid AND i.p = ").integer(names.p(*parameter, *facet));
            statement.sql(" AND (1 = 0");
            for test in tests {
                test::compile(statement.sql(" OR "), test)?;
            }
            statement.sql("))");
        }
        Criterion::Missing { parameter, missing } => {
            statement.sql(if *missing { "NOT EXISTS (" } else { "EXISTS (" }).sql("SELECT 1 FROM ");
            statement.sql(test::table(&[], kind_of(*parameter))).sql(" i WHERE i.rid = v.rid AND i.p = ");
            statement.integer(names.p(*parameter, Facet::Value)).sql(")");
        }
        Criterion::Chain { parameter, targets, criteria } => {
            statement.sql(
                "v.rid IN (SELECT i.rid FROM ix_reference i JOIN resource v ON v.key = i.target WHERE i.p = ",
            );
            statement.integer(names.p(*parameter, Facet::Value)).sql(" AND (1 = 0");
            for (target, criteria) in targets.iter().zip(criteria) {
                statement.sql(" OR (");
                linked(statement, names, access, (*target, criteria))?;
                statement.sql(")");
            }
            statement.sql("))");
        }
        Criterion::Has { source, parameter, criteria } => {
            statement.sql(
                "v.key IN (SELECT i.target FROM ix_reference i JOIN resource v ON v.rid = i.rid WHERE i.p = ",
            );
            statement.integer(names.p(*parameter, Facet::Value)).sql(" AND ");
            linked(statement, names, access, (*source, criteria))?;
            statement.sql(")");
        }
        Criterion::Any(criteria) => {
            statement.sql("(1 = 0");
            for criterion in criteria {
                statement.sql(" OR ");
                one(statement, names, access, criterion)?;
            }
            statement.sql(")");
        }
    }
    Ok(())
}

/// What a resource at the other end of a link must be: of the type, alive, within access, and as the criteria say.
fn linked(
    statement: &mut Statement,
    names: &Names,
    access: &Access,
    (type_, criteria): (TypeId, &Vec<Criterion>),
) -> Result<(), Error> {
    statement.sql("v.type_id = ").integer(names.number(type_)).sql(" AND ").sql(ALIVE).sql(" AND ");
    covered(statement, names, access, type_)?;
    all(statement, names, access, criteria)
}

pub(super) fn kind_of(parameter: ParameterId) -> SearchKind {
    Definitions::r4().parameter_of(parameter).kind
}

fn any<T>(statement: &mut Statement, tests: &[T], compile: impl Fn(&mut Statement, &T)) {
    statement.sql("(1 = 0");
    for test in tests {
        statement.sql(" OR ");
        compile(statement, test);
    }
    statement.sql(")");
}

/// `_lastUpdated` is a point: the interval of one microsecond.
fn updated(statement: &mut Statement, test: &DateTest) {
    let DateTest { prefix, lo, hi } = *test;
    let within = |statement: &mut Statement| {
        statement.sql("v.updated_us >= ").integer(lo).sql(" AND v.updated_us < ").integer(hi);
    };
    statement.sql("(");
    match prefix {
        Prefix::Eq | Prefix::Ap => within(statement),
        Prefix::Ne => {
            statement.sql("NOT (");
            within(statement);
            statement.sql(")");
        }
        Prefix::Gt | Prefix::Sa => {
            statement.sql("v.updated_us >= ").integer(hi);
        }
        Prefix::Lt | Prefix::Eb => {
            statement.sql("v.updated_us < ").integer(lo);
        }
        Prefix::Ge => {
            statement.sql("v.updated_us >= ").integer(lo);
        }
        Prefix::Le => {
            statement.sql("v.updated_us < ").integer(hi);
        }
    }
    statement.sql(")");
}
