//! Many who ask at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::bar::{Bar, Bound};
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::world::{MINUTE, World};

/// What each call takes.
const LATENCY: Duration = Duration::from_millis(200);

fn slow(world: &World) {
    for operation in [Operation::GetSecretValue, Operation::BatchGetSecretValue, Operation::AssumeRole] {
        world.aws.fault(operation, Fault::Latency(LATENCY));
    }
}

/// Two hundred consumers of five references each, over a hundred secrets, with nothing kept.
pub(crate) async fn cold() -> [Bar; 4] {
    let world = Arc::new(World::new().await);
    for number in 0..100 {
        world.account.secret(&format!("s-{number}"), "value");
    }
    slow(&world);
    let started = Instant::now();
    let mut consumers = JoinSet::new();
    for number in 0..1000 {
        let world = Arc::clone(&world);
        consumers.spawn(async move { world.get(&format!("s-{}", number % 100), MINUTE).await.is_ok() });
    }
    let failed = consumers.join_all().await.iter().filter(|is_ok| !**is_ok).count();
    let took = started.elapsed().as_secs_f64() / LATENCY.as_secs_f64();
    let calls = world.aws.calls();
    let sessions = calls.of("AssumeRole").count();
    let what = "200 consumers x 5 references over 100 secrets, cold";
    [
        Bar { what, unit: "calls", found: (calls.count() - sessions) as f64, bound: Bound::Most(7.0) },
        Bar { what: "  of STS", unit: "calls", found: sessions as f64, bound: Bound::Most(1.0) },
        Bar { what: "  until all have their values", unit: "x a call", found: took, bound: Bound::Most(4.0) },
        Bar { what: "  that failed", unit: "requests", found: failed as f64, bound: Bound::Most(0.0) },
    ]
}

/// A thousand who ask for one secret and hang up.
pub(crate) async fn hang_ups() -> Bar {
    let world = Arc::new(World::new().await);
    world.account.secret("db", "value");
    slow(&world);
    let mut asking = JoinSet::new();
    for _ in 0..1000 {
        let world = Arc::clone(&world);
        asking.spawn(async move {
            let _ = tokio::time::timeout(Duration::from_millis(1), world.get("db", MINUTE)).await;
        });
    }
    asking.join_all().await;
    let answer = world.get("db", MINUTE).await;
    let calls = world.aws.calls().of("GetSecretValue").count();
    let found = if answer.is_ok() { calls as f64 } else { f64::INFINITY };
    Bar {
        what: "1,000 misses on one secret, all hanging up after 1 ms",
        unit: "calls",
        found,
        bound: Bound::Most(1.0),
    }
}
