//! `keyhatch serve`: two listeners, a certificate that is followed, and an orderly end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::health::{self, Health};
use crate::metrics::Metrics;
use crate::tls::{self, CertificateError, CertificateFiles};
use crate::validate::Settings;
use crate::webhook::{self, Webhook};

/// What a server is started with; made of the command's flags.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API server calls, over TLS.
    pub webhook_listen: SocketAddr,
    /// Where probes and Prometheus call, in plain HTTP.
    pub health_listen: SocketAddr,
    /// The serving certificate.
    pub certificate: CertificateFiles,
    /// How often the certificate's files are read again.
    pub certificate_interval: Duration,
    /// What rules depend on.
    pub settings: Settings,
}

/// Why the server does not start, or ended.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The certificate cannot be served.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// An address cannot be listened on.
    #[error("{flag} {address}: cannot listen there: {source}")]
    Listen {
        /// The flag that named it.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A listener broke.
    #[error("the {which} listener ended: {source}")]
    Ended {
        /// `webhook` or `health`.
        which: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
}

/// A client has this long for its TLS handshake and for the head of each request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Reviews that are under way at the end have this long.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// If it cannot start, with the flag and the cause.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let certificate = config.certificate.load(SystemTime::now())?;
    let webhook_listener = listen("--webhook-listen", config.webhook_listen)?;
    let health_listener = listen("--health-listen", config.health_listen)?;

    let metrics = Arc::new(Metrics::default());
    let health = Arc::new(Health::new(Arc::clone(&metrics)));
    health.serving_until(certificate.not_after);
    let tls = certificate.into_server();
    let follower = {
        let health = Arc::clone(&health);
        let served = move |not_after| health.serving_until(not_after);
        tls::follow(config.certificate.clone(), tls.clone(), config.certificate_interval, served)
    };
    let webhook = Arc::new(Webhook::new(config.settings, metrics));
    let handle = Handle::new();
    info!(webhook = %config.webhook_listen, health = %config.health_listen, "serving");

    tokio::select! {
        ended = serve_webhook(webhook_listener, tls, webhook, handle.clone()) => ended,
        ended = serve_health(health_listener, Arc::clone(&health)) => ended,
        () = follower => Ok(()),
        ended = end_on_signal(health, handle) => ended,
    }
}

/// Takes the address at once, so that a used port is an error of the start.
fn listen(flag: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    let error = |source| ServeError::Listen { flag, address, source };
    let listener = TcpListener::bind(address).map_err(error)?;
    listener.set_nonblocking(true).map_err(error)?;
    Ok(listener)
}

async fn serve_webhook(
    listener: TcpListener,
    tls: RustlsConfig,
    webhook: Arc<Webhook>,
    handle: Handle<SocketAddr>,
) -> Result<(), ServeError> {
    let ended = |source| ServeError::Ended { which: "webhook", source };
    let server = axum_server::from_tcp_rustls(listener, tls).map_err(ended)?;
    let mut server = server.handle(handle).first_request_timeout(HEAD_TIMEOUT);
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    server.http_builder().http2().timer(TokioTimer::new()).max_concurrent_streams(256);
    server.serve(webhook::router(webhook).into_make_service()).await.map_err(ended)
}

async fn serve_health(listener: TcpListener, health: Arc<Health>) -> Result<(), ServeError> {
    let ended = |source| ServeError::Ended { which: "health", source };
    let listener = tokio::net::TcpListener::from_std(listener).map_err(ended)?;
    axum::serve(listener, health::router(health)).await.map_err(ended)
}

/// Waits for the signal, then for the reviews that are under way.
async fn end_on_signal(health: Arc<Health>, handle: Handle<SocketAddr>) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    info!("ending: answering what is under way");
    health.drain();
    handle.graceful_shutdown(Some(DRAIN));
    // The webhook's own future ends when its connections have; this one only bounds the wait.
    tokio::time::sleep(DRAIN + Duration::from_secs(1)).await;
    Ok(())
}
