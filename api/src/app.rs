//! What every request handler shares, and the HTTP server around it.

use crate::clock::{SystemClock, SystemIds};
use crate::guard::cors::Origins;
use crate::guard::limit::Running;
use crate::guard::rate::Rates;
use crate::guard::wire::Wire;
use crate::jobs::{self, Jobs};
use crate::oauth::Authority;
use crate::operations::metrics::Recorder;
use crate::settings::{ConditionalDelete, Invariants, NhsNumber, Settings, UnknownParameters};
use crate::worker::{Preparation, Worker};
use crate::{guard, routes};
use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_rt::net::TcpStream;
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App as Actix, web};
use domain::conformance::validation::{self, NhsNumbers, ValidationSettings};
use domain::id::IdSource;
use domain::search::page;
use domain::server;
use domain::store::Executor;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::SignalKind;

/// The signal of a file that outgrows its limit, on Linux and macOS.
const SIGXFSZ: SignalKind = SignalKind::from_raw(25);

/// How long a server that was asked to stop runs at most.
const PATIENCE: Duration = Duration::from_secs(29);

/// Seconds of [`Settings::shutdown_notice`] at most.
const MOST_NOTICE: u64 = 20;

/// What every handler shares.
pub(crate) struct App {
    /// What the operator chose.
    pub(crate) settings: Settings,
    /// `serve --open`: no tokens.
    pub(crate) open: bool,
    /// `serve --demo`: there is a page that shows a code.
    pub(crate) demo: bool,
    /// The domain.
    pub(crate) server: Arc<server::Server>,
    /// The store.
    pub(crate) worker: Worker,
    /// The authorization server.
    pub(crate) authority: Authority,
    /// Threads that read request bodies.
    pub(crate) preparation: Preparation,
    /// Whether requests are wanted: false from the moment a signal asks to stop.
    pub(crate) accepting: AtomicBool,
    /// Requests being worked on.
    pub(crate) running: Arc<Running>,
    /// How often callers may ask.
    pub(crate) rates: Rates,
    /// Origins of browser apps.
    pub(crate) origins: Origins,
    /// Work in the background.
    pub(crate) jobs: Jobs,
    /// Counts and times of requests.
    pub(crate) metrics: Recorder,
}

impl App {
    /// Puts the parts together.
    ///
    /// Errors: a thread cannot be started, as a sentence.
    pub(crate) fn new(settings: Settings, open: bool, store: Arc<dyn Executor>) -> Result<App, String> {
        let threads = settings.workers();
        let worker = Worker::new(store);
        let mut server = domain_server(&settings, open);
        let fresh = server.settings.cursor_key;
        let key = worker.write_blocking(move |tx| page::ensure_key(tx, &fresh));
        server.settings.cursor_key =
            key.map_err(|error| format!("The cursor key cannot be loaded: {error}."))?;
        let server = Arc::new(server);
        jobs::prepare(&server, &worker)
            .map_err(|error| format!("What is searched by cannot be read: {error}."))?;
        Ok(App {
            open,
            demo: false,
            server,
            authority: Authority::start(&settings, &worker)?,
            worker,
            preparation: Preparation::start(threads, settings.queue).map_err(|error| error.to_string())?,
            accepting: AtomicBool::new(true),
            running: Arc::new(Running::new(settings.max_requests)),
            rates: Rates::new(&settings),
            origins: Origins::new(&settings.cors_origins),
            jobs: Jobs::default(),
            metrics: Recorder::default(),
            settings,
        })
    }
}

/// The domain's server with this process's time and randomness, and a cursor key of its own.
pub(crate) fn domain_server(settings: &Settings, open: bool) -> server::Server {
    let ids = SystemIds;
    let settings = server::Settings {
        base: settings.base(),
        cursor_key: ids.secret(),
        tokens: !open,
        validation: ValidationSettings {
            nhs_numbers: match settings.nhs_number {
                NhsNumber::Refuse => NhsNumbers::Refuse,
                NhsNumber::Warn => NhsNumbers::Warn,
            },
            invariants: match settings.invariants {
                Invariants::Refuse => validation::Invariants::Refuse,
                Invariants::Warn => validation::Invariants::Warn,
            },
        },
        public_url: settings.public_url.trim_end_matches('/').to_owned(),
        max_entries: settings.bundle_entries,
        max_conditional_deletes: match settings.conditional_delete {
            ConditionalDelete::Single => 1,
            ConditionalDelete::Multiple => settings.bundle_entries,
        },
        search: settings.search(),
        ignore_unknown: settings.search_unknown_parameters == UnknownParameters::Ignore,
    };
    server::Server::new(settings, Arc::new(SystemClock), Arc::new(ids))
}

/// Serves until a signal asks to stop; then answers what was accepted, for at most 30 seconds.
///
/// Errors: the server cannot run.
pub(crate) async fn serve(app: App, listener: TcpListener) -> std::io::Result<()> {
    let app = web::Data::new(app);
    let shared = app.clone();
    let notice = Duration::from_secs(app.settings.shutdown_notice.min(MOST_NOTICE));
    let server = listen(&app, listener, PATIENCE - notice)?;
    // A file that would outgrow a limit (`ulimit -f`) cannot be written, as on a full disk, instead of ending the process.
    let _limits = tokio::signal::unix::signal(SIGXFSZ)?;
    if let Err(error) = crate::oauth::refresh(&app).await {
        tracing::warn!(%error, "keys and clients were not read");
    }
    actix_web::rt::spawn(crate::oauth::follow(app.clone()));
    let background = jobs::start(app.clone())?;
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        stop_signal().await;
        tracing::info!("stopping: answering what was accepted");
        app.accepting.store(false, Ordering::Release);
        tokio::time::sleep(notice).await;
        handle.stop(true).await;
    });
    let outcome = server.await;
    shared.accepting.store(false, Ordering::Release);
    let _ = background.join();
    outcome
}

/// Serves HTTP on `listener`: what actix's own server does, with a [`Wire`] under it.
fn listen(app: &web::Data<App>, listener: TcpListener, patience: Duration) -> std::io::Result<Server> {
    let builder = Server::build()
        .workers(app.settings.workers())
        .max_concurrent_connections(app.settings.max_connections)
        .shutdown_timeout(patience.as_secs())
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let app = app.clone();
    let service = move || {
        let stopping = stopping.clone();
        let handlers = Actix::new()
            .app_data(app.clone())
            .configure(routes::configure)
            .wrap(from_fn(guard::trace::request))
            .wrap(Compress::default())
            .into_factory()
            .map_err(|error: actix_web::Error| error.error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .client_request_timeout(Duration::from_secs(10))
            .client_disconnect_timeout(Duration::from_secs(5))
            .keep_alive(Duration::from_secs(75))
            .finish(map_config(handlers, |()| AppConfig::default()));
        fn_service(|stream: TcpStream| async {
            let peer = stream.peer_addr().ok();
            Ok::<_, DispatchError>((Wire::new(stream), Protocol::Http1, peer))
        })
        .and_then(http)
    };
    Ok(builder.listen("binnacle", listener, service)?.run())
}

/// Waits for SIGTERM or SIGINT.
async fn stop_signal() {
    use tokio::signal::unix::signal;
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be waited for; stop the process to stop the server");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
