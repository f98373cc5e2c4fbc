//! `make bench`: what keeping ExternalSecrets costs, on a real API server with the fake AWS at ten milliseconds: calls to
//! AWS, time until all are ready, memory; a whole round of refreshes; the repair of what was edited by hand.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a broken environment ends the measurement")]

#[path = "bar.rs"]
mod bar;
#[path = "cluster.rs"]
mod cluster;
#[path = "memory_of.rs"]
mod memory_of;
#[path = "external/site.rs"]
mod site;
#[path = "../tests/support.rs"]
mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bar::{Bar, Bound};
use clap::Parser;
use serde_json::{Value, json};
use site::Site;

/// Measures the loop of ExternalSecrets; fails if it asks more, takes longer or is larger than it should.
#[derive(Parser)]
struct Args {
    /// Succeed also when a bar is missed.
    #[arg(long)]
    no_bar: bool,
    /// ExternalSecrets of the large cluster, ten to an AWS secret.
    #[arg(long, value_name = "N", default_value_t = 5000)]
    many: usize,
    /// Cargo's own flag for benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    bar::measure(args.no_bar, async {
        let mut bars = few().await.expect("two hundred ExternalSecrets");
        bars.extend(many(args.many).await.expect("many ExternalSecrets"));
        bars
    })
}

/// A leader has looked at everything by then.
const LOOKED_AT: Duration = Duration::from_secs(15);

fn most(what: &'static str, unit: &'static str, found: f64, most: f64) -> Bar {
    Bar { what, unit, found, bound: Bound::Most(most) }
}

/// An ExternalSecret of five secrets out of a hundred.
fn of_five(number: usize) -> Value {
    let entry = |index: usize| {
        let secret = (number * 5 + index) % 100;
        json!({"secretKey": format!("k{index}"), "remoteRef": {"key": format!("secret-{secret}"), "property": "password"}})
    };
    site::object(number, "1h", &(0..5).map(entry).collect::<Vec<_>>())
}

/// 200 ExternalSecrets that are created while the loop runs; then some are edited by hand.
async fn few() -> Result<Vec<Bar>, String> {
    const COUNT: usize = 200;
    let site = Site::start(100).await?;
    let looper = site.looper()?;
    let id = looper.process.id();
    site.aws.forget_calls();
    let began = Instant::now();
    cluster::create(&site.client, COUNT, of_five).await?;
    site.wait_synced(COUNT, None).await?;
    let took = began.elapsed();
    let (read, assumed, each) = site.calls();
    eprintln!("{COUNT} ExternalSecrets: {:?}", site.aws.calls().by_operation());
    let resident = memory_of::kib("VmHWM:", id)? as f64 / 1024.0;
    let mut slowest = Duration::ZERO;
    for number in 0..10 {
        slowest = slowest.max(site.edit(number).await?);
    }
    let (after, ..) = site.calls();
    Ok(vec![
        most("200 ExternalSecrets x 5 references: calls to AWS", "calls", read, 7.0),
        most("  of STS", "calls", assumed, 1.0),
        most("  times that each secret is fetched", "times", each, 1.0),
        most("  all are ready after", "s", took.as_secs_f64(), 4.0),
        most("  resident at most", "MiB", resident, 50.0),
        most("a Secret that was edited by hand is repaired after", "s", slowest.as_secs_f64(), 1.0),
        most("  calls to AWS for ten of them", "calls", after - read, 0.0),
    ])
}

/// An ExternalSecret of one secret, which ten of them read.
fn of_one(number: usize) -> Value {
    let entry = json!({"secretKey": "k", "remoteRef": {"key": format!("secret-{}", number / 10), "property": "password"}});
    site::object(number, "2m", &[entry])
}

/// Thousands that are there when the loop begins: their first round, and a round of refreshes.
async fn many(count: usize) -> Result<Vec<Bar>, String> {
    let site = Site::start(count / 10).await?;
    cluster::create(&site.client, count, of_one).await?;
    eprintln!("{count} ExternalSecrets are there");
    let began = Instant::now();
    let looper = site.looper()?;
    site.wait_synced(count, None).await?;
    let first = began.elapsed();
    let (read, ..) = site.calls();
    eprintln!("first round: {first:?}, {:?}", site.aws.calls().by_operation());
    site.aws.forget_calls();
    let (versions, times) = (site.versions().await?, site.refreshed().await?);
    site.wait_synced(count, Some(&times)).await?;
    let (again, ..) = site.calls();
    eprintln!("refreshed: {:?}", site.aws.calls().by_operation());
    let written = site.versions().await?.iter().filter(|version| !versions.contains(*version)).count();
    let resident = memory_of::kib("VmHWM:", looper.process.id())? as f64 / 1024.0;
    drop(looper);
    site.aws.forget_calls();
    let next = site.looper()?;
    site::wait_leads(&next).await?;
    // None is due for a minute and a half; whoever asked at once would have asked by then.
    tokio::time::sleep(LOOKED_AT).await;
    let (restarted, ..) = site.calls();
    eprintln!("restarted: {:?}", site.aws.calls().by_operation());
    Ok(vec![
        most("5,000 ExternalSecrets on 500 secrets, first round", "calls", read, 30.0),
        most("  a round of refreshes", "calls", again, 30.0),
        most("  Secrets written by it", "Secrets", written as f64, 0.0),
        most("  calls for values in the first 15 s after a restart", "calls", restarted, 0.0),
        most("  resident at most", "MiB", resident, 150.0),
    ])
}
