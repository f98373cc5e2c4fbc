//! A time in which AWS throttles 30 % of all calls.

use std::time::{Duration, Instant};

use crate::bar::{Bar, Bound};
use crate::support::aws::fault::Fault;
use crate::world::{MINUTE, World};

const KEPT: usize = 50;
const PAUSE: Duration = Duration::from_millis(10);
/// So old may an answer be: a sidecar's shortest refresh would be ten times that.
const MAX_AGE: Option<Duration> = Some(Duration::from_secs(1));

/// Asks for kept and for new secrets all the time.
pub(crate) async fn minute(length: Duration) -> [Bar; 3] {
    let world = World::new().await;
    for number in 0..KEPT {
        world.account.secret(&format!("kept-{number}"), "value");
        world.get(&format!("kept-{number}"), MINUTE).await.expect("a value");
    }
    world.aws.forget_calls();
    world.aws.fault_everything(&Fault::Throttle { share: 0.3 });
    let (mut requests, mut failed_kept, mut failed_new) = (0, 0, 0);
    let started = Instant::now();
    while started.elapsed() < length {
        for number in 0..KEPT {
            failed_kept += u32::from(world.get(&format!("kept-{number}"), MAX_AGE).await.is_err());
        }
        let new = format!("new-{requests}");
        world.account.secret(&new, "value");
        failed_new += u32::from(world.get(&new, MINUTE).await.is_err());
        requests += KEPT + 1;
        tokio::time::sleep(PAUSE).await;
    }
    let calls = world.aws.calls().count();
    println!("30 % throttled for {} s: {requests} requests, {calls} calls", length.as_secs());
    [
        Bar {
            what: "30 % throttled: calls a request",
            unit: "calls",
            found: calls as f64 / requests as f64,
            bound: Bound::Most(1.0),
        },
        Bar {
            what: "  failures of what was kept",
            unit: "requests",
            found: f64::from(failed_kept),
            bound: Bound::Most(0.0),
        },
        Bar {
            what: "  failures of new secrets",
            unit: "requests",
            found: f64::from(failed_new),
            bound: Bound::Most(0.0),
        },
    ]
}
