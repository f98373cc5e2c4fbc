//! Loops: objects that say how something shall be, and what keeps it so.
//!
//! - [`push`](mod@push): PushSecrets
//! - [`external_secret`](mod@external_secret): ExternalSecrets
//! - [`fan_out`]: ClusterExternalSecrets and ClusterPushSecrets
//! - [`store`]: whether stores can be used
//!
//! What they stand on:
//!
//! - [`queue`]: which object is due, and who works on it
//! - [`turns`]: one at a time for what several objects share
//! - [`view`]: what more than one loop looks at; [`watched`]: objects, as a watch keeps them
//! - [`any_store`]: the two kinds of stores, as one
//! - [`credentials`]: where stores have theirs (pure)
//! - [`operator_metrics`]: what the operator's dashboards ask for
//! - [`damaged`]: what is told of objects that cannot be read
//! - [`conditions`]: what a status says (pure); [`write`](mod@write): statuses and finalizers, under the leader's guard

pub mod any_store;
pub mod conditions;
pub mod credentials;
pub mod damaged;
pub mod external_secret;
pub mod fan_out;
pub mod operator_metrics;
pub mod push;
pub mod queue;
pub mod store;
pub mod turns;
pub mod view;
pub mod watched;
pub mod write;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use kube::Client;

use crate::api::secret_store::Adopt;
use crate::health::Health;
use crate::leader::Guard;
use crate::source::Source;
use view::{Loops, View};

/// What every loop is given. Clones share everything.
#[derive(Clone)]
pub struct Context {
    /// The cluster.
    pub client: Client,
    /// Secrets of all stores.
    pub source: Source,
    /// The right to write.
    pub guard: Guard,
    /// Where troubles are told.
    pub health: Arc<Health>,
    /// What was chosen.
    pub settings: Settings,
    /// Our own namespace, where our own Secrets are.
    pub namespace: String,
    /// Whether we may list and watch ServiceAccounts.
    pub watch_accounts: bool,
    /// What queues count.
    pub queues: queue::Metrics,
    /// What is told under the operator's names.
    pub operator: operator_metrics::OperatorMetrics,
}

/// What loops depend on; made of flags.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose objects.
    pub adopt: Adopt,
    /// A key that changes all the time is pushed no more often than this.
    pub min_push_interval: Duration,
    /// Objects that are worked on at the same time, in each loop.
    pub workers: usize,
}

/// The Secret of our own namespace whose key makes tokens of pushes.
pub const PUSH_SECRET: &str = "keyhatch-push";

/// Runs all loops, for as long as we lead, until it is dropped.
pub async fn run(context: Context) {
    let view = View::default();
    let loops = Loops {
        stores: store::Loop::new(context.clone(), view.clone()),
        external_secrets: external_secret::Loop::new(context.clone(), view.clone()),
        push_secrets: push::Loop::new(context.clone(), view.clone()),
        fan_out: fan_out::Loops::new(context.clone(), &view),
    };
    tokio::join!(
        view.follow(&context, &loops).boxed(),
        loops.stores.run().boxed(),
        loops.external_secrets.run().boxed(),
        loops.push_secrets.run().boxed(),
        loops.fan_out.run().boxed(),
    );
}
