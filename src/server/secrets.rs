//! Where the flows have secrets from: one source for all of them, so that what one fetched or wrote counts for the others.

use std::sync::Arc;

use kube::Client;
use tokio::sync::watch;

use super::ServeError;
use crate::cache::{self, Cache, Limits};
use crate::metrics::Metrics;
use crate::source::calls::Calls;
use crate::source::clients::ClientConfig;
use crate::source::objects::Objects;
use crate::source::plan::Ambient;
use crate::source::{Source, SourceConfig};

/// Where secrets come from, and what is kept of them.
#[derive(Clone, Debug)]
pub struct SecretsConfig {
    /// Where AWS is.
    pub clients: ClientConfig,
    /// Which stores may use our own AWS identity.
    pub ambient: Ambient,
    /// What is kept of AWS's answers.
    pub limits: Limits,
    /// Whether Secrets and ServiceAccounts are watched.
    pub watch_credentials: bool,
}

/// The source, once it is made.
pub(super) struct Secrets {
    pub(super) config: SecretsConfig,
    cache: Arc<Cache>,
    pub(super) calls: Arc<Calls>,
    made: watch::Sender<Option<Source>>,
}

impl Secrets {
    /// Makes its counters known.
    pub(super) fn new(config: SecretsConfig, metrics: &mut Metrics) -> Self {
        let kept = Arc::<cache::metrics::Metrics>::default();
        let calls = Arc::new(Calls::new(false));
        kept.register(metrics.registry());
        calls.register(metrics.registry());
        let cache = Arc::new(Cache::new(config.limits.clone(), kept));
        Self { config, cache, calls, made: watch::channel(None).0 }
    }

    /// Makes the source, on the threads and the connection of whoever calls.
    pub(super) async fn make(&self, client: Client) -> Result<Source, ServeError> {
        let Self { config, cache, calls, made } = self;
        let source = SourceConfig {
            objects: Objects::Cluster(client),
            watch_credentials: config.watch_credentials,
            clients: config.clients.clone(),
            ambient: config.ambient,
            cache: Arc::clone(cache),
            calls: Arc::clone(calls),
        };
        let source = Source::new(source).await.map_err(|_| ServeError::NoRandom)?;
        made.send_replace(Some(source.clone()));
        Ok(source)
    }

    /// Waits for the source that another flow makes.
    pub(super) async fn made(&self) -> Source {
        let mut made = self.made.subscribe();
        match made.wait_for(Option::is_some).await.ok().and_then(|source| source.clone()) {
            Some(source) => source,
            None => std::future::pending().await, // the sender is this very object
        }
    }
}
