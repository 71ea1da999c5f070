//! `binnacle client`: registers, lists and disables OAuth clients, also while the server runs.

use super::{Open, open_store, say, secret_from_stdin, sentence};
use crate::egress::Egress;
use crate::settings::Settings;
use crate::worker::Worker;
use clap::{ArgGroup, Args, Subcommand};
use domain::authorization::client::{self, Authentication};
use domain::authorization::digest;
use std::path::PathBuf;
use std::process::ExitCode;

/// `binnacle client …`.
#[derive(Subcommand)]
pub(crate) enum Client {
    /// Register a client and print it as JSON
    Add(Box<Add>),
    /// Print all clients as JSON
    List,
    /// Disable a client; its tokens are refused within a minute
    Disable {
        /// client_id
        #[arg(long)]
        id: String,
    },
}

/// `binnacle client add`.
#[derive(Args)]
#[command(group = ArgGroup::new("authentication").required(true))]
pub(crate) struct Add {
    /// client_id
    #[arg(long)]
    id: String,
    /// The client cannot keep a secret
    #[arg(long, group = "authentication")]
    public: bool,
    /// Read a secret of 128 bits or more from standard input
    #[arg(long, group = "authentication")]
    secret_stdin: bool,
    /// File with the client's JWK Set, for private_key_jwt
    #[arg(long, group = "authentication")]
    jwks: Option<PathBuf>,
    /// Address of the client's JWK Set, for private_key_jwt; fetched when an assertion needs it
    #[arg(long, group = "authentication")]
    jwks_url: Option<String>,
    /// Grant type: authorization_code or client_credentials; repeats
    #[arg(long = "grant")]
    grants: Vec<String>,
    /// Where codes may be sent; repeats
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,
    /// Origin of the client's pages (CORS); repeats
    #[arg(long = "origin")]
    origins: Vec<String>,
    /// Widest scope, separated by spaces
    #[arg(long)]
    scope: String,
    /// Name for the approval page
    #[arg(long)]
    name: Option<String>,
    /// FHIR reference under which the client stands in audit and consent
    #[arg(long)]
    actor: Option<String>,
}

impl Client {
    /// Runs the command.
    ///
    /// Errors: a sentence for the operator.
    pub(crate) fn run(self, settings: &Settings, open: Open) -> Result<ExitCode, String> {
        let printed = match self {
            Client::Add(add) => {
                let client = add.client(&Egress::new(&settings.egress_allow)?)?;
                client.validate().map_err(|error| sentence(&error))?;
                let worker = Worker::new(open_store(settings, open)?);
                let printed = client.to_public_json();
                worker.write_blocking(move |tx| client::add(tx, &client)).map(|()| printed)
            }
            Client::List => {
                let worker = Worker::new(open_store(settings, open)?);
                let all = worker.write_blocking(|tx| client::list(tx));
                all.map(|all| all.iter().map(client::Client::to_public_json).collect())
            }
            Client::Disable { id } => {
                let worker = Worker::new(open_store(settings, open)?);
                worker
                    .write_blocking(move |tx| client::disable(tx, &id))
                    .map(|client| client.to_public_json())
            }
        };
        say(&format!("{:#}", printed.map_err(|error| sentence(&error))?));
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    fn client(self, egress: &Egress) -> Result<client::Client, String> {
        let authentication = if self.secret_stdin {
            let secret = secret_from_stdin()?;
            if bits(&secret) < 128 {
                return Err("The secret has fewer than 128 bits: use 32 hexadecimal digits or 22 base64 characters, from a random source.".into());
            }
            Authentication::Secret(digest(&secret))
        } else if let Some(path) = self.jwks {
            let text = std::fs::read(&path)
                .map_err(|error| format!("The file {} cannot be read: {error}.", path.display()))?;
            let set = serde_json::from_slice(&text)
                .map_err(|error| format!("The file {} is not a JWK Set: {error}.", path.display()))?;
            Authentication::Keys(set)
        } else if let Some(address) = self.jwks_url {
            egress.check(&address)?;
            Authentication::KeysAt(address)
        } else {
            Authentication::Public
        };
        Ok(client::Client {
            id: self.id,
            name: self.name,
            authentication,
            grants: self.grants,
            redirect_uris: self.redirect_uris,
            origins: self.origins,
            scope: self.scope,
            actor: self.actor,
            disabled: false,
        })
    }
}

/// The most bits a secret of these characters can hold, if it was drawn at random; 0 when it plainly was not.
fn bits(secret: &str) -> usize {
    let mut distinct: Vec<char> = secret.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let each = if secret.bytes().all(|b| b.is_ascii_hexdigit()) { 4 } else { 6 };
    if distinct.len() < 8 { 0 } else { secret.chars().count() * each }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_secret_has_128_bits_or_more() {
        assert!(super::bits("0123456789abcdef0123456789abcdef") >= 128);
        for short in ["", "secret", "0123456789abcdef", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
            assert!(super::bits(short) < 128, "{short}");
        }
    }
}
