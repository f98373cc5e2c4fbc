//! The table, and whether each bar is met. All numbers are medians over the rounds.

use crate::load::{Sample, micros};
use crate::reviews;
use crate::servers::Memory;
use crate::{Case, Round};

/// The slowest review in a hundred takes at most so many times what one takes in the middle.
const TAIL: f64 = 5.0;
/// MiB that the server may have in memory at any time.
const RESIDENT: f64 = 25.0;

/// Prints everything; answers whether all bars are met.
pub(crate) fn print(cases: &[Case], resident: &Memory) -> bool {
    println!();
    println!(
        "{:30} {:>10} {:>11} {:>10} {:>10} {:>9} {:>9} {:>8}",
        "", "requests/s", "CPU/review", "- baseline", "x baseline", "p50", "p99", "p99/p50"
    );
    for case in cases {
        println!("{} ({} bytes; in process {:.1} µs)", case.review.name, case.review.body.len(), {
            micros(&case.in_process)
        });
        print_row("  baseline", case, |round| &round.baseline, "");
        let relative = format!(" {:>7.1} µs {:>10.2}", beyond(case), ratio(case));
        print_row("  keyhatch", case, |round| &round.keyhatch, &relative);
    }
    let (now, peak) = (mib(resident.now), mib(resident.peak));
    println!("\nkeyhatch has {now:.1} MiB in memory, and had {peak:.1} MiB at most\n");
    // All are printed: `all` alone would stop at the first that is missed.
    let met: Vec<bool> = bars(cases, peak).iter().map(Bar::print).collect();
    met.into_iter().all(|met| met)
}

fn print_row(name: &str, case: &Case, of: impl Fn(&Round) -> &Sample, relative: &str) {
    let median = |value: fn(&Sample) -> f64| median(case.rounds.iter().map(|round| value(of(round))));
    let (p50, p99) = (median(|sample| sample.p50), median(|sample| sample.p99));
    println!(
        "{name:30} {:>10.0} {:>8.1} µs{relative:21} {p50:>6.0} µs {p99:>6.0} µs {:>8.1}",
        median(|sample| sample.per_second),
        median(|sample| sample.cpu),
        p99 / p50,
    );
}

/// CPU time beyond the baseline. Each round is compared with itself, since rounds differ.
fn beyond(case: &Case) -> f64 {
    median(case.rounds.iter().map(|round| round.keyhatch.cpu - round.baseline.cpu))
}

fn in_all(case: &Case) -> f64 {
    median(case.rounds.iter().map(|round| round.keyhatch.cpu))
}

fn ratio(case: &Case) -> f64 {
    median(case.rounds.iter().map(|round| round.keyhatch.cpu / round.baseline.cpu))
}

fn tail(case: &Case) -> f64 {
    let median = |value: fn(&Sample) -> f64| median(case.rounds.iter().map(|round| value(&round.keyhatch)));
    median(|sample| sample.p99) / median(|sample| sample.p50)
}

struct Bar {
    what: String,
    unit: &'static str,
    found: f64,
    most: f64,
}

fn bars(cases: &[Case], peak: f64) -> Vec<Bar> {
    let cost = |case: &Case| {
        let name = case.review.name;
        let (what, found, most) = match &case.review.bar {
            reviews::Bar::Beyond(most) => (format!("{name}: CPU beyond the baseline"), beyond(case), most),
            reviews::Bar::InAll(most) => (format!("{name}: CPU in all"), in_all(case), most),
        };
        Bar { what, unit: "µs", found, most: micros(most) }
    };
    let tails = |case: &Case| Bar {
        what: format!("{}: p99", case.review.name),
        unit: "x p50",
        found: tail(case),
        most: TAIL,
    };
    let memory = Bar { what: "resident at most".to_owned(), unit: "MiB", found: peak, most: RESIDENT };
    cases.iter().map(cost).chain(cases.iter().map(tails)).chain([memory]).collect()
}

impl Bar {
    /// Answers whether it is met.
    fn print(&self) -> bool {
        let Self { what, unit, found, most } = self;
        let is_met = found <= most;
        let verdict = if is_met { "ok".to_owned() } else { format!("MISSED by {:.1} {unit}", found - most) };
        println!("{what:55} {found:>6.1} of {most:>4.0} {unit:5}  {verdict}");
        is_met
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    if values.len().is_multiple_of(2) {
        f64::midpoint(at(middle.saturating_sub(1)), at(middle))
    } else {
        at(middle)
    }
}
