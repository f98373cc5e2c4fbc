//! `make bench`: what secrets cost: calls to AWS, time of an answer that is kept, bytes of what is kept.
//!
//! The AWS is the fake of the tests, in this process. It counts calls and takes a fixed time for each, so that the
//! numbers are ratios that hold anywhere; only the time of a kept answer is absolute.

#![allow(clippy::expect_used, reason = "a broken environment ends the measurement")]

#[path = "bar.rs"]
mod bar;
#[path = "source/kept.rs"]
mod kept;
#[path = "source/sharing.rs"]
mod sharing;
#[path = "../tests/support.rs"]
mod support;
#[path = "source/throttled.rs"]
mod throttled;
#[path = "source/world.rs"]
mod world;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

/// Measures the source of secrets; fails if it asks more, takes longer or is larger than it should.
#[derive(Parser)]
struct Args {
    /// Succeed also when a bar is missed.
    #[arg(long)]
    no_bar: bool,
    /// How long AWS throttles, in seconds.
    #[arg(long, value_name = "S", default_value_t = 60)]
    throttled: u64,
    /// Cargo's own flag for benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    bar::measure(args.no_bar, async {
        // Memory first: later measurements leave some behind.
        let mut bars = vec![kept::memory().await];
        bars.extend(kept::hits().await);
        bars.extend(sharing::cold().await);
        bars.push(sharing::hang_ups().await);
        bars.extend(throttled::minute(Duration::from_secs(args.throttled)).await);
        bars
    })
}
