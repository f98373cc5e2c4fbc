//! The flow of admission: a listener for the API server's reviews, and watches of what they are judged by.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{ServeError, Shared, installation, listen};
use crate::accept;
use crate::broker::Reviews;
use crate::facts_watch;
use crate::inject::Installation;
use crate::metrics::Metrics;
use crate::needs::rights::{self, Right};
use crate::policy::Preflight;
use crate::shared_facts::SharedFacts;
use crate::validate::Settings;
use crate::webhook::{self, Webhook, WebhookConfig};

/// What admission is started with.
#[derive(Clone, Debug)]
pub struct AdmissionConfig {
    /// Where the API server calls, over TLS.
    pub listen: SocketAddr,
    /// What rules depend on.
    pub settings: Settings,
    /// Whether rules may look at Secrets, ConfigMaps and ServiceAccounts.
    pub cluster_checks: bool,
    /// What is done about secrets that AWS does not give.
    pub preflight: Preflight,
    /// What is put into pods, but for the authorities that they trust.
    pub installation: Installation,
}

/// Connections at the same time.
const CONNECTIONS: usize = 1024;

/// Admission, ready to serve.
pub(super) struct Admission {
    listener: TcpListener,
    webhook: Arc<Webhook>,
    facts: Arc<SharedFacts>,
    cluster_checks: bool,
    installation: watch::Sender<Installation>,
}

impl Admission {
    /// Takes its address.
    pub(super) fn new(
        config: AdmissionConfig,
        reviews: Reviews,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ServeError> {
        let AdmissionConfig { listen: address, settings, cluster_checks, preflight, installation } = config;
        let listener = listen("--webhook-listen", address)?;
        let facts = Arc::new(SharedFacts::default());
        let (installation, installed) = watch::channel(installation);
        let webhook = Arc::new(Webhook::new(WebhookConfig {
            settings,
            facts: Arc::clone(&facts),
            installation: installed,
            preflight,
            reviews,
            metrics,
        }));
        Ok(Self { listener, webhook, facts, cluster_checks, installation })
    }

    /// What it does in the cluster.
    pub(super) fn rights(&self) -> Vec<Right> {
        rights::admission(self.cluster_checks)
    }

    /// Answers until the end.
    pub(super) async fn serve(self, shared: &Shared) {
        let Self { listener, webhook, facts, cluster_checks, installation: installed } = self;
        let health = Arc::clone(&shared.health);
        let facts = facts_watch::follow(shared.client.clone(), facts, health, cluster_checks).boxed_local();
        tokio::select! {
            () = accept::serve(listener, webhook::router(webhook), shared.limits(CONNECTIONS), shared.signals()) => {}
            () = facts => {}
            () = installation::follow(shared.tls.clone(), shared.client.clone(), &installed) => {}
        }
    }
}
