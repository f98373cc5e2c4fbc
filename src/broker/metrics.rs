//! What the broker counts. Labels are of a fixed set: no names of pods, stores or keys.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::reason::Reason;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DenialLabels {
    reason: Reason,
}

/// Counters of the broker.
#[derive(Debug)]
pub struct Metrics {
    answers: Family<AnswerLabels, Counter>,
    denials: Family<DenialLabels, Counter>,
    seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = Histogram::new(exponential_buckets(0.000_1, 4.0, 9));
        Self { answers: Family::default(), denials: Family::default(), seconds }
    }
}

impl Metrics {
    /// Makes its counters known to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let Self { answers, denials, seconds } = self;
        registry.register("broker_answers", "Questions of pods, by how they ended", answers.clone());
        registry.register("broker_denials", "Questions of pods that were denied, by reason", denials.clone());
        registry.register_with_unit(
            "broker_answer",
            "Time from a question's head to its answer",
            Unit::Seconds,
            seconds.clone(),
        );
    }

    pub(super) fn answered(&self, outcome: &'static str, took: Duration) {
        self.answers.get_or_create(&AnswerLabels { outcome }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(super) fn denied(&self, reason: Reason) {
        self.denials.get_or_create(&DenialLabels { reason }).inc();
    }
}
