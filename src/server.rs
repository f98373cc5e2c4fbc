//! `keyhatch serve`: two listeners, a certificate that is followed, and an orderly end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use crate::accept::{self, Limits, Phase, Signals};
use crate::certificates::Certificates;
use crate::cluster;
use crate::facts_watch;
use crate::health::{self, Health};
use crate::inject::Installation;
use crate::metrics::Metrics;
use crate::needs::{self, Needs, rights};
use crate::shared_facts::SharedFacts;
use crate::tls::{Certificate, CertificateError};
use crate::validate::Settings;
use crate::webhook::{self, Webhook};

/// What a server is started with; made of the command's flags.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API server calls, over TLS.
    pub webhook_listen: SocketAddr,
    /// Where probes and Prometheus call, in plain HTTP.
    pub health_listen: SocketAddr,
    /// Where the serving certificate comes from.
    pub certificates: Certificates,
    /// The cluster, if not the one that we run in.
    pub kubeconfig: Option<PathBuf>,
    /// How long connections are still accepted after the signal to end.
    pub drain_delay: Duration,
    /// How often it is asked whether the cluster has what we need.
    pub rights_check_interval: Duration,
    /// What rules depend on.
    pub settings: Settings,
    /// Whether rules may look at Secrets, ConfigMaps and ServiceAccounts.
    pub cluster_checks: bool,
    /// What is put into pods, but for the authorities that they trust.
    pub installation: Installation,
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
    /// The cluster that was named cannot be used.
    #[error("the cluster cannot be used: {0}")]
    Cluster(Box<dyn std::error::Error + Send + Sync>),
    /// There is no API server to keep certificates in.
    #[error("no cluster to keep certificates in; give --kubeconfig, or --tls-cert-file and --tls-key-file")]
    NoCluster,
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
}

/// Clients have this long for a TLS handshake and for the head of each request.
const HEAD: Duration = Duration::from_secs(10);
/// Connections at the same time.
const CONNECTIONS: usize = 1024;
/// Reviews that are under way at the end have this long.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// If it cannot start, with the flag and the cause.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let webhook_listener = listen("--webhook-listen", config.webhook_listen)?;
    let health_listener = listen("--health-listen", config.health_listen)?;
    let metrics = Arc::new(Metrics::default());
    let health = Arc::new(Health::new(Arc::clone(&metrics)));
    let (served, tls) = watch::channel(None);
    let served = {
        let health = Arc::clone(&health);
        let webhook = config.webhook_listen;
        move |certificate: Certificate| {
            info!(%webhook, not_after = certificate.not_after, "serving");
            health.serving_until(certificate.not_after);
            served.send_replace(Some(certificate));
        }
    };
    let limits = Limits { head: HEAD, age: config.certificates.connection_age(), connections: CONNECTIONS };
    let (ending, phase) = watch::channel(Phase::default());
    let facts = Arc::new(SharedFacts::default());
    let (trusted, installation) = watch::channel(config.installation);
    let webhook = Webhook::new(config.settings, Arc::clone(&facts), installation, metrics);
    let router = webhook::router(Arc::new(webhook));
    let trust =
        move |roots: &str| trusted.send_modify(|installation| roots.clone_into(&mut installation.roots));
    let client = cluster::connect(config.kubeconfig).await?;
    let needs = Needs {
        rights: [config.certificates.rights(), rights::admission(config.cluster_checks)].concat(),
        every: config.rights_check_interval,
    };

    let certificates =
        config.certificates.provide(client.clone(), Arc::clone(&health), phase.clone(), served, trust);
    let serving = async {
        accept::serve(webhook_listener, router, limits, Signals { tls, phase }).await;
        Ok(())
    };
    tokio::select! {
        ended = async { tokio::try_join!(serving, certificates) } => ended.map(drop),
        () = health::serve(health_listener, health::router(Arc::clone(&health))) => Ok(()),
        () = facts_watch::follow(client.clone(), facts, Arc::clone(&health), config.cluster_checks) => Ok(()),
        () = needs::follow(client, needs, health.part("rights"), health.part("kinds")) => Ok(()),
        ended = end_on_signal(health, ending, config.drain_delay) => ended,
    }
}

/// Takes the address at once, so that a used port is an error of the start.
fn listen(flag: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
    let error = |source| ServeError::Listen { flag, address, source };
    let listener = std::net::TcpListener::bind(address).map_err(error)?;
    listener.set_nonblocking(true).map_err(error)?;
    TcpListener::from_std(listener).map_err(error)
}

/// Waits for the signal. Then: unready at once, still accepting for the delay (the API server learns of it later
/// than we do), then no more connections, and the end when the last review is answered.
async fn end_on_signal(
    health: Arc<Health>,
    ending: watch::Sender<Phase>,
    drain_delay: Duration,
) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    info!("leaving: unready, and answering whoever still comes");
    health.drain();
    ending.send_replace(Phase::Leaving);
    tokio::select! {
        () = tokio::time::sleep(drain_delay) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    info!("ending: answering what is under way");
    ending.send_replace(Phase::Ending);
    // The others end when connections have, and the Lease was given back; this only bounds the wait.
    tokio::time::sleep(DRAIN).await;
    Ok(())
}
