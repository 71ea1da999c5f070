//! Tests as conditions on an index row `i`, the same as the memory store's.

use crate::statement::Statement;
use domain::conformance::SearchKind;
use domain::search::query::{DateTest, Prefix, SystemTest, Test, TextMatch, UriMatch};
use domain::{Error, ErrorCode};

/// The rows of the table that holds what `tests` look at (or, without tests, the values of a parameter of `kind`);
/// `p` comes next.
pub(super) fn table(tests: &[Test], kind: SearchKind) -> Result<&'static str, Error> {
    let kind = match tests.first() {
        None => kind,
        Some(Test::Token { .. }) => SearchKind::Token,
        Some(Test::Text { .. }) => SearchKind::String,
        Some(Test::Date(_)) => SearchKind::Date,
        Some(Test::Reference { .. }) => SearchKind::Reference,
        Some(Test::Uri { .. }) => SearchKind::Uri,
        Some(Test::Number { .. }) => SearchKind::Number,
        Some(Test::Quantity { .. }) => SearchKind::Quantity,
        Some(Test::Composite(_)) => SearchKind::Composite,
    };
    match kind {
        SearchKind::Token => Ok("SELECT i.rid FROM ix_token i WHERE i.p = "),
        SearchKind::String => Ok("SELECT i.rid FROM ix_string i WHERE i.p = "),
        SearchKind::Date => Ok("SELECT i.rid FROM ix_date i WHERE i.p = "),
        SearchKind::Reference => Ok("SELECT i.rid FROM ix_reference i WHERE i.p = "),
        SearchKind::Uri => Ok("SELECT i.rid FROM ix_uri i WHERE i.p = "),
        SearchKind::Number | SearchKind::Quantity | SearchKind::Composite | SearchKind::Special => {
            Err(unsupported())
        }
    }
}

fn unsupported() -> Error {
    Error::new(ErrorCode::NotSupported, "Searching by this kind of parameter is not supported yet.")
}

/// Adds the condition.
pub(super) fn compile(statement: &mut Statement, test: &Test) -> Result<(), Error> {
    match test {
        Test::Token { system, code } => token(statement, *system, *code),
        Test::Text { how, text } => string(statement, *how, text),
        Test::Date(test) => date(statement, *test),
        Test::Reference { targets, version } => {
            statement.sql("i.target IN ").integers(targets);
            same_version(statement, version.as_deref());
        }
        Test::Uri { how, value, version } => {
            uri(statement, *how, value);
            same_version(statement, version.as_deref());
        }
        Test::Number { .. } | Test::Quantity { .. } | Test::Composite(_) => return Err(unsupported()),
    }
    Ok(())
}

fn same_version(statement: &mut Statement, version: Option<&str>) {
    if let Some(version) = version {
        statement.sql(" AND i.version = ").text(version);
    }
}

fn token(statement: &mut Statement, system: SystemTest, code: Option<i64>) {
    match code {
        Some(code) => statement.sql("i.code = ").integer(code),
        None => statement.sql("1 = 1"),
    };
    match system {
        SystemTest::Any => {}
        SystemTest::None => {
            statement.sql(" AND i.system = ").integer(0);
        }
        SystemTest::Is(key) => {
            statement.sql(" AND i.system = ").integer(key);
        }
    }
}

fn string(statement: &mut Statement, how: TextMatch, text: &str) {
    match how {
        TextMatch::Starts => starts_with(statement, "i.folded >= ", "i.folded < ", text),
        TextMatch::Contains => {
            statement.sql("i.folded LIKE ").text(&format!("%{}%", like(text))).sql(" ESCAPE '!'");
        }
        TextMatch::Exact => {
            statement.sql("i.exact = ").text(text);
        }
    }
}

/// `text` with LIKE's wildcards taken literally.
fn like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// The range of texts that start with `text`, in code point order: an index can seek it.
fn starts_with(statement: &mut Statement, from: &'static str, below: &'static str, text: &str) {
    statement.sql(from).text(text);
    if !text.is_empty() {
        statement.sql(" AND ").sql(below).text(&format!("{text}\u{10ffff}"));
    }
}

fn uri(statement: &mut Statement, how: UriMatch, value: &str) {
    match how {
        UriMatch::Exact => {
            statement.sql("i.value = ").text(value);
        }
        UriMatch::Below => starts_with(statement, "i.value >= ", "i.value < ", value),
        UriMatch::Above => {
            statement.sql("i.value = substr(").text(value).sql(", 1, length(i.value))");
        }
    }
}

fn date(statement: &mut Statement, DateTest { prefix, lo, hi }: DateTest) {
    let within = |statement: &mut Statement| {
        statement.sql("(i.lo >= ").integer(lo).sql(" AND i.hi <= ").integer(hi).sql(")");
    };
    match prefix {
        Prefix::Eq => within(statement),
        Prefix::Ne => {
            statement.sql("NOT ");
            within(statement);
        }
        Prefix::Gt => {
            statement.sql("i.hi > ").integer(hi);
        }
        Prefix::Lt => {
            statement.sql("i.lo < ").integer(lo);
        }
        Prefix::Ge => {
            statement.sql("(i.hi > ").integer(hi).sql(" OR ");
            within(statement);
            statement.sql(")");
        }
        Prefix::Le => {
            statement.sql("(i.lo < ").integer(lo).sql(" OR ");
            within(statement);
            statement.sql(")");
        }
        Prefix::Sa => {
            statement.sql("i.lo >= ").integer(hi);
        }
        Prefix::Eb => {
            statement.sql("i.hi <= ").integer(lo);
        }
        Prefix::Ap => {
            statement.sql("i.lo < ").integer(hi).sql(" AND i.hi > ").integer(lo);
        }
    }
}
