//! Many pods that start at once, and many that ask for what is kept. The server is the real one, with a real API server
//! behind it, tokens that it issued, and the fake AWS.

#![allow(clippy::expect_used, reason = "a broken environment ends the measurement")]

#[path = "broker/client.rs"]
mod client;
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

/// Something that was measured, and the most or the least that it may be.
pub(crate) struct Bar {
    what: &'static str,
    unit: &'static str,
    found: f64,
    bound: Bound,
}

/// On which side of the bar the good ones are.
pub(crate) enum Bound {
    Most(f64),
    Least(f64),
}

impl Bar {
    /// Answers whether it is met.
    fn print(&self) -> bool {
        let Self { what, unit, found, bound } = self;
        let (is_met, side, bound) = match bound {
            Bound::Most(most) => (found <= most, "at most", most),
            Bound::Least(least) => (found >= least, "at least", least),
        };
        let verdict = if is_met { "ok" } else { "MISSED" };
        println!("{what:56} {found:>9.2} {side:>8} {bound:>7.1} {unit:10} {verdict}");
        is_met
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    let bars = runtime.block_on(async {
        let world = World::new(args.pods, args.secrets).await;
        let mut bars = load::cold(&world).await;
        bars.extend(load::warm(&world).await);
        bars
    });
    // All are printed: `all` alone would stop at the first that is missed.
    let met: Vec<bool> = bars.iter().map(Bar::print).collect();
    if args.no_bar || met.into_iter().all(|met| met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
