//! The schema of both databases, embedded. The two trees have the same migrations under the same names.

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The migrations of SQLite.
pub const SQLITE: EmbeddedMigrations = embed_migrations!("sqlite");

/// The migrations of PostgreSQL.
pub const POSTGRES: EmbeddedMigrations = embed_migrations!("postgres");
