//! `make bench`: what a review costs over TLS, beside a server that decides nothing.
//!
//! Two servers run as child processes: the real `keyhatch serve`, and the baseline, which is this program
//! again on the same HTTP and TLS stack with a handler that reads `request.uid` and admits. Absolute numbers
//! say little on a machine that others use, too, so both are called in turn, with the same review, and the
//! bars are about the difference. CPU time is that of the server process alone; the load comes from here,
//! over HTTP/1.1 with keep-alive, which is what the API server speaks to webhooks.
//!
//! Before anything is measured, all reviews must be admitted without a word, and refused with one mistake.

#[path = "admission/baseline.rs"]
mod baseline;
#[path = "admission/load.rs"]
mod load;
#[path = "admission/report.rs"]
mod report;
#[path = "admission/reviews.rs"]
mod reviews;
#[path = "admission/servers.rs"]
mod servers;
#[path = "../tests/support.rs"]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use load::{Load, Sample};
use reviews::Review;
use servers::Servers;

/// Each server is called this long before it counts.
const WARM_UP: Duration = Duration::from_secs(1);

/// Measures admission; fails if it is slower or larger than it should be.
#[derive(Parser)]
struct Args {
    /// Succeed also when a bar is missed.
    #[arg(long)]
    no_bar: bool,
    /// How often each server is measured with each review.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long one measurement takes, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1500, value_parser = clap::value_parser!(u64).range(100..))]
    duration: u64,
    /// Cargo's own flag for benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Be the server that decides nothing.
    #[command(hide = true)]
    Baseline(baseline::Options),
}

/// Both servers with one review in one round.
struct Round {
    baseline: Sample,
    keyhatch: Sample,
}

/// All rounds of one review.
struct Case {
    review: &'static Review,
    rounds: Vec<Round>,
    /// Reading and deciding alone, without HTTP and TLS.
    in_process: Duration,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let ended = match &args.role {
        Some(Role::Baseline(options)) => baseline::serve(options).map(|()| true),
        None => run(&args),
    };
    match ended {
        Ok(is_met) if is_met || args.no_bar => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers whether all bars are met.
fn run(args: &Args) -> Result<bool, String> {
    eprintln!("starting keyhatch and the baseline");
    let servers = Servers::start()?;
    let expected = reviews::verify(&servers)?;
    eprintln!("all reviews are admitted, and refused with a mistake; warming up");
    let loads = reviews::ALL.iter().zip(expected).map(|(review, answers)| Load::new(review, answers));
    let loads: Vec<Load> = loads.collect();
    for load in &loads {
        load.run(&servers.baseline, WARM_UP)?;
        load.run(&servers.keyhatch, WARM_UP)?;
    }
    let mut cases = Vec::new();
    for review in &reviews::ALL {
        cases.push(Case { review, rounds: Vec::new(), in_process: reviews::decide_alone(review)? });
    }
    let duration = Duration::from_millis(args.duration);
    for number in 1..=args.rounds {
        for (case, load) in cases.iter_mut().zip(&loads) {
            eprintln!("round {number} of {}: {}", args.rounds, case.review.name);
            case.rounds.push(round(&servers, load, duration, number % 2 == 0)?);
        }
    }
    let resident = servers.keyhatch.memory()?;
    let bars = report::print(&cases, &resident);
    Ok(bars)
}

/// Which server comes first changes from round to round, so that a machine that slows down slows both.
fn round(servers: &Servers, load: &Load, duration: Duration, is_swapped: bool) -> Result<Round, String> {
    if is_swapped {
        let keyhatch = load.run(&servers.keyhatch, duration)?;
        return Ok(Round { baseline: load.run(&servers.baseline, duration)?, keyhatch });
    }
    let baseline = load.run(&servers.baseline, duration)?;
    Ok(Round { baseline, keyhatch: load.run(&servers.keyhatch, duration)? })
}
