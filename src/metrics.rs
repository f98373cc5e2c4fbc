//! What the server counts, as Prometheus text. Labels hold namespaces and rule ids, never names of
//! objects or keys.

use std::fmt::Error;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::admission::{Decision, Why};

/// How a review ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Outcome {
    /// Admitted.
    Allowed,
    /// Admitted with warnings.
    Warned,
    /// Refused for its mistakes.
    Refused,
    /// Refused because it could not be decided.
    Error,
}

impl Outcome {
    /// How a decision ends.
    pub fn of(decision: &Decision) -> Self {
        match (decision.mistakes.is_empty(), decision.doubts.is_empty()) {
            (false, _) => Self::Refused,
            (true, false) => Self::Warned,
            (true, true) => Self::Allowed,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    namespace: String,
    rule: &'static str,
    action: &'static str,
}

/// What was done about a finding that was not refused.
fn action(why: Why) -> &'static str {
    match why {
        Why::Doubtful => "warned",
        Why::NotNew => "not_new",
        Why::NotEnforced => "would_refuse",
    }
}

/// Counters of admission and of the serving certificate.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// For names of another's.
    operator: Registry,
    reviews: Family<ReviewLabels, Counter>,
    seconds: Histogram,
    findings: Family<FindingLabels, Counter>,
    certificate_expiry: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let (mut registry, operator) = (Registry::with_prefix("keyhatch"), Registry::default());
        let reviews = Family::default();
        let seconds = Histogram::new(exponential_buckets(0.000_025, 4.0, 8));
        let findings = Family::default();
        let certificate_expiry = Gauge::default();
        registry.register("admission_reviews", "Reviews answered, by outcome", reviews.clone());
        registry.register_with_unit(
            "admission_review",
            "Time from the request's head to its answer",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register(
            "admission_findings",
            "Mistakes and doubts in reviewed objects, by namespace, rule and what was done about them",
            findings.clone(),
        );
        registry.register_with_unit(
            "serving_certificate_expiry",
            "When the serving certificate expires, as Unix time",
            Unit::Seconds,
            certificate_expiry.clone(),
        );
        Self { registry, operator, reviews, seconds, findings, certificate_expiry }
    }
}

impl Metrics {
    /// Where parts of the server make their own counters known.
    pub fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// The same for those that have the names of External Secrets Operator's.
    pub fn operator_registry(&mut self) -> &mut Registry {
        &mut self.operator
    }

    /// Counts a review.
    pub fn reviewed(&self, outcome: Outcome, took: Duration) {
        self.reviews.get_or_create(&ReviewLabels { outcome }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts what was found in an object of a namespace; `""` for the cluster's own.
    pub fn found(&self, namespace: &str, decision: &Decision) {
        let refused = decision.mistakes.iter().map(|finding| (finding.rule.id, "refused"));
        let told = decision.doubts.iter().map(|doubt| (doubt.finding.rule.id, action(doubt.why)));
        for (rule, action) in refused.chain(told) {
            self.findings
                .get_or_create(&FindingLabels { namespace: namespace.to_owned(), rule, action })
                .inc();
        }
    }

    /// Remembers until when the serving certificate is valid, as Unix time.
    pub fn serving_until(&self, not_after: i64) {
        self.certificate_expiry.set(not_after);
    }

    /// All of it as Prometheus text.
    ///
    /// # Errors
    /// If a metric cannot be written.
    pub fn encode(&self) -> Result<String, Error> {
        let mut out = String::new();
        encode_registry(&mut out, &self.registry)?;
        encode_registry(&mut out, &self.operator)?;
        encode_eof(&mut out)?;
        Ok(out)
    }
}
