//! Both migration trees, run on fresh databases, give the same tables and columns, and those of `schema.rs`.

use crate::architecture::workspace;
use crate::database::Database;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Table → its columns and their kinds, in the order of their definition.
type Tables = BTreeMap<String, Vec<(String, &'static str)>>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// The kind of value a column type holds, under the name diesel gives it.
fn kind(declared: &str) -> &'static str {
    match declared.to_ascii_lowercase().as_str() {
        // SQLite's rowid alias has to be called INTEGER; it holds 64 bits like BIGINT.
        "bigint" | "int8" | "bigserial" | "integer" | "int4" | "smallint" | "int2" => "whole number",
        "text" | "varchar" => "text",
        "blob" | "bytea" | "binary" => "bytes",
        "double" | "double precision" | "float8" | "real" => "double",
        "boolean" | "bool" => "truth",
        other => panic!("the column type {other} is not one both databases share (DESIGN: column types)"),
    }
}

fn tables(columns: Vec<Column>) -> Tables {
    let mut tables = Tables::new();
    for column in columns {
        tables.entry(column.table_name).or_default().push((column.column_name, kind(&column.kind)));
    }
    assert!(!tables.is_empty(), "the migrations make no table");
    tables
}

/// The `up.sql` of every migration of one tree, in order.
fn scripts(tree: &str) -> Vec<String> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(workspace().join("migrations").join(tree))
        .unwrap_or_else(|error| panic!("migrations/{tree}: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders.iter().map(|folder| std::fs::read_to_string(folder.join("up.sql")).unwrap()).collect()
}

fn of_sqlite() -> Tables {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    for script in scripts("sqlite") {
        connection.batch_execute(&script).unwrap();
    }
    let query = "SELECT m.name AS table_name, p.name AS column_name, p.type AS kind
        FROM sqlite_master m JOIN pragma_table_info(m.name) p
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, p.cid";
    tables(sql_query(query).load(&mut connection).unwrap())
}

fn of_postgres() -> Tables {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = PgConnection::establish(&Database::Postgres.create(folder.path())).unwrap();
    for script in scripts("postgres") {
        connection.batch_execute(&script).unwrap();
    }
    let query = "SELECT table_name::text, column_name::text, data_type::text AS kind
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position";
    tables(sql_query(query).load(&mut connection).unwrap())
}

#[test]
fn both_migration_trees_make_the_same_tables_and_columns() {
    similar(&of_sqlite(), &of_postgres(), "SQLite", "PostgreSQL");
}

#[test]
fn both_migration_trees_have_the_same_names() {
    let names = |tree: &str| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(workspace().join("migrations").join(tree))
            .unwrap_or_else(|error| panic!("migrations/{tree}: {error}"))
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty(), "there is no migration");
    assert_eq!(sqlite, names("postgres"));
}

/// Column by column, with a message that names what differs.
fn similar(left: &Tables, right: &Tables, left_name: &str, right_name: &str) {
    for (table, columns) in left {
        let Some(others) = right.get(table) else {
            panic!("{left_name} has the table {table}, {right_name} not")
        };
        assert_eq!(columns, others, "the table {table} differs between {left_name} and {right_name}");
    }
    for table in right.keys() {
        assert!(left.contains_key(table), "{right_name} has the table {table}, {left_name} not");
    }
}
