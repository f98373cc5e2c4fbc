//! Feeds random and mutated input to admission and to `check` for as long as one likes: `make fuzz`.
//!
//! The same inputs as in `tests/it/fuzz.rs`, and many more of them. Fails on a panic, on an input that takes
//! too long, and on a broken promise; `--only` makes one of its inputs again.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a broken test environment ends the run"
)]

#[path = "campaign.rs"]
mod campaign;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use campaign::{LIMIT, Plan, Summary};
use clap::Parser;

/// Fuzzes admission and `check`.
#[derive(Parser)]
struct Args {
    /// How many inputs.
    #[arg(long, default_value_t = 1_000_000)]
    count: u64,
    /// Where the stream of inputs begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run this input alone, and write it to input.bin.
    #[arg(long)]
    only: Option<u64>,
    /// Only pods and what makes them.
    #[arg(long)]
    pods: bool,
    /// Leave out the large inputs that come first.
    #[arg(long)]
    skip_large: bool,
    /// Run only the large inputs whose name contains this.
    #[arg(long, default_value = "")]
    large: String,
    /// The size of a large input, in bytes.
    #[arg(long, default_value_t = 1_400_000)]
    size: usize,
    /// How long a large input may take, in milliseconds.
    #[arg(long, default_value_t = LIMIT.as_millis() as u64)]
    limit: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let plan = Plan {
        only_pods: args.pods,
        seed: args.seed,
        first: args.only.unwrap_or(0),
        count: args.only.map_or(args.count, |_| 1),
        threads: thread::available_parallelism().map_or(1, |threads| threads.get() as u64),
    };
    if args.only.is_some() {
        campaign::write_input(plan, &PathBuf::from("input.bin")).expect("a writable folder");
    }
    let mut is_good = true;
    if !args.skip_large && args.only.is_none() {
        is_good &= large(&args.large, args.size, Duration::from_millis(args.limit));
    }
    is_good &= random(plan);
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn large(named: &str, size: usize, limit: Duration) -> bool {
    let started = Instant::now();
    let (mut count, mut failures, mut slowest) = (0, 0, (Duration::ZERO, String::new()));
    for (name, input) in campaign::large::inputs(named, size) {
        count += 1;
        let outcome = campaign::run_large(&input);
        let error = match outcome {
            Ok(took) if took <= limit => {
                slowest = slowest.max((took, name));
                continue;
            }
            Ok(took) => format!("took {took:?}"),
            Err(error) => error,
        };
        failures += 1;
        println!("FAILED {name} ({} bytes): {error}", input.bytes().len());
    }
    println!("{count} large reviews in {:.1?}, {failures} failures", started.elapsed());
    println!("slowest but for those: {} took {:?}, {limit:?} allowed", slowest.1, slowest.0);
    failures == 0
}

fn random(plan: Plan) -> bool {
    let (started, done) = (Instant::now(), AtomicU64::new(0));
    println!("seed {}: {} inputs on {} threads", plan.seed, plan.count, plan.threads);
    let summary = campaign::run(plan, &|more| {
        let done = done.fetch_add(more, Ordering::Relaxed) + more;
        if done.is_multiple_of(50_000) {
            println!("{done} inputs, {:.0} s", started.elapsed().as_secs_f64());
        }
    });
    let Summary { inputs, reached, refused, took: tested, slowest: (took, index), failures } = summary;
    for (count, first) in failures.values() {
        println!("FAILED {count} times, first by {first}\n");
    }
    let share = reached * 100 / inputs.max(1);
    println!(
        "{inputs} inputs in {:.1?}: {reached} ({share} %) reached a validator, {refused} were refused",
        started.elapsed()
    );
    println!("{tested:.1?} of all threads went into the code that is tested");
    println!("slowest: input {index} took {took:?}, {LIMIT:?} allowed; {} failures", failures.len());
    failures.is_empty()
}
