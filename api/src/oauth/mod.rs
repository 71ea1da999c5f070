//! The authorization server over HTTP: token endpoint, authorization pages, keys and discovery.

pub(crate) mod authorize;
pub(crate) mod discovery;
mod remote_keys;
pub(crate) mod token;
pub(crate) mod userinfo;

use crate::app::App;
use crate::clock::{SystemClock, SystemIds};
use crate::egress::Egress;
use crate::fhir::response;
use crate::settings::Settings;
use crate::worker::{Preparation, Worker};
use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use domain::Error;
use domain::access::actor::Actor;
use domain::authorization::login::Limits;
use domain::authorization::remote_keys::{RemoteKeys, asserted, wanted};
use domain::authorization::token::TokenRequest;
use domain::authorization::{AuthorizationServer, client, keys};
use domain::clock::Clock;
use moka::sync::Cache;
use remote_keys::RemoteKeySets;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Threads that hash passwords: tens of milliseconds and 19 MiB each.
const PASSWORD_THREADS: usize = 2;
/// Logins that may wait for them.
const PASSWORD_QUEUE: usize = 64;

/// What the handlers of this room share.
pub(crate) struct Authority {
    /// The domain's authorization server.
    pub(crate) server: Arc<AuthorizationServer>,
    /// Verified access tokens by their SHA-256, with the second they expire in. What is revoked elsewhere is
    /// honoured here when its entry ends, within a minute.
    pub(crate) tokens: Cache<[u8; 32], (Arc<Actor>, i64)>,
    egress: Egress,
    remote_keys: Arc<RemoteKeySets>,
    limits: Limits,
    passwords: Preparation,
    secure: bool,
    /// The tenth of a second in which keys and clients were last read out of turn.
    refreshed: AtomicI64,
}

impl Authority {
    /// Loads the signing keys, making the first one on the first start. Not from async code.
    ///
    /// Errors: a sentence for the operator.
    pub(crate) fn start(settings: &Settings, worker: &Worker) -> Result<Authority, String> {
        let keys = worker.write_blocking(|tx| {
            tx.purge_authorizations(SystemClock.now())?;
            keys::ensure(tx)
        });
        let keys = keys.map_err(|error| format!("The signing keys cannot be loaded: {error}."))?;
        let remote_keys = Arc::new(RemoteKeySets::new());
        let server = AuthorizationServer {
            remote_keys: Arc::clone(&remote_keys) as Arc<dyn RemoteKeys>,
            issuer: settings.public_url.trim_end_matches('/').to_owned(),
            base: settings.base(),
            keys: keys::Keys::new(keys),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        };
        let size = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(Authority {
            egress: Egress::new(&settings.egress_allow)?,
            remote_keys,
            refreshed: AtomicI64::new(0),
            secure: server.issuer.starts_with("https://"),
            server: Arc::new(server),
            tokens: Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(60)).build(),
            limits: Limits {
                account: size(settings.login_failures.account),
                address: size(settings.login_failures.address),
            },
            passwords: Preparation::start(PASSWORD_THREADS, PASSWORD_QUEUE).map_err(|e| e.to_string())?,
        })
    }
}

/// Follows what other processes change, keys and clients' origins, every ten seconds, and removes expired codes,
/// sessions and `jti`s every ten minutes, for as long as the server runs.
pub(crate) async fn follow(app: web::Data<App>) {
    for round in 1_u64.. {
        tokio::time::sleep(Duration::from_secs(10)).await;
        if let Err(error) = refresh(&app).await {
            tracing::warn!(%error, "keys and clients were not read again");
        }
        let now = app.authority.server.clock.now();
        if round % 60 == 0
            && let Err(error) = app.worker.write(move |tx| tx.purge_authorizations(now)).await
        {
            tracing::warn!(%error, "expired authorization records were not removed");
        }
    }
}

/// Reads keys and clients' origins from the store.
///
/// Errors: the store's.
pub(crate) async fn refresh(app: &App) -> Result<(), Error> {
    let read = app.worker.read(|tx| Ok((keys::load(tx)?, client::list(tx)?)));
    let (keyring, clients) = read.await?;
    app.authority.server.keys.replace(keyring);
    let enabled = clients.into_iter().filter(|client| !client.disabled);
    app.origins.register(enabled.flat_map(|client| client.origins));
    Ok(())
}

/// [`refresh`], but at most ten times a second however often it is asked for: `false` when it was not its turn.
///
/// Errors: the store's.
pub(crate) async fn refresh_soon(app: &App) -> Result<bool, Error> {
    let now = app.authority.server.clock.now().0 / 100_000;
    if app.authority.refreshed.swap(now, Ordering::Relaxed) == now {
        return Ok(false);
    }
    refresh(app).await.map(|()| true)
}

/// Sees to it that the keys are at hand which the request's client assertion is to be verified with.
///
/// Errors: the store's.
async fn fetch_keys(app: &App, request: &TokenRequest) -> Result<(), Error> {
    if asserted(request).is_none() {
        return Ok(());
    }
    let asked = request.clone();
    if let Some(wanted) = app.worker.read(move |tx| wanted(tx, &asked)).await? {
        app.authority.remote_keys.fetch(&app.authority.egress, &wanted).await;
    }
    Ok(())
}

/// The decoded pairs of a query or form; `None` when it is not one.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    web::Query::<Vec<(String, String)>>::from_query(text).ok().map(web::Query::into_inner)
}

/// A failure that is not the OAuth request's own (another method, a server that is busy), as `RFC 6749 §5.2` tells one.
pub(crate) fn failure(error: &Error) -> HttpResponse {
    let mut response = response::failure(error);
    let code = match error.status() {
        500 => "server_error",
        429 | 501.. => "temporarily_unavailable",
        _ => "invalid_request",
    };
    let text = error.issues().first().map(|issue| issue.diagnostics.as_str()).unwrap_or_default();
    // Neither quotes nor backslashes, as the RFC wants.
    let text: String = text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect();
    let body = serde_json::json!({ "error": code, "error_description": text }).to_string();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.set_body(BoxBody::new(body))
}
