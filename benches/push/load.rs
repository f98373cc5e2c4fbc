//! Many PushSecrets that are created at once, each with a Secret and a remote secret of its own.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::bar::{Bar, Bound};
use crate::memory_of;
use crate::support::aws::calls::Call;
use crate::support::aws::fault::Fault;
use crate::world::{World, entry, push, secret};

/// What each call to AWS takes.
const LATENCY: Duration = Duration::from_millis(10);

pub(crate) async fn at_once(count: usize) -> Vec<Bar> {
    let world = World::new().await;
    world.aws.fault_everything(&Fault::Latency(LATENCY));
    let name = |number: usize| format!("app-{number}");
    let source = |number| secret(&name(number), &json!({"password": format!("value-{number}")}));
    world.secrets((0..count).map(source).collect()).await;
    let installation = world.install();
    let looper = world.start(&installation).await;
    let started = Instant::now();
    let object = |number| push(&name(number), &name(number), "1h", &[entry("password", &name(number), "")]);
    world.pushes((0..count).map(object).collect()).await;
    let created = started.elapsed();
    world.synced(count + 1).await;
    let took = started.elapsed();
    let calls = world.quiet().await;
    let after = |call: Option<&Call>| call.map(|call| call.at.duration_since(started)).unwrap_or_default();
    let at_most = memory_of::kib("VmHWM:", looper.process.id()).expect("a process");
    println!("{count} PushSecrets, created in {created:.1?}: {:?}", calls.by_operation());
    println!("  called from {:.1?} to {:.1?}", after(calls.0.first()), after(calls.0.last()));
    let part = |name| memory_of::kib(name, looper.process.id()).expect("a process") / 1024;
    println!("  resident now: {} MiB of data, {} MiB of code", part("RssAnon:"), part("RssFile:"));
    let writes = calls.writes();
    vec![
        Bar {
            what: "PushSecrets that are created at once: all synced after",
            unit: "s",
            found: took.as_secs_f64(),
            bound: Bound::Most(30.0),
        },
        Bar {
            what: "  writes within any second",
            unit: "calls",
            found: writes.most_in_a_second() as f64,
            bound: Bound::Most(45.0),
        },
        Bar {
            what: "  writes of each remote secret",
            unit: "calls",
            found: writes.count() as f64 / count as f64,
            bound: Bound::Most(1.0),
        },
        Bar {
            what: "  resident at most",
            unit: "MiB",
            found: at_most as f64 / 1024.0,
            bound: Bound::Most(60.0),
        },
    ]
}
