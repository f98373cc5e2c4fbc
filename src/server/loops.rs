//! The flow of loops: what objects say is kept so, by the replica that leads.

use std::sync::Arc;

use super::secrets::Secrets;
use super::{ServeError, Shared};
use crate::loops::operator_metrics::OperatorMetrics;
use crate::loops::{self, Context, Settings, queue};
use crate::metrics::Metrics;
use crate::needs::rights::{self, Right};

/// What the flow is started with.
#[derive(Clone, Debug)]
pub struct LoopsConfig {
    /// Whose objects, and how.
    pub settings: Settings,
    /// Whether metrics have the operator's names, too.
    pub eso_metrics: bool,
    /// Our own namespace.
    pub namespace: String,
    /// The Lease of whoever leads.
    pub lease: String,
}

/// The flow, ready to begin.
pub(super) struct Loops {
    config: LoopsConfig,
    secrets: Arc<Secrets>,
    /// Whether another flow makes the source.
    shares: bool,
    queues: queue::Metrics,
    operator: OperatorMetrics,
}

impl Loops {
    /// Makes its counters known.
    pub(super) fn new(
        config: LoopsConfig,
        secrets: Arc<Secrets>,
        shares: bool,
        metrics: &mut Metrics,
    ) -> Self {
        let queues = queue::Metrics::default();
        queues.register(metrics.registry());
        let operator = match config.eso_metrics {
            true => {
                secrets.calls.register_as_operator(metrics.operator_registry());
                OperatorMetrics::register(metrics.operator_registry())
            }
            false => OperatorMetrics::default(),
        };
        Self { config, secrets, shares, queues, operator }
    }

    /// What it does in the cluster.
    pub(super) fn rights(&self) -> Vec<Right> {
        let LoopsConfig { namespace, lease, .. } = &self.config;
        rights::loops(namespace, lease, self.secrets.config.watch_credentials)
    }

    /// Begins whenever this replica is elected, and is cut off when it leads no more, until the end.
    pub(super) async fn serve(self, shared: &Shared) -> Result<(), ServeError> {
        let Self { config, secrets, shares, queues, operator } = self;
        let client = shared.client.clone().ok_or(ServeError::NoLoops)?;
        let mut guard = shared.standing_of_loops.guard.clone().ok_or(ServeError::NoLoops)?;
        let source = match shares {
            true => secrets.made().await,
            false => secrets.make(client.clone()).await?,
        };
        let LoopsConfig { settings, namespace, .. } = config;
        let context = Context {
            client,
            source,
            guard: guard.clone(),
            health: Arc::clone(&shared.health),
            settings,
            namespace,
            watch_accounts: secrets.config.watch_credentials,
            queues,
            operator,
        };
        let leading = async {
            loop {
                guard.elected().await;
                context.operator.begin();
                tokio::select! {
                    () = loops::run(context.clone()) => {}
                    () = guard.lost() => {}
                }
                context.operator.end();
            }
        };
        tokio::select! {
            () = leading => {}
            () = shared.standing_of_loops.over() => {}
        }
        Ok(())
    }
}
