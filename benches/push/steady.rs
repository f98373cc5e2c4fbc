//! Remote secrets that are as they should be: what looking at them costs, interval after interval and after a restart.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bar::{Bar, Bound};
use crate::support::aws::calls::Calls;
use crate::world::{World, entry, push, secret};

/// Entries of one PushSecret.
const TOGETHER: usize = 50;
/// Every so many entries one has a resource policy, and another is a property.
const EVERY: usize = 10;
/// Intervals that are watched.
const INTERVALS: u32 = 3;

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Whole,
    Policy,
    Property,
}

pub(crate) async fn kept(entries: usize, interval: u64) -> Vec<Bar> {
    let world = World::new().await;
    let installation = world.install();
    let looper = world.start(&installation).await;
    let objects = furnish(&world, entries, interval).await;
    world.synced(objects + 1).await;
    world.quiet().await;
    world.aws.forget_calls();
    // Begins and ends where nothing is asked, so that each secret is met as often as any other.
    sleep(Duration::from_secs(interval) * INTERVALS).await;
    let steady = world.quiet().await;
    drop(looper);
    world.aws.forget_calls();
    let _looper = installation.start().expect("a loop");
    world.until("work to begin", async || world.aws.calls().count() >= entries).await;
    let restarted = world.quiet().await;
    println!("{entries} entries, {INTERVALS} intervals of {interval} s: {:?}", steady.by_operation());
    println!("  after a restart: {:?}", restarted.by_operation());
    let each = |calls: &Calls, sort, times: u32| most(calls, entries, sort) as f64 / f64::from(times);
    let bar = |what, found, most| Bar { what, unit: "calls", found, bound: Bound::Most(most) };
    vec![
        bar("nothing changed: calls per remote key and interval", each(&steady, Sort::Whole, INTERVALS), 1.0),
        bar("  of a key that is a property", each(&steady, Sort::Property, INTERVALS), 1.0),
        bar("  of a key with a resource policy", each(&steady, Sort::Policy, INTERVALS), 2.0),
        bar("  writes", steady.writes().count() as f64, 0.0),
        bar("after a restart: calls per remote key", each(&restarted, Sort::Whole, 1), 1.0),
        bar("  of a key that is a property", each(&restarted, Sort::Property, 1), 2.0),
        bar("  of a key with a resource policy", each(&restarted, Sort::Policy, 1), 2.0),
        bar("  writes", restarted.writes().count() as f64, 0.0),
    ]
}

/// Calls about the key of a sort that has the most.
fn most(calls: &Calls, entries: usize, sort: Sort) -> usize {
    let of_sort = (0..entries).filter(|number| self::sort(*number) == sort).map(remote);
    // Further calls name it by its ARN.
    let about = |name: &String| {
        let end = format!(":secret:{name}-");
        let is_about = |target: &str| target == name || target.contains(&end);
        calls.0.iter().filter(|call| is_about(&call.target)).count()
    };
    of_sort.map(|name| about(&name)).max().unwrap_or_default()
}

async fn furnish(world: &World, entries: usize, interval: u64) -> usize {
    let numbers: Vec<usize> = (0..entries).collect();
    let groups: Vec<&[usize]> = numbers.chunks(TOGETHER).collect();
    let name = |group: usize| format!("group-{group}");
    let source = |(group, numbers): (usize, &&[usize])| {
        let data =
            numbers.iter().map(|number| (format!("k{number}"), Value::from(format!("value-{number}"))));
        secret(&name(group), &Value::Object(data.collect()))
    };
    world.secrets(groups.iter().enumerate().map(source).collect()).await;
    let object = |(group, numbers): (usize, &&[usize])| {
        let entries: Vec<Value> = numbers.iter().map(|number| one(*number)).collect();
        push(&name(group), &name(group), &format!("{interval}s"), &entries)
    };
    world.pushes(groups.iter().enumerate().map(object).collect()).await;
    groups.len()
}

fn one(number: usize) -> Value {
    let (key, remote) = (format!("k{number}"), remote(number));
    match sort(number) {
        Sort::Whole => entry(&key, &remote, ""),
        Sort::Property => entry(&key, &remote, "password"),
        Sort::Policy => {
            let source = json!({"kind": "ConfigMap", "name": "policies", "key": "p"});
            let metadata = json!({"apiVersion": "kubernetes.external-secrets.io/v1alpha1",
                "kind": "PushSecretMetadata", "spec": {"resourcePolicy": {"policySourceRef": source}}});
            json!({"match": {"secretKey": key, "remoteRef": {"remoteKey": remote}}, "metadata": metadata})
        }
    }
}

fn remote(number: usize) -> String {
    format!("s{number}")
}

fn sort(number: usize) -> Sort {
    match number % EVERY {
        0 => Sort::Policy,
        1 => Sort::Property,
        _ => Sort::Whole,
    }
}
