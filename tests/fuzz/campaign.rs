//! Many inputs, each with the panics that it causes caught and its time taken.
//!
//! Input `n` of a seed is always the same one, whatever the number of threads.
#![allow(dead_code, reason = "the test and the program use their own parts of this")]

mod judge;
mod judge_pods;
pub(crate) mod large;
mod large_pods;
mod mutate;
mod pods;
mod random;
mod reviews;
mod seeds;
mod words;
mod yaml;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use keyhatch::facts::Facts;

use judge::Verdict;
use random::Random;
use seeds::Seeds;

/// An input may take this long; debug builds are about ten times slower.
pub(crate) const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 250 });
/// Of so many inputs one is a YAML file, one a pod and one an object that makes pods.
const KINDS: u64 = 10;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Whether pods and what makes them are all there is.
    pub(crate) only_pods: bool,
    pub(crate) seed: u64,
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) threads: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) inputs: u64,
    pub(crate) reached: u64,
    pub(crate) refused: u64,
    /// Time in the code that is tested; the rest goes into making inputs.
    pub(crate) took: Duration,
    pub(crate) slowest: (Duration, u64),
    /// By what went wrong, without its numbers: how often, and the first of them.
    pub(crate) failures: BTreeMap<String, (u64, String)>,
}

impl Summary {
    fn add(&mut self, other: Self) {
        self.inputs += other.inputs;
        self.reached += other.reached;
        self.refused += other.refused;
        self.took += other.took;
        self.slowest = self.slowest.max(other.slowest);
        for (class, (count, first)) in other.failures {
            self.failures.entry(class).or_insert((0, first)).0 += count;
        }
    }

    fn fail(&mut self, error: &str, example: String) {
        let class = error.replace(|c: char| c.is_ascii_digit() || c == '.', "");
        self.failures.entry(class).or_insert((0, example)).0 += 1;
    }
}

/// Runs all inputs of a plan; `progress` hears of every thousand inputs of a thread.
pub(crate) fn run(plan: Plan, progress: &(dyn Fn(u64) + Sync)) -> Summary {
    let (seeds, next) = (Seeds::read(), AtomicU64::new(plan.first));
    let mut summary = Summary::default();
    thread::scope(|scope| {
        let work = |number| {
            let (seeds, next) = (&seeds, &next);
            move || worker(plan, number, seeds, next, progress)
        };
        let threads: Vec<_> = (0..plan.threads).map(|number| scope.spawn(work(number))).collect();
        for thread in threads {
            summary.add(thread.join().expect("what an input does is caught"));
        }
    });
    summary
}

fn worker(plan: Plan, number: u64, seeds: &Seeds, next: &AtomicU64, progress: &dyn Fn(u64)) -> Summary {
    let mut summary = Summary::default();
    let file = env::temp_dir().join(format!("keyhatch-fuzz-{}-{}-{number}.yaml", process::id(), plan.seed));
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= plan.first + plan.count {
            drop(fs::remove_file(&file));
            return summary;
        }
        one(plan, index, seeds, &file, &mut summary);
        if summary.inputs.is_multiple_of(1_000) {
            progress(1_000);
        }
    }
}

fn one(plan: Plan, index: u64, seeds: &Seeds, file: &Path, summary: &mut Summary) {
    let input = Input::new(plan, index, seeds);
    let none = Facts::default();
    let facts = match input {
        Input::Pod(_) | Input::Workload(_) => &seeds.pods.facts,
        Input::Review(_) | Input::File(..) => &seeds.facts,
    };
    let outcome = input.run(file, if (index / KINDS).is_multiple_of(2) { &none } else { facts });
    summary.inputs += 1;
    summary.took += outcome.took;
    summary.slowest = summary.slowest.max((outcome.took, index));
    match outcome.verdict {
        Ok(verdict) => {
            summary.reached += u64::from(verdict.is_reached);
            summary.refused += u64::from(verdict.is_refused);
        }
        Err(error) => {
            summary.fail(&error, format!("input {index} of seed {}: {error}\n{}", plan.seed, input.shown()));
        }
    }
}

/// The bytes that are tried.
pub(crate) enum Input {
    Review(Vec<u8>),
    Pod(Vec<u8>),
    Workload(Vec<u8>),
    /// With the form in which the outcome is printed.
    File(Vec<u8>, u64),
}

struct Outcome {
    verdict: Result<Verdict, String>,
    took: Duration,
}

impl Input {
    fn new(plan: Plan, index: u64, seeds: &Seeds) -> Self {
        let mut random = Random::of_input(plan.seed, index);
        let kind = if plan.only_pods { 7 + index % 2 } else { index % KINDS };
        match kind {
            9 => Self::File(yaml::text(seeds, &mut random), random.next() % 20),
            8 => Self::Workload(pods::review(&seeds.pods, false, &mut random)),
            7 => Self::Pod(pods::review(&seeds.pods, true, &mut random)),
            _ => Self::Review(reviews::review(seeds, &mut random)),
        }
    }

    /// What is sent, or stands in the file.
    pub(crate) fn bytes(&self) -> &[u8] {
        let (Self::Review(bytes) | Self::Pod(bytes) | Self::Workload(bytes) | Self::File(bytes, _)) = self;
        bytes
    }

    /// Tries again what was a little too slow: another process may have had the processor.
    fn run(&self, file: &Path, facts: &Facts) -> Outcome {
        let mut outcome = self.run_once(file, facts);
        for _ in 0..2 {
            if outcome.took <= LIMIT || outcome.took > 4 * LIMIT || outcome.verdict.is_err() {
                break;
            }
            outcome.took = outcome.took.min(self.run_once(file, facts).took);
        }
        if outcome.took > LIMIT && outcome.verdict.is_ok() {
            outcome.verdict = Err(format!("took {:?}", outcome.took));
        }
        outcome
    }

    fn run_once(&self, file: &Path, facts: &Facts) -> Outcome {
        if let Self::File(text, _) = self {
            fs::write(file, text).expect("a writable temporary folder");
        }
        let started = Instant::now();
        let mut took = None;
        let verdict = catch_unwind(AssertUnwindSafe(|| match self {
            Self::Review(body) => judge::judge_review(body, facts),
            Self::Pod(body) => judge_pods::judge_pod(body, facts, &mut took),
            Self::Workload(body) => judge_pods::judge_workload(body, facts, &mut took),
            Self::File(_, form) => judge::judge_file(file, *form),
        }));
        let took = took.unwrap_or_else(|| started.elapsed());
        let panicked = |panic: Box<dyn std::any::Any + Send>| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(format!(
                "panicked: {}",
                text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
            ))
        };
        Outcome { verdict: verdict.unwrap_or_else(panicked), took }
    }

    fn shown(&self) -> String {
        let text = String::from_utf8_lossy(self.bytes());
        let start: String = text.chars().take(3_000).collect();
        format!("{start}\n({} bytes)", self.bytes().len())
    }
}

/// Makes an input and writes it to a file, to look at.
pub(crate) fn write_input(plan: Plan, to: &PathBuf) -> std::io::Result<()> {
    fs::write(to, Input::new(plan, plan.first, &Seeds::read()).bytes())
}

/// Decides one review as a worker does, and answers how long it took.
pub(crate) fn run_large(input: &Input) -> Result<Duration, String> {
    let outcome = input.run(Path::new(""), &Facts::default());
    outcome.verdict.map(|_| outcome.took)
}
