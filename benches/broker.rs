//! Many pods that start at once, many that ask for what is kept, and strangers that flood the broker. The server is the real one, with a real API server
//! behind it, tokens that it issued, and the fake AWS.

#![allow(clippy::expect_used, reason = "a broken environment ends the measurement")]

#[path = "bar.rs"]
mod bar;
#[path = "broker/client.rs"]
mod client;
#[path = "broker/flood.rs"]
mod flood;
#[path = "broker/load.rs"]
mod load;
#[path = "../tests/support.rs"]
mod support;
#[path = "broker/world.rs"]
mod world;

use std::process::ExitCode;

use clap::Parser;

use world::World;

/// Measures the broker; fails if it asks AWS more, takes longer or answers less than it should.
#[derive(Parser)]
pub(crate) struct Args {
    /// Succeed also when a bar is missed.
    #[arg(long)]
    no_bar: bool,
    /// Pods that start at once.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pods: usize,
    /// Secrets that they share.
    #[arg(long, value_name = "N", default_value_t = 50)]
    secrets: usize,
    /// Cargo's own flag for benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    bar::measure(args.no_bar, async {
        let world = World::new(args.pods, args.secrets).await;
        let mut bars = load::cold(&world).await;
        bars.extend(load::warm(&world).await);
        bars.extend(flood::flood(&world).await);
        bars
    })
}
