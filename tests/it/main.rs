//! Black-box tests: they start the real `binnacle` binary and speak HTTP to it, on SQLite and on PostgreSQL.
//!
//! Run them with `make test`. A test reads *given a store, when GET …, then …* and asserts exact statuses, headers
//! and sets of ids. Tests of one database share one open server ([`server::Server::open`]) and each use their own data.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this crate is tests, and their fixtures fail by panicking"
)]

/// Makes one test of `fn name(server: &Server)` for each database: `name::sqlite` and `name::postgres`.
///
/// `waits "for what";` before the function marks both as not run yet, and why.
macro_rules! on_both {
    ($(waits $reason:literal;)? $(#[$about:meta])* fn $name:ident($server:ident: &Server) $body:block) => {
        $(#[$about])*
        fn $name($server: &crate::server::Server) $body

        mod $name {
            #[test]
            $(#[ignore = $reason])?
            fn sqlite() {
                super::$name(crate::server::Server::open(crate::database::Database::Sqlite));
            }

            #[test]
            $(#[ignore = $reason])?
            fn postgres() {
                super::$name(crate::server::Server::open(crate::database::Database::Postgres));
            }
        }
    };
}

/// Makes one test of each `fn name(server: &Server)` for each database, on the server that asks for tokens.
macro_rules! guarded {
    ($($(#[$about:meta])* fn $name:ident($server:ident: &Server) $body:block)+) => {$(
        $(#[$about])*
        fn $name($server: &crate::server::Server) $body

        mod $name {
            #[test]
            fn sqlite() {
                super::$name(crate::server::Server::guarded(crate::database::Database::Sqlite));
            }

            #[test]
            fn postgres() {
                super::$name(crate::server::Server::guarded(crate::database::Database::Postgres));
            }
        }
    )+};
}

/// Makes one test of `fn name(database: Database)` for each database, for tests that start servers of their own.
macro_rules! on_each {
    ($(#[$about:meta])* fn $name:ident($database:ident: Database) $body:block) => {
        $(#[$about])*
        fn $name($database: crate::database::Database) $body

        mod $name {
            #[test]
            fn sqlite() {
                super::$name(crate::database::Database::Sqlite);
            }

            #[test]
            fn postgres() {
                super::$name(crate::database::Database::Postgres);
            }
        }
    };
}

mod access;
mod architecture;
mod browser;
mod catalogue;
mod commands;
mod database;
mod demo;
mod durability;
mod http;
mod import;
mod interaction;
mod load;
mod oauth;
mod reindex;
mod schema;
mod search;
mod search_parameter;
mod server;
mod token;
