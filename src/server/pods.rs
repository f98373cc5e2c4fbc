//! The flow of pods: where secrets come from, and the broker that gives them away, on a listener and threads of its own.
//! However many ask there, reviews are answered as before.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::secrets::Secrets;
use super::threads::Threads;
use super::{ServeError, Shared, listen};
use crate::accept;
use crate::broker::rate::Rate;
use crate::broker::{self, Broker, BrokerConfig, Reviews};
use crate::cluster;
use crate::metrics::Metrics;
use crate::needs::rights::{self, Right};
use crate::tls::Certificate;

/// What the flow is started with.
#[derive(Clone, Debug)]
pub struct PodsConfig {
    /// Where pods ask, over TLS.
    pub listen: SocketAddr,
    /// Whether pods may share their process namespace.
    pub allow_shared_pid: bool,
}

/// Connections at the same time: every sidecar keeps one for a while.
const CONNECTIONS: usize = 2048;

/// The flow, ready to serve.
pub(super) struct Pods {
    listener: TcpListener,
    threads: Threads,
    parts: Parts,
}

/// What moves to the flow's own threads.
struct Parts {
    secrets: Arc<Secrets>,
    metrics: Arc<broker::metrics::Metrics>,
    allow_shared_pid: bool,
}

impl Pods {
    /// Takes its address, and makes its counters known.
    pub(super) fn new(
        config: &PodsConfig,
        secrets: Arc<Secrets>,
        metrics: &mut Metrics,
    ) -> Result<Self, ServeError> {
        let threads = Threads::start().map_err(ServeError::Threads)?;
        let listener = threads.within(|| listen("--broker-listen", config.listen))?;
        let answers = Arc::<broker::metrics::Metrics>::default();
        answers.register(metrics.registry());
        let parts = Parts { secrets, metrics: answers, allow_shared_pid: config.allow_shared_pid };
        Ok(Self { listener, threads, parts })
    }

    /// What it does in the cluster.
    pub(super) fn rights(&self) -> Vec<Right> {
        rights::pods(self.parts.secrets.config.watch_credentials)
    }

    /// Answers until the end.
    pub(super) async fn serve(self, shared: &Shared, reviews: Reviews) -> Result<(), ServeError> {
        let Self { listener, threads, parts } = self;
        let (limits, signals) = (shared.limits(CONNECTIONS), shared.signals());
        let (kubeconfig, tls) = (shared.kubeconfig.clone(), shared.tls.clone());
        let serving = async move {
            let broker = Arc::new(parts.broker(kubeconfig, tls).await?);
            reviews.begin(&broker);
            accept::serve(listener, broker::router(broker), limits, signals).await;
            Ok(())
        };
        // A task that ends without an answer was ended with its threads.
        threads.run(serving).await.unwrap_or(Ok(()))
    }
}

impl Parts {
    /// With a connection to the API server of its own: questions of pods do not queue before those of reviews.
    async fn broker(
        self,
        kubeconfig: Option<PathBuf>,
        tls: watch::Receiver<Option<Certificate>>,
    ) -> Result<Broker, ServeError> {
        let Self { secrets, metrics, allow_shared_pid } = self;
        let client = cluster::connect(kubeconfig).await?.ok_or(ServeError::NoPods)?;
        let source = secrets.make(client.clone()).await?;
        let broker = BrokerConfig { source, tls, rate: Rate::default(), metrics, allow_shared_pid };
        Broker::new(broker, client).map_err(|_| ServeError::NoRandom)
    }
}
