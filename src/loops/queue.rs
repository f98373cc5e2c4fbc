//! A queue of keys that have to be worked on: by several workers, each key by one at a time, again when it was asked for
//! meanwhile, later and later when it fails.

mod schedule;

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::jitter::jittered;
pub use schedule::Outcome;
use schedule::Schedule;

/// A queue; clones are the same queue.
#[derive(Debug)]
pub struct Queue<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    schedule: Mutex<Schedule<K>>,
    changed: Notify,
    depth: Gauge,
    retries: Counter,
}

impl<K> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What all queues count. Labels are names of loops, never of objects.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    depth: Family<LoopLabels, Gauge>,
    retries: Family<LoopLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoopLabels {
    r#loop: &'static str,
}

impl Metrics {
    /// Makes its counters known to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let Self { depth, retries } = self;
        registry.register("loop_queue_depth", "Objects that are due and wait for a worker", depth.clone());
        registry.register("loop_retries", "Objects that failed and are tried again", retries.clone());
    }
}

impl<K: Clone + Debug + Eq + Hash + Send + Sync + 'static> Queue<K> {
    /// An empty queue of a loop.
    pub fn new(name: &'static str, metrics: &Metrics) -> Self {
        let labels = LoopLabels { r#loop: name };
        Self(Arc::new(Inner {
            schedule: Mutex::default(),
            changed: Notify::new(),
            depth: metrics.depth.get_or_create_owned(&labels),
            retries: metrics.retries.get_or_create_owned(&labels),
        }))
    }

    /// Wants a key to be worked on as soon as possible.
    pub fn add(&self, key: K) {
        self.add_after(key, Duration::ZERO);
    }

    /// Wants a key to be worked on after a while; sooner if that is wanted, too.
    pub fn add_after(&self, key: K, pause: Duration) {
        let now = Instant::now();
        let mut schedule = self.lock();
        schedule.add(key, now + pause, now);
        self.tell_depth(&mut schedule, now);
        drop(schedule);
        self.0.changed.notify_one();
    }

    /// Works on whatever is due, until it is dropped: so many at a time, each with what `with` has. A worker that panics
    /// takes its key for failed.
    pub async fn run<W, F>(
        &self,
        workers: usize,
        with: W,
        work: impl Fn(W, K) -> F + Copy + Send + Sync + 'static,
    ) where
        W: Clone + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send,
    {
        let worker = || {
            let (queue, with) = (self.clone(), with.clone());
            async move {
                loop {
                    let mut working = queue.next().await;
                    working.outcome = work(with.clone(), working.key.clone()).await;
                }
            }
        };
        let mut running = JoinSet::new();
        (0..workers).for_each(|_| drop(running.spawn(worker())));
        while running.join_next().await.is_some() {
            running.spawn(worker());
        }
    }

    async fn next(&self) -> Working<K> {
        loop {
            let changed = self.0.changed.notified();
            let due = {
                let now = Instant::now();
                let mut schedule = self.lock();
                if let Some(key) = schedule.next(now) {
                    // One notice may have stood for several keys.
                    if self.tell_depth(&mut schedule, now) > 0 {
                        self.0.changed.notify_one();
                    }
                    return Working { queue: self.clone(), key, outcome: Outcome::Failed };
                }
                schedule.next_due()
            };
            tokio::select! {
                () = changed => {}
                () = until(due) => {}
            }
        }
    }

    fn end(&self, key: &K, outcome: Outcome) {
        let now = Instant::now();
        let mut schedule = self.lock();
        schedule.end(key, outcome, now, jittered);
        self.tell_depth(&mut schedule, now);
        drop(schedule);
        if outcome == Outcome::Failed {
            self.0.retries.inc();
        }
        self.0.changed.notify_one();
    }

    fn tell_depth(&self, schedule: &mut Schedule<K>, now: Instant) -> usize {
        let depth = schedule.depth(now);
        self.0.depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
        depth
    }

    fn lock(&self) -> MutexGuard<'_, Schedule<K>> {
        self.0.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key that is worked on; when it is dropped, work has ended as it says.
struct Working<K: Clone + Debug + Eq + Hash + Send + Sync + 'static> {
    queue: Queue<K>,
    key: K,
    outcome: Outcome,
}

impl<K: Clone + Debug + Eq + Hash + Send + Sync + 'static> Drop for Working<K> {
    fn drop(&mut self) {
        self.queue.end(&self.key, self.outcome);
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    type Runs = Arc<Mutex<HashMap<u32, Vec<Duration>>>>;

    /// Works on keys on a clock that stands still unless all wait; notes when. Work takes 100 ms.
    async fn worked(
        add: impl Fn(&Queue<u32>),
        outcome: impl Fn(u32, usize) -> Outcome + Copy + Send + Sync + 'static,
    ) -> HashMap<u32, Vec<Duration>> {
        let queue = Queue::new("test", &Metrics::default());
        let (start, runs) = (Instant::now(), Runs::default());
        add(&queue);
        let work = move |runs: Runs, key| async move {
            let count = {
                let mut runs = runs.lock().unwrap();
                let runs = runs.entry(key).or_default();
                runs.push(start.elapsed());
                runs.len()
            };
            tokio::time::sleep(Duration::from_millis(100)).await;
            outcome(key, count)
        };
        let _ = tokio::time::timeout(Duration::from_secs(100), queue.run(4, Arc::clone(&runs), work)).await;
        runs.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn workers_work_side_by_side() {
        let add = |queue: &Queue<u32>| (0..40).for_each(|key| queue.add(key));
        let runs = worked(add, |_, _| Outcome::Done).await;
        assert_eq!(runs.len(), 40);
        let last = runs.values().map(|runs| runs[0]).max().unwrap();
        assert!((900..1100).contains(&last.as_millis()), "40 keys, 4 at a time, 100 ms each: {last:?}");
        assert!(runs.values().all(|runs| runs.len() == 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_later_and_later_and_what_asks_for_it_comes_again() {
        let outcome = |key, count| match (key, count) {
            (0, 1..=3) => Outcome::Failed,
            (1, 1..=2) => Outcome::After(Duration::from_secs(30)),
            _ => Outcome::Done,
        };
        let add = |queue: &Queue<u32>| {
            (0..2).for_each(|key| queue.add(key));
            queue.add_after(2, Duration::from_secs(50));
        };
        let runs = worked(add, outcome).await;
        let failed = &runs[&0];
        for (pause, bounds) in
            failed.windows(2).map(|two| two[1] - two[0]).zip([600..1102, 1100..2102, 2100..4102])
        {
            assert!(bounds.contains(&pause.as_millis()), "{failed:?}");
        }
        assert_eq!((failed.len(), runs[&1].len(), runs[&2].len()), (4, 3, 1));
        assert!(runs[&1][1].as_secs() == 30 && runs[&2][0].as_secs() == 50);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_panics_is_a_failure() {
        let outcome = |_, count| if count == 1 { panic!("as this test wants it") } else { Outcome::Done };
        let runs = worked(|queue| (0..8).for_each(|key| queue.add(key)), outcome).await;
        assert!((0..8).all(|key| runs[&key].len() == 2), "{runs:?}");
    }
}
