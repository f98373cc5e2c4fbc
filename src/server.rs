//! `keyhatch serve`: a certificate that is followed, the flows that are wanted, and an orderly end.
//!
//! - [`admission`]: reviews are answered, and what they need of other objects is followed
//! - [`pods`]: pods are given their secrets
//! - [`loops`]: what objects say is kept so
//! - [`secrets`]: where the flows have secrets from; [`leadership`]: who may write
//! - `flows`: those that are wanted, as one; `installation`: what is put into pods, as it changes

pub mod admission;
mod flows;
mod installation;
pub mod leadership;
pub mod loops;
pub mod pods;
pub mod secrets;
mod threads;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use kube::Client;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use admission::AdmissionConfig;
use flows::Flows;
use leadership::{Leadership, Standing};
use loops::LoopsConfig;
use pods::PodsConfig;
use secrets::SecretsConfig;

use crate::accept::{Limits, Phase, Signals};
use crate::certificates::Certificates;
use crate::cluster;
use crate::health::{self, Health};
use crate::needs::rights;
use crate::needs::{self, Needs};
use crate::tls::{Certificate, CertificateError};

/// What a server is started with; made of the command's flags.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where probes and Prometheus call, in plain HTTP.
    pub health_listen: SocketAddr,
    /// Where the serving certificate comes from.
    pub certificates: Certificates,
    /// How it is decided who writes.
    pub leadership: Leadership,
    /// The cluster, if not the one that we run in.
    pub kubeconfig: Option<PathBuf>,
    /// How long connections are still accepted after the signal to end.
    pub drain_delay: Duration,
    /// How often it is asked whether the cluster has what we need.
    pub rights_check_interval: Duration,
    /// What is done.
    pub flows: FlowConfigs,
}

/// The flows that are wanted.
#[derive(Clone, Debug)]
pub struct FlowConfigs {
    /// Reviews are answered.
    pub admission: Option<AdmissionConfig>,
    /// Pods are given their secrets.
    pub pods: Option<PodsConfig>,
    /// What objects say is kept so.
    pub loops: Option<LoopsConfig>,
    /// Where pods and loops have secrets from.
    pub secrets: SecretsConfig,
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
    /// Pods cannot be told whom to trust.
    #[error("the flow pods needs --tls-ca-file beside --tls-cert-file: pods are told whom to trust")]
    NoRoots,
    /// There is no cluster whose pods could be given anything.
    #[error("the flow pods needs a cluster; give --kubeconfig")]
    NoPods,
    /// There is no cluster whose objects could be kept as they say.
    #[error("the flow loops needs a cluster; give --kubeconfig")]
    NoLoops,
    /// The threads of a flow cannot be started.
    #[error("threads cannot be started: {0}")]
    Threads(io::Error),
    /// The system has no random bytes.
    #[error("the system has no random bytes")]
    NoRandom,
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
}

/// Clients have this long for a TLS handshake and for the head of each request.
const HEAD: Duration = Duration::from_secs(10);
/// A request has this long, and its answer to be taken: more than the broker waits for AWS, and the API server for a review.
const REQUEST: Duration = Duration::from_secs(60);
/// What is under way at the end has this long.
const DRAIN: Duration = Duration::from_secs(10);

/// What all flows share.
pub(crate) struct Shared {
    /// The cluster, if there is one.
    pub(crate) client: Option<Client>,
    /// Where it was named.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// What readiness depends on.
    pub(crate) health: Arc<Health>,
    /// The serving certificate, and what its clients must trust.
    pub(crate) tls: watch::Receiver<Option<Certificate>>,
    /// How far the process is from its end.
    pub(crate) phase: watch::Receiver<Phase>,
    /// Whether this replica's loops may write.
    pub(crate) standing_of_loops: Standing,
    /// After this a connection is told to go.
    pub(crate) connection_age: Duration,
}

impl Shared {
    /// The limits of a listener with so many connections.
    pub(crate) fn limits(&self, connections: usize) -> Limits {
        Limits { head: HEAD, age: self.connection_age, connections, request: REQUEST }
    }

    /// What each listener is told.
    pub(crate) fn signals(&self) -> Signals {
        Signals { tls: self.tls.clone(), phase: self.phase.clone() }
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// If it cannot start, with the flag and the cause.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let health_listener = listen("--health-listen", config.health_listen)?;
    let (flows, metrics) = Flows::new(config.flows)?;
    let health = Arc::new(Health::new(metrics));
    let (served, tls) = watch::channel(None);
    let served = {
        let health = Arc::clone(&health);
        move |certificate: Certificate| {
            info!(not_after = certificate.not_after, "serving");
            health.serving_until(certificate.not_after);
            served.send_replace(Some(certificate));
        }
    };
    let (ending, phase) = watch::channel(Phase::default());
    let client = cluster::connect(config.kubeconfig.clone()).await?;
    if flows.needs_roots() && !config.certificates.tells_roots() {
        return Err(ServeError::NoRoots);
    }
    let stand = |leadership, part, has_to_write| {
        leadership::stand(leadership, part, has_to_write, client.as_ref(), &health, phase.clone())
    };
    let (standing, election) =
        stand(config.leadership.clone(), "lease", config.certificates.have_to_be_written());
    let (standing_of_loops, election_of_loops) =
        stand(config.leadership.of_loops(), "loops-lease", flows.have_to_write());
    let rights = [config.certificates.rights(&config.leadership), flows.rights()];
    let needs = Needs { rights: rights::each_once(rights.concat()), every: config.rights_check_interval };
    let shared = Shared {
        client: client.clone(),
        kubeconfig: config.kubeconfig,
        health: Arc::clone(&health),
        tls,
        phase: phase.clone(),
        standing_of_loops,
        connection_age: config.certificates.connection_age(),
    };
    let certificates = config.certificates.provide(client.clone(), Arc::clone(&health), standing, served);
    let elections = futures_util::future::join(election, election_of_loops).map(|_| Ok(()));
    // On the heap, each by itself: the stack of one that holds them all would stay in memory.
    let certificates = certificates.boxed_local();
    let flows = flows.serve(&shared).boxed_local();
    let health_served = health::serve(health_listener, health::router(Arc::clone(&health))).boxed_local();
    let needs = needs::follow(client, needs, health.part("rights"), health.part("kinds")).boxed_local();
    tokio::select! {
        ended = async { tokio::try_join!(flows, certificates, elections) } => ended.map(drop),
        () = health_served => Ok(()),
        () = needs => Ok(()),
        ended = end_on_signal(health, ending, config.drain_delay) => ended,
    }
}

/// Takes the address at once, so that a used port is an error of the start.
pub(crate) fn listen(flag: &'static str, address: SocketAddr) -> Result<TcpListener, ServeError> {
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
