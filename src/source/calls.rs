//! Every call to AWS, counted; and listed for whoever wants to see them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::aws::failure::Failure;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    operation: &'static str,
    result: &'static str,
}

/// As External Secrets Operator has them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: &'static str,
    call: &'static str,
    status: &'static str,
}

/// Operations of STS, which the operator does not count.
const OF_STS: [&str; 3] = ["AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"];

/// One call that was made.
#[derive(Clone, Debug)]
pub struct Call {
    /// `GetSecretValue`, `AssumeRole`, …
    pub operation: &'static str,
    /// What it was about, as a person would say it.
    pub object: String,
    /// With all attempts.
    pub took: Duration,
    /// The failure, if it failed.
    pub failure: Option<Failure>,
}

/// The calls to AWS.
#[derive(Debug)]
pub struct Calls {
    counts: Family<CallLabels, Counter>,
    /// A gauge, since a counter's name would end in `_total`, and the operator's does not.
    provider: Family<ProviderLabels, Gauge>,
    seconds: Histogram,
    journal: Option<Mutex<Vec<Call>>>,
}

impl Calls {
    /// Counts only, or with a list of all calls, which grows.
    pub fn new(with_journal: bool) -> Self {
        Self {
            counts: Family::default(),
            provider: Family::default(),
            seconds: Histogram::new(exponential_buckets(0.005, 2.0, 12)),
            journal: with_journal.then(Mutex::default),
        }
    }

    /// Makes its counters known to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let Self { counts, seconds, .. } = self;
        registry.register("aws_calls", "Calls to AWS, by operation and result", counts.clone());
        registry.register_with_unit(
            "aws_call",
            "Time of a call with all its attempts",
            Unit::Seconds,
            seconds.clone(),
        );
    }

    /// The same under the operator's name.
    pub fn register_as_operator(&self, registry: &mut Registry) {
        let help = "Calls to AWS Secrets Manager, by operation and result";
        registry.register("externalsecret_provider_api_calls_count", help, self.provider.clone());
    }

    /// The calls so far, if they are listed.
    pub fn journal(&self) -> Vec<Call> {
        let Some(journal) = &self.journal else { return Vec::new() };
        journal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a call, and passes its result on.
    pub(super) fn done<T>(
        &self,
        operation: &'static str,
        object: impl FnOnce() -> String,
        started: Instant,
        result: Result<T, Failure>,
    ) -> Result<T, Failure> {
        let took = started.elapsed();
        let label = result.as_ref().err().map_or("ok", |failure| failure.class.as_str());
        self.counts.get_or_create(&CallLabels { operation, result: label }).inc();
        if !OF_STS.contains(&operation) {
            let status = if result.is_ok() { "success" } else { "error" };
            let labels = ProviderLabels { provider: "AWS/SecretsManager", call: operation, status };
            self.provider.get_or_create(&labels).inc();
        }
        self.seconds.observe(took.as_secs_f64());
        if let Some(journal) = &self.journal {
            let call = Call { operation, object: object(), took, failure: result.as_ref().err().cloned() };
            journal.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        }
        result
    }
}
