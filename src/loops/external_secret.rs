//! ExternalSecrets, kept as Secrets: each by itself, from what it names to its status.
//!
//! ```text
//! follow: watches ─▶ queue ─▶ reconcile: whose, due ─▶ rounds: fetched together ─▶ fetch: values ─▶ target ─▶ secret ─▶ status
//! ```
//!
//! Only ExternalSecrets whose stores are ours count; all others are somebody else's.

mod audit;
mod error;
mod fetch;
mod follow;
mod memory;
mod reconcile;
mod rounds;
mod secret;
mod status;
mod stores;
mod tell;

use super::Context;
use crate::events::Events;
use follow::Follower;
use memory::Memory;
use reconcile::Keeper;
use rounds::Rounds;
use stores::Known;

/// Keeps ExternalSecrets while we lead, until it is dropped. Secrets that are as they were written are left alone until
/// their time comes, whoever wrote them.
pub async fn run(context: Context) {
    let keeper = Keeper {
        events: Events::start(
            context.client.clone(),
            "keyhatch.dev/external-secret",
            Some(context.guard.clone()),
        ),
        client: context.client.clone(),
        source: context.source.clone(),
        guard: context.guard.clone(),
        known: Known::new(context.settings.adopt),
        rounds: Rounds::default(),
        memory: Memory::default(),
        operator: context.operator.clone(),
    };
    Follower::new(context, keeper).follow().await;
}
