//! What the cache counts. Labels are of a fixed set: no names, keys or ARNs.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::entry::Served;
use crate::aws::failure::Class;

/// How a question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Outcome {
    Hit,
    Miss,
    Stale,
    Negative,
    Joined,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    class: &'static str,
}

/// Counters of the cache.
#[derive(Debug, Default)]
pub struct Metrics {
    answers: Family<AnswerLabels, Counter>,
    failures: Family<FailureLabels, Counter>,
    entries: Gauge,
    bytes: Gauge,
}

impl Metrics {
    /// Makes its counters known to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let Self { answers, failures, entries, bytes } = self;
        registry.register("cache_answers", "Answers about secrets, by where they came from", answers.clone());
        registry.register(
            "cache_failures",
            "Fetches that failed and had no older answer to stand in, by class",
            failures.clone(),
        );
        registry.register("cache_entries", "Answers that are kept", entries.clone());
        registry.register_with_unit("cache", "What is kept, about", Unit::Bytes, bytes.clone());
    }

    pub(super) fn kept(&self, (entries, bytes): (usize, u64)) {
        self.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(super) fn served(&self, served: Served) {
        self.count(match served {
            Served::Hit => Outcome::Hit,
            Served::Miss => Outcome::Miss,
            Served::Stale => Outcome::Stale,
            Served::Negative => Outcome::Negative,
        });
    }

    pub(super) fn joined(&self) {
        self.count(Outcome::Joined);
    }

    pub(super) fn failed(&self, class: Class) {
        self.failures.get_or_create(&FailureLabels { class: class.as_str() }).inc();
    }

    fn count(&self, outcome: Outcome) {
        self.answers.get_or_create(&AnswerLabels { outcome }).inc();
    }
}
