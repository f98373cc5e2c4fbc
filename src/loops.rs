//! Loops: objects that say how something shall be, and what keeps it so.
//!
//! - [`push`](mod@push): PushSecrets
//! - [`external_secret`]: ExternalSecrets
//!
//! What they stand on:
//!
//! - [`queue`]: which object is due, and who works on it
//! - [`turns`]: one at a time for what several objects share
//! - [`watched`]: objects, as a watch keeps them
//! - [`conditions`]: what a status says (pure); [`write`](mod@write): statuses and finalizers, under the leader's guard

pub mod conditions;
pub mod external_secret;
pub mod push;
pub mod queue;
pub mod turns;
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
    /// What queues count.
    pub queues: queue::Metrics,
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
    tokio::join!(push::run(context.clone()).boxed(), external_secret::run(context).boxed());
}
