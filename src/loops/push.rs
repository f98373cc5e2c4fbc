//! PushSecrets, kept pushed: each by itself, from what it names to its status.
//!
//! ```text
//! follow: watches ─▶ queue ─▶ reconcile: stores, Secrets ─▶ one: wanted ─▶ examine ─▶ apply ─▶ status
//! ```
//!
//! Only stores that are ours count, and only PushSecrets that name one; all others are somebody else's.

mod affected;
mod apply;
mod audit;
mod begin;
mod damaged;
mod error;
mod examine;
mod follow;
mod key;
mod memory;
mod one;
mod preview;
mod reconcile;
mod secret;
mod sources;
mod status;
mod store_finalizer;
mod stores;

pub use preview::preview;

use std::time::Duration;

use tracing::warn;

use super::Context;
use super::turns::Turns;
use crate::events::Events;
use follow::Follower;
use memory::Memory;
use reconcile::Pusher;

/// After a failure to begin, the next try.
const PAUSE: Duration = Duration::from_secs(5);

/// Keeps PushSecrets pushed while we lead, until it is dropped. It begins with nothing known: whatever changed while
/// another led is found out.
pub async fn run(context: Context) {
    let Context { client, source, guard, settings, namespace, .. } = context.clone();
    let tokens = loop {
        match key::tokens(&client, &guard, &namespace).await {
            Ok(tokens) => break tokens,
            Err(error) => warn!(%error, "nothing is pushed yet"),
        }
        tokio::time::sleep(PAUSE).await;
    };
    let pusher = Pusher {
        events: Events::start(client.clone(), "keyhatch.dev/push", Some(guard.clone())),
        client,
        source,
        guard,
        tokens,
        memory: Memory::new(settings.min_push_interval),
        turns: Turns::default(),
        adopt: settings.adopt,
    };
    Follower::new(context, pusher).follow().await;
}
