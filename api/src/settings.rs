//! What an operator chooses, from `BINNACLE_*` environment variables or options of the same names.

use clap::Args;
use std::net::SocketAddr;
use std::path::Path;

/// The settings.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// Address to listen on.
    #[arg(long, env = "BINNACLE_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Address under which callers reach this server: issuer, links, audience.
    #[arg(long, env = "BINNACLE_PUBLIC_URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) public_url: String,
    /// `sqlite://data/binnacle.db`, `sqlite:///absolute/path.db` or `postgres://…`.
    #[arg(
        long,
        env = "BINNACLE_DATABASE_URL",
        default_value = "sqlite://data/binnacle.db",
        hide_env_values = true
    )]
    pub(crate) database_url: String,
}

impl Settings {
    /// Makes the folder of an SQLite database.
    pub(crate) fn make_database_folder(&self) -> Result<(), String> {
        let path = self.database_url.strip_prefix("sqlite://").map(Path::new);
        match path.and_then(Path::parent) {
            Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder)
                .map_err(|error| format!("BINNACLE_DATABASE_URL: the folder cannot be made: {error}")),
            _ => Ok(()),
        }
    }
}
