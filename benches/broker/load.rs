//! The load: everybody once at the same time, and then a few connections with one question after the other.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::bar::{Bar, Bound};
use crate::client::Address;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::world::World;

/// What each call to AWS takes.
const LATENCY: Duration = Duration::from_millis(100);
const CONNECTIONS: usize = 8;
/// How often each pod asks: within what one pod may ask at once.
const ROUNDS: usize = 8;
/// Of the kernel's clock of CPU time.
const TICKS: f64 = 100.0;

/// All pods start at once, with nothing kept.
pub(crate) async fn cold(world: &World) -> Vec<Bar> {
    for operation in [Operation::GetSecretValue, Operation::BatchGetSecretValue] {
        world.aws.fault(operation, Fault::Latency(LATENCY));
    }
    let address = Address::new(&world.broker.address, &world.broker.certificates.ca_file);
    let started = Instant::now();
    let mut asking = JoinSet::new();
    for token in &world.tokens {
        let (token, address) = (Arc::clone(token), address.clone());
        asking.spawn(async move {
            let status = match address.connect().await {
                Ok(mut connection) => connection.ask(&token).await.unwrap_or_default(),
                Err(_) => 0,
            };
            (status, started.elapsed())
        });
    }
    let ended = asking.join_all().await;
    let failed = ended.iter().filter(|(status, _)| *status != 200).count();
    let mut took: Vec<f64> = ended.iter().map(|(_, took)| took.as_secs_f64()).collect();
    took.sort_by(f64::total_cmp);
    let calls = world.aws.calls();
    let fetched: usize = calls.0.iter().map(|call| call.target.split(',').count()).sum();
    let p99 = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    println!("{} pods on {} secrets: {:?}", world.tokens.len(), world.secrets, calls.by_operation());
    vec![
        Bar {
            what: "pods that start at once: not answered",
            unit: "pods",
            found: failed as f64,
            bound: Bound::Most(0.0),
        },
        Bar { what: "  calls to AWS", unit: "calls", found: calls.count() as f64, bound: Bound::Most(12.0) },
        Bar {
            what: "  times that each secret is fetched",
            unit: "times",
            found: fetched as f64 / world.secrets as f64,
            bound: Bound::Most(1.0),
        },
        Bar { what: "  99 of 100 have their answer after", unit: "s", found: p99, bound: Bound::Most(3.0) },
    ]
}

/// Everything is kept, and connections, too.
pub(crate) async fn warm(world: &World) -> Vec<Bar> {
    let address = Address::new(&world.broker.address, &world.broker.certificates.ca_file);
    let tokens: Vec<Vec<Arc<str>>> = (0..CONNECTIONS)
        .map(|first| world.tokens.iter().skip(first).step_by(CONNECTIONS).cloned().collect())
        .collect();
    let before = cpu(world);
    let started = Instant::now();
    let mut asking = JoinSet::new();
    for tokens in tokens {
        let address = address.clone();
        asking.spawn(async move {
            let mut connection = address.connect().await.expect("the broker listens");
            let (mut answered, mut failed) = (0_u32, 0_u32);
            for token in (0..ROUNDS).flat_map(|_| &tokens) {
                match connection.ask(token).await {
                    Ok(200) => answered += 1,
                    Ok(_) | Err(_) => failed += 1,
                }
            }
            (answered, failed)
        });
    }
    let ended = asking.join_all().await;
    let wall = started.elapsed().as_secs_f64();
    let answered = f64::from(ended.iter().map(|(answered, _)| answered).sum::<u32>());
    let failed = f64::from(ended.iter().map(|(_, failed)| failed).sum::<u32>());
    let cpu = cpu(world) - before;
    println!("{answered} kept answers in {wall:.1} s, {cpu:.2} s of CPU");
    vec![
        Bar { what: "kept answers: not given", unit: "answers", found: failed, bound: Bound::Most(0.0) },
        Bar {
            what: "  a second of one core",
            unit: "answers",
            found: answered / cpu.max(0.01),
            bound: Bound::Least(3000.0),
        },
    ]
}

/// Seconds of CPU that the broker's process has used.
fn cpu(world: &World) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", world.broker.id())).unwrap_or_default();
    // Behind the name, which may have spaces: utime and stime are the 14th and 15th field.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS
}
