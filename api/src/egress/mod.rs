//! Outgoing HTTP calls, all of them: to addresses of the public internet or ones the operator allows, without redirects
//! or proxies, bounded in time and size. Whoever can register an address here must not reach what only this machine can.

mod address;
mod freshness;

use address::Addresses;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How long a call may take, from the look-up of the name to the last byte.
const TIME: Duration = Duration::from_secs(5);

/// How long it may take until there is a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// Bytes of an answer that are taken.
const SIZE: usize = 256 << 10;

/// Makes outgoing calls.
pub(crate) struct Egress {
    addresses: Arc<Addresses>,
    /// To every address that may be reached, with TLS.
    secure: Client,
    /// To addresses the operator named, without.
    plain: Client,
}

/// What a call brought back.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The answer's body.
    pub(crate) body: Vec<u8>,
    /// For how long the answer says it may be kept (`RFC 9111 §4.2`); `None` where it does not say.
    pub(crate) fresh: Option<Duration>,
}

impl Egress {
    /// Calls to the public internet and to the networks in `allowed`, separated by spaces.
    ///
    /// Errors: a sentence for the operator.
    pub(crate) fn new(allowed: &str) -> Result<Egress, String> {
        let addresses = Addresses::new(allowed).map_err(|word| {
            format!("BINNACLE_EGRESS_ALLOW is wrong: '{word}' is neither a network, such as 10.20.0.0/16, nor an address.")
        })?;
        let addresses = Arc::new(addresses);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // Another room may have installed it first; it is the only one there is.
        let _ = rustls::crypto::CryptoProvider::install_default(Arc::unwrap_or_clone(provider));
        let build = |builder: ClientBuilder, named_only: bool| {
            let resolver = Guarded { addresses: Arc::clone(&addresses), named_only };
            let built = builder
                .dns_resolver(Arc::new(resolver))
                .redirect(Policy::none())
                .no_proxy()
                .timeout(TIME)
                .connect_timeout(CONNECT)
                .pool_max_idle_per_host(0)
                .user_agent(concat!("binnacle/", env!("CARGO_PKG_VERSION")))
                .build();
            built.map_err(|error| format!("Outgoing calls cannot be made: {error}."))
        };
        Ok(Egress {
            secure: build(Client::builder().https_only(true), false)?,
            plain: build(Client::builder(), true)?,
            addresses,
        })
    }

    /// Whether a call to `url` may be tried; where a name leads is judged when it is looked up.
    ///
    /// Errors: a sentence for the operator.
    pub(crate) fn check(&self, url: &str) -> Result<Url, String> {
        let parsed = Url::parse(url).map_err(|_| format!("'{url}' is not a URL."))?;
        let literal = parsed.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        let (may, how) = match parsed.scheme() {
            "https" => (literal.is_none_or(|address| self.addresses.allows(address)), ""),
            "http" => (literal.is_none_or(|address| self.addresses.is_named(address)), " without TLS"),
            _ => return Err(format!("'{url}' does not begin with https://.")),
        };
        if may {
            Ok(parsed)
        } else {
            Err(format!(
                "Outgoing calls may not reach '{url}'{how}; an operator can allow its network with BINNACLE_EGRESS_ALLOW."
            ))
        }
    }

    /// Gets what is at `url`.
    ///
    /// Errors: a sentence for the log: the address may not be reached, or the answer is not 200, late or too long.
    pub(crate) async fn get(&self, url: &str) -> Result<Fetched, String> {
        let url = self.check(url)?;
        let client = if url.scheme() == "https" { &self.secure } else { &self.plain };
        let sent = client.get(url).header("accept", "application/json").send().await;
        let mut response = sent.map_err(|error| reason(&error))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("the answer was {}", response.status().as_u16()));
        }
        let fresh = freshness::of(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
            if body.len() + chunk.len() > SIZE {
                return Err(format!("the answer has more than {SIZE} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { body, fresh })
    }
}

/// The innermost cause of a failed call, which says more than "error sending request".
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("there was no whole answer within {} s", TIME.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Looks names up and leaves out addresses that may not be reached, so that what was judged is what is connected to.
struct Guarded {
    addresses: Arc<Addresses>,
    named_only: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (addresses, named_only) = (Arc::clone(&self.addresses), self.named_only);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let may = |address: &SocketAddr| {
                if named_only { addresses.is_named(address.ip()) } else { addresses.allows(address.ip()) }
            };
            let reachable: Vec<SocketAddr> = found.filter(may).collect();
            if reachable.is_empty() {
                return Err("its name leads to no address that outgoing calls may reach".into());
            }
            let addresses: Addrs = Box::new(reachable.into_iter());
            Ok(addresses)
        })
    }
}
