//! `make bench`: what PushSecrets cost: calls to AWS where nothing changed, many changes at once, many PushSecrets at once,
//! and how soon a change of a Secret is at AWS. The server is the real one with the manifests' rights, before a real API
//! server and the fake AWS.

#![allow(clippy::expect_used, reason = "a broken environment ends the measurement")]

#[path = "bar.rs"]
mod bar;
#[path = "push/changes.rs"]
mod changes;
#[path = "push/load.rs"]
mod load;
#[path = "memory_of.rs"]
mod memory_of;
#[path = "push/steady.rs"]
mod steady;
#[path = "../tests/support.rs"]
mod support;
#[path = "push/world.rs"]
mod world;

use std::process::ExitCode;

use clap::Parser;

/// Measures the loop of PushSecrets; fails if it asks AWS more, takes longer or is larger than it should.
#[derive(Parser)]
pub(crate) struct Args {
    /// Succeed also when a bar is missed.
    #[arg(long)]
    no_bar: bool,
    /// PushSecrets that are created at once.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pushes: usize,
    /// Remote secrets that are kept while nothing changes.
    #[arg(long, value_name = "N", default_value_t = 500)]
    entries: usize,
    /// Properties of one secret that change at once.
    #[arg(long, value_name = "N", default_value_t = 50)]
    properties: usize,
    /// The refreshInterval of what is kept, in seconds.
    #[arg(long, value_name = "S", default_value_t = 10)]
    interval: u64,
    /// Cargo's own flag for benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    bar::measure(args.no_bar, async {
        let mut bars = load::at_once(args.pushes).await;
        bars.extend(steady::kept(args.entries, args.interval).await);
        bars.extend(changes::properties(args.properties).await);
        bars.extend(changes::soon().await);
        bars
    })
}
