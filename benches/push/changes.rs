//! Changes of Secrets: many properties of one remote secret at once, and how soon a change is at AWS.

use std::time::Instant;

use serde_json::Value;

use crate::bar::{Bar, Bound};
use crate::world::{World, entry, push, secret};

/// How often a Secret is changed: fewer times than a remote secret may change in a burst.
const SAMPLES: usize = 15;

/// All properties of one secret change at once.
pub(crate) async fn properties(count: usize) -> Vec<Bar> {
    let world = World::new().await;
    let installation = world.install();
    let _looper = world.start(&installation).await;
    let key = |number: usize| format!("p{number}");
    let data = |text: &str| {
        let member = |number| (key(number), Value::from(format!("{text}-{number}")));
        Value::Object((0..count).map(member).collect())
    };
    world.secrets(vec![secret("app", &data("old"))]).await;
    let entries: Vec<Value> = (0..count).map(|number| entry(&key(number), "doc", &key(number))).collect();
    world.pushes(vec![push("app", "app", "1h", &entries)]).await;
    world.synced(2).await;
    world.quiet().await;
    world.aws.forget_calls();
    let versions = || world.account.look("doc").expect("a secret").versions.len();
    let before = versions();
    world.change("app", &data("new")).await;
    world.until("a new version", async || versions() > before).await;
    let calls = world.quiet().await;
    println!("{count} properties of one secret changed at once: {:?}", calls.by_operation());
    let bar =
        |what, unit, found: usize, most| Bar { what, unit, found: found as f64, bound: Bound::Most(most) };
    vec![
        bar("properties that change at once: versions", "versions", versions() - before, 1.0),
        bar("  calls", "calls", calls.count(), 4.0),
    ]
}

/// From the request that changes a Secret to the call that puts its value.
pub(crate) async fn soon() -> Vec<Bar> {
    let world = World::new().await;
    let installation = world.install();
    let _looper = world.start(&installation).await;
    let data = |number: usize| serde_json::json!({"password": format!("value-{number}")});
    world.secrets(vec![secret("app", &data(0))]).await;
    world.pushes(vec![push("app", "app", "1h", &[entry("password", "app", "")])]).await;
    world.synced(2).await;
    let mut took = Vec::new();
    for number in 1..=SAMPLES {
        world.quiet().await;
        let changed = world.change("app", &data(number)).await;
        let put =
            || world.aws.calls().of("PutSecretValue").0.iter().map(|call| call.at).find(|at| *at > changed);
        world.until("the value to be put", async || put().is_some()).await;
        let at: Instant = put().expect("a call");
        took.push(at.duration_since(changed).as_secs_f64());
    }
    took.sort_by(f64::total_cmp);
    let half = took.get(took.len() / 2).copied().unwrap_or_default();
    println!("from a Secret's change to PutSecretValue: half of {SAMPLES} within {:.0} ms", half * 1000.0);
    vec![Bar {
        what: "a Secret changes: PutSecretValue at the latest after",
        unit: "s",
        found: took.last().copied().unwrap_or(f64::INFINITY),
        bound: Bound::Most(1.0),
    }]
}
