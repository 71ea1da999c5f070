//! Tests as conditions on an index row `i`, the same as the memory store's.

use super::criterion::IN_A_ROW;
use crate::statement::Statement;
use domain::conformance::SearchKind;
use domain::search::kind::string::{fold, long_key};
use domain::search::kind::uri::above;
use domain::search::query::{
    DateTest, NearTest, Prefix, Set, SystemTest, Test, TextMatch, UnitTest, UriMatch, VersionTest,
};
use domain::{Error, ErrorCode};

/// The table that holds what `tests` look at (or, without tests, the values of a parameter of `kind`).
pub(super) fn table(tests: &[Test], kind: SearchKind) -> &'static str {
    let kind = match tests.first() {
        None => kind,
        Some(Test::Token { .. } | Test::Member(_) | Test::Word(_)) => SearchKind::Token,
        Some(Test::Text { .. }) => SearchKind::String,
        Some(Test::Date(_)) => SearchKind::Date,
        Some(Test::Reference { .. }) => SearchKind::Reference,
        Some(Test::Uri { .. }) => SearchKind::Uri,
        Some(Test::Number { .. }) => SearchKind::Number,
        Some(Test::Quantity { .. }) => SearchKind::Quantity,
        Some(Test::Composite(_)) => SearchKind::Composite,
        Some(Test::Near(_)) => SearchKind::Special,
        Some(Test::Not(tests)) => return table(tests, kind),
    };
    match kind {
        SearchKind::Token => "ix_token",
        SearchKind::String => "ix_string",
        SearchKind::Date => "ix_date",
        SearchKind::Reference => "ix_reference",
        SearchKind::Uri => "ix_uri",
        SearchKind::Number => "ix_number",
        SearchKind::Quantity => "ix_quantity",
        SearchKind::Composite => "ix_composite",
        SearchKind::Special => "ix_position",
    }
}

/// The columns in which values stand: those of the index tables, or of one component of a composite's row.
struct Columns {
    code: &'static str,
    system: &'static str,
    folded: &'static str,
    exact: &'static str,
    from: &'static str,
    to: &'static str,
    lo: &'static str,
    hi: &'static str,
    target: &'static str,
    value: &'static str,
    version: &'static str,
    unit: &'static str,
    canonical_unit: &'static str,
    canonical_lo: &'static str,
    canonical_hi: &'static str,
}

const OWN: Columns = Columns {
    code: "i.code",
    system: "i.system",
    folded: "i.folded",
    exact: "i.exact",
    from: "i.lo",
    to: "i.hi",
    lo: "i.lo",
    hi: "i.hi",
    target: "i.target",
    value: "i.value",
    version: "i.version",
    unit: "i.unit",
    canonical_unit: "i.canonical_unit",
    canonical_lo: "i.canonical_lo",
    canonical_hi: "i.canonical_hi",
};

macro_rules! component {
    ($a:literal $b:literal $c:literal $x:literal $y:literal $u:literal $w:literal $t:literal) => {
        Columns {
            code: $a,
            system: $b,
            folded: $t,
            exact: $t,
            from: $a,
            to: $b,
            lo: $x,
            hi: $y,
            target: $a,
            value: $t,
            version: $t,
            unit: $b,
            canonical_unit: $c,
            canonical_lo: $u,
            canonical_hi: $w,
        }
    };
}

const COMPONENTS: [Columns; 3] = [
    component!("i.a0" "i.b0" "i.c0" "i.x0" "i.y0" "i.u0" "i.w0" "i.t0"),
    component!("i.a1" "i.b1" "i.c1" "i.x1" "i.y1" "i.u1" "i.w1" "i.t1"),
    component!("i.a2" "i.b2" "i.c2" "i.x2" "i.y2" "i.u2" "i.w2" "i.t2"),
];

/// Adds that one of the tests passes.
pub(super) fn any(statement: &mut Statement, tests: &[Test]) -> Result<(), Error> {
    statement.sql("(");
    for (n, row) in tests.chunks(IN_A_ROW).enumerate() {
        statement.sql(if n > 0 { " OR (" } else { "" });
        for (n, test) in row.iter().enumerate() {
            compile(statement.sql(if n > 0 { " OR " } else { "" }), test)?;
        }
        statement.sql(if n > 0 { ")" } else { "" });
    }
    // Not one can pass of none.
    statement.sql(if tests.is_empty() { "1 = 0)" } else { ")" });
    Ok(())
}

/// Adds the condition.
pub(super) fn compile(statement: &mut Statement, test: &Test) -> Result<(), Error> {
    if let Test::Not(tests) = test {
        return any(statement.rare().sql("NOT "), tests);
    }
    statement.sql("(");
    if let Test::Composite(tests) = test {
        statement.sql("i.components = ").integer(i64::try_from(tests.len()).unwrap_or(i64::MAX));
        for (number, test) in tests.iter().enumerate() {
            let columns = COMPONENTS.get(number).ok_or_else(unsupported)?;
            statement.sql(" AND ");
            one(statement, columns, test)?;
        }
    } else {
        one(statement, &OWN, test)?;
    }
    statement.sql(")");
    Ok(())
}

fn unsupported() -> Error {
    Error::new(ErrorCode::NotSupported, "A composite of so many components is not supported.")
}

fn one(statement: &mut Statement, columns: &Columns, test: &Test) -> Result<(), Error> {
    match test {
        Test::Token { system, code } => token(statement, columns, *system, *code),
        Test::Text { how, text } => string(statement, columns, *how, text),
        Test::Date(test) => date(statement, columns, *test),
        Test::Reference { targets, version } => {
            statement.sql(columns.target).sql(" IN ").list(targets);
            reference_version(statement, columns, version);
        }
        Test::Uri { how, value, version } => {
            uri(statement, columns, (*how, value), version.as_deref());
        }
        Test::Number { prefix, lo, hi } => {
            number(statement, (columns.lo, columns.hi), *prefix, (*lo, *hi));
        }
        Test::Quantity { prefix, lo, hi, unit } => {
            let bounds = match unit {
                UnitTest::Any => (columns.lo, columns.hi),
                UnitTest::Code(key) => {
                    statement.sql(columns.code).sql(" = ").integer(*key).sql(" AND ");
                    (columns.lo, columns.hi)
                }
                UnitTest::Text(key) => {
                    statement.sql(columns.unit).sql(" = ").integer(*key).sql(" AND ");
                    (columns.lo, columns.hi)
                }
                UnitTest::Canonical(key) => {
                    statement.sql(columns.canonical_unit).sql(" = ").integer(*key).sql(" AND ");
                    (columns.canonical_lo, columns.canonical_hi)
                }
            };
            number(statement, bounds, *prefix, (*lo, *hi));
        }
        Test::Member(set) => member(statement, columns, set)?,
        Test::Word(word) => {
            statement.sql("(SELECT 1 FROM ix_words w WHERE w.words = ").sql(columns.code);
            statement.sql(" AND w.word = ").integer(*word).sql(" LIMIT 1) IS NOT NULL");
        }
        Test::Near(test) => near(statement, test),
        Test::Composite(_) | Test::Not(_) => return Err(unsupported()),
    }
    Ok(())
}

fn same_version(statement: &mut Statement, columns: &Columns, version: Option<&str>) {
    if let Some(version) = version {
        statement.sql(" AND ").sql(columns.version).sql(" = ").text(version);
    }
}

fn reference_version(statement: &mut Statement, columns: &Columns, version: &VersionTest) {
    match version {
        VersionTest::Any => {}
        VersionTest::Is(version) => same_version(statement, columns, Some(version)),
        VersionTest::Below(version) => {
            statement.sql(" AND (").sql(columns.version).sql(" = ").text(version).sql(" OR ");
            starts_with(statement, columns.version, &format!("{version}."));
            statement.sql(")");
        }
        VersionTest::Above(versions) => {
            statement.sql(" AND ").sql(columns.version).sql(" IN (");
            for (n, version) in versions.iter().enumerate() {
                statement.sql(if n > 0 { ", " } else { "" }).text(version);
            }
            statement.sql(")");
        }
    }
}

/// The row and `p` of the codes of a ValueSet, which the search has looked for before.
pub(super) fn stored(set: &Set) -> Result<(i64, i64), Error> {
    match set {
        Set::Stored { row, p } => Ok((*row, *p)),
        Set::Named(name) => {
            Err(Error::internal(format!("nobody looked for the ValueSet of '{}'", name.parameter)))
        }
    }
}

/// A token that a ValueSet lists. A row without code is none.
fn member(statement: &mut Statement, columns: &Columns, set: &Set) -> Result<(), Error> {
    let (row, p) = stored(set)?;
    statement.sql(columns.code).sql(" <> 0 AND (SELECT 1 FROM ix_token c WHERE c.rid = ").integer(row);
    statement.sql(" AND c.p = ").integer(p).sql(" AND c.code = ").sql(columns.code);
    statement.sql(" AND c.system = ").sql(columns.system).sql(" LIMIT 1) IS NOT NULL");
    Ok(())
}

fn token(statement: &mut Statement, columns: &Columns, system: SystemTest, code: Option<i64>) {
    match code {
        Some(code) => statement.sql(columns.code).sql(" = ").integer(code),
        None => statement.sql("1 = 1"),
    };
    match system {
        SystemTest::Any => {}
        SystemTest::None => {
            statement.sql(" AND ").sql(columns.system).sql(" = ").integer(0);
        }
        SystemTest::Is(key) => {
            statement.sql(" AND ").sql(columns.system).sql(" = ").integer(key);
        }
    }
}

fn string(statement: &mut Statement, columns: &Columns, how: TextMatch, text: &str) {
    match how {
        TextMatch::Starts => starts_with(statement, columns.folded, text),
        TextMatch::Contains => anywhere(statement, columns, &format!("%{}%", like(text))),
        TextMatch::Ends => anywhere(statement, columns, &format!("%{}", like(text))),
        TextMatch::Long => {
            // The folded text has the index.
            statement.sql(columns.folded).sql(" = ").text(&long_key(text)).sql(" AND ");
            starts_with(statement, columns.exact, text);
        }
        TextMatch::Ordered(prefix) => {
            statement.sql(columns.folded).sql(match prefix {
                Prefix::Ne => " <> ",
                Prefix::Gt => " > ",
                Prefix::Lt => " < ",
                Prefix::Ge => " >= ",
                Prefix::Le => " <= ",
                Prefix::Eq | Prefix::Sa | Prefix::Eb | Prefix::Ap | Prefix::Holds => " = ",
            });
            statement.text(text);
        }
        TextMatch::Exact => {
            // The folded text has the index.
            statement.sql(columns.folded).sql(" = ").text(&fold(text));
            statement.sql(" AND ").sql(columns.exact).sql(" = ").text(text);
        }
    }
}

/// Characters that every folded text has that was cut: four bytes each.
const FEWEST_OF_CUT: i64 = 240;

/// Adds that the text is like `pattern`, or the whole of one that was cut. What is written has no folded text that is not
/// in the folded one, so that it may be looked at as well.
fn anywhere(statement: &mut Statement, columns: &Columns, pattern: &str) {
    statement.sql("(").sql(columns.folded).sql(" LIKE ").text(pattern).sql(" ESCAPE '!' OR LENGTH(");
    statement.sql(columns.folded).sql(") > ").integer(FEWEST_OF_CUT).sql(" AND ").sql(columns.exact);
    statement.sql(" LIKE ").text(pattern).sql(" ESCAPE '!')");
}

/// `text` with LIKE's wildcards taken literally.
fn like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// The range of texts that start with `text`, in code point order: an index can seek it.
fn starts_with(statement: &mut Statement, column: &'static str, text: &str) {
    statement.sql(column).sql(" >= ").text(text);
    if !text.is_empty() {
        statement.sql(" AND ").sql(column).sql(" < ").text(&format!("{text}\u{10ffff}"));
    }
}

fn uri(statement: &mut Statement, columns: &Columns, (how, value): (UriMatch, &str), version: Option<&str>) {
    match (how, version) {
        (UriMatch::Exact, _) => {
            statement.sql(columns.value).sql(" = ").text(value);
            same_version(statement, columns, version);
        }
        (UriMatch::Below, None) => starts_with(statement, columns.value, value),
        (UriMatch::Below, Some(version)) => {
            statement.sql(columns.value).sql(" = ").text(value).sql(" AND (");
            statement.sql(columns.version).sql(" = ").text(version).sql(" OR ");
            starts_with(statement, columns.version, &format!("{version}."));
            statement.sql(")");
        }
        (UriMatch::Above, _) => {
            statement.sql(columns.value).sql(" IN (");
            for (n, url) in above(value).into_iter().enumerate() {
                statement.sql(if n > 0 { ", " } else { "" }).text(url);
            }
            statement.sql(")");
            same_version(statement, columns, version);
        }
    }
}

/// Whether a position is in a circle: within its ranges, which an index knows, and no chord away too long. The sum is the
/// memory store's, term by term.
fn near(statement: &mut Statement, test: &NearTest) {
    let ((south, north), [east, aside, up]) = (test.latitudes, test.vector);
    statement.sql("i.latitude >= ").real(south).sql(" AND i.latitude <= ").real(north).sql(" AND ");
    if let Some((west, east)) = test.longitudes {
        statement.sql("(i.longitude >= ").real(west);
        statement.sql(if west <= east { " AND " } else { " OR " });
        statement.sql("i.longitude <= ").real(east).sql(") AND ");
    }
    statement.sql("(i.x - ").real(east).sql(") * (i.x - ").real(east);
    statement.sql(") + (i.y - ").real(aside).sql(") * (i.y - ").real(aside);
    statement.sql(") + (i.z - ").real(up).sql(") * (i.z - ").real(up).sql(") <= ").real(test.chord);
}

/// Dates are half-open intervals.
fn date(statement: &mut Statement, columns: &Columns, DateTest { prefix, lo, hi }: DateTest) {
    let (from, to) = (columns.from, columns.to);
    let within = |statement: &mut Statement| {
        // The second condition follows from the others; it ends the index range.
        statement.sql("(").sql(from).sql(" >= ").integer(lo).sql(" AND ").sql(from).sql(" <= ").integer(hi);
        statement.sql(" AND ").sql(to).sql(" <= ").integer(hi).sql(")");
    };
    match prefix {
        Prefix::Eq => within(statement),
        Prefix::Ne => within(statement.sql("NOT ")),
        Prefix::Gt => {
            statement.sql(to).sql(" > ").integer(hi);
        }
        Prefix::Lt => {
            statement.sql(from).sql(" < ").integer(lo);
        }
        Prefix::Ge => {
            within(statement.sql("(").sql(to).sql(" > ").integer(hi).sql(" OR "));
            statement.sql(")");
        }
        Prefix::Le => {
            within(statement.sql("(").sql(from).sql(" < ").integer(lo).sql(" OR "));
            statement.sql(")");
        }
        Prefix::Sa => {
            statement.sql(from).sql(" >= ").integer(hi);
        }
        Prefix::Eb => {
            statement.sql(to).sql(" <= ").integer(lo);
        }
        Prefix::Holds => {
            statement.sql(from).sql(" <= ").integer(lo).sql(" AND ").sql(to).sql(" >= ").integer(hi);
        }
        Prefix::Ap => {
            statement.sql(from).sql(" < ").integer(hi).sql(" AND ").sql(to).sql(" > ").integer(lo);
        }
    }
}

/// Numbers are closed intervals, mostly points.
fn number(
    statement: &mut Statement,
    (from, to): (&'static str, &'static str),
    prefix: Prefix,
    (lo, hi): (f64, f64),
) {
    let within = |statement: &mut Statement| {
        statement.sql("(").sql(from).sql(" >= ").real(lo).sql(" AND ").sql(from).sql(" <= ").real(hi);
        statement.sql(" AND ").sql(to).sql(" <= ").real(hi).sql(")");
    };
    match prefix {
        Prefix::Eq => within(statement),
        Prefix::Ne => within(statement.sql("NOT ")),
        Prefix::Gt => {
            statement.sql(to).sql(" > ").real(hi);
        }
        Prefix::Lt => {
            statement.sql(from).sql(" < ").real(lo);
        }
        Prefix::Ge => {
            within(statement.sql("(").sql(to).sql(" > ").real(hi).sql(" OR "));
            statement.sql(")");
        }
        Prefix::Le => {
            within(statement.sql("(").sql(from).sql(" < ").real(lo).sql(" OR "));
            statement.sql(")");
        }
        Prefix::Sa => {
            statement.sql(from).sql(" > ").real(hi);
        }
        Prefix::Eb => {
            statement.sql(to).sql(" < ").real(lo);
        }
        Prefix::Holds => {
            statement.sql(from).sql(" <= ").real(lo).sql(" AND ").sql(to).sql(" >= ").real(hi);
        }
        Prefix::Ap => {
            statement.sql(from).sql(" <= ").real(hi).sql(" AND ").sql(to).sql(" >= ").real(lo);
        }
    }
}
