//! Leadership as a deadline, not a flag: a Lease that one replica holds, and a guard that every write takes.
//!
//! The guard is valid until the last renewal was *sent*, plus the Lease's duration, less a margin, on the monotonic
//! clock. A challenger takes over only after it has seen the Lease unchanged for the whole duration, which it can
//! only begin to see after that moment. So the leader's last write ends before the first of the next one, also when
//! the leader was stopped or cut off meanwhile; nobody's wall clock is believed.

mod plan;

use std::future::Future;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{sleep, timeout, timeout_at};
use tracing::{debug, info, warn};

use plan::{Seen, Step, plan};

/// What a Lease is, and for how long.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Name of the Lease.
    pub lease: String,
    /// Who we are: unique among replicas.
    pub identity: String,
    /// How long the Lease lasts without renewal.
    pub duration: Duration,
    /// How much earlier than that the leader stops to write.
    pub margin: Duration,
}

/// The right to write, for as long as it lasts.
#[derive(Clone, Debug)]
pub struct Guard {
    until: watch::Receiver<Option<Instant>>,
}

/// Leadership is not ours, or ended before the write did.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not the leader")]
pub struct NotLeader;

impl Guard {
    /// Whether we lead now.
    pub fn is_valid(&self) -> bool {
        self.until.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Runs a write that ends before leadership does.
    ///
    /// # Errors
    /// If we do not lead, or the write took longer than we lead; it may have happened all the same.
    pub async fn write<T>(&self, write: impl Future<Output = T>) -> Result<T, NotLeader> {
        let until = (*self.until.borrow()).filter(|until| Instant::now() < *until).ok_or(NotLeader)?;
        timeout_at(until.into(), write).await.map_err(|_| NotLeader)
    }

    /// Waits until we lead.
    pub async fn elected(&mut self) {
        while !self.is_valid() {
            if self.until.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Why the Lease could not be read or written this time.
#[derive(Debug, Error)]
enum LeaseError {
    #[error("the API server did not answer in time")]
    Timeout,
    #[error(transparent)]
    Api(#[from] Box<kube::Error>),
}

/// A guard, and the task that keeps it valid; it runs until it is dropped.
pub fn elect(leases: Api<Lease>, candidate: Candidate) -> (Guard, impl Future<Output = ()>) {
    let (until, receiver) = watch::channel(None);
    let guard = Guard { until: receiver };
    (guard, async move {
        let mut seen = None;
        loop {
            let pause = match attempt(&leases, &candidate, &mut seen, &until).await {
                Ok(pause) => pause,
                Err(error) => {
                    warn!(lease = %candidate.lease, %error, "the lease could not be read or renewed");
                    candidate.duration / 10
                }
            };
            sleep(pause).await;
        }
    })
}

/// Reads the Lease, does what is due, and says when to come again.
async fn attempt(
    leases: &Api<Lease>,
    candidate: &Candidate,
    seen: &mut Option<Seen>,
    until: &watch::Sender<Option<Instant>>,
) -> Result<Duration, LeaseError> {
    let Candidate { lease: name, identity, duration, margin } = candidate;
    let patience = *duration / 3;
    let lease = within(patience, leases.get_opt(name)).await?;
    let step = plan(lease.as_ref(), seen, identity, Instant::now());
    if let Step::Wait(pause) = step {
        if until.borrow().is_some() {
            info!(lease = %name, "another replica leads");
            until.send_replace(None);
        }
        return Ok(pause.min(patience));
    }
    let sent = Instant::now();
    let next = renewed(lease, candidate, step == Step::Take);
    let written = if next.metadata.resource_version.is_some() {
        within(patience, leases.replace(name, &PostParams::default(), &next)).await
    } else {
        within(patience, leases.create(&PostParams::default(), &next)).await
    };
    match written {
        Ok(_) => {
            if step == Step::Take {
                info!(lease = %name, %identity, "leading");
            }
            until.send_replace(Some(sent + *duration - *margin));
            Ok(patience)
        }
        Err(LeaseError::Api(error)) if is_conflict(&error) => {
            debug!(lease = %name, "another replica was faster");
            Ok(Duration::ZERO)
        }
        Err(error) => Err(error),
    }
}

/// The Lease as we want it, at the version that was read.
fn renewed(lease: Option<Lease>, candidate: &Candidate, is_new: bool) -> Lease {
    let now = MicroTime(Timestamp::now());
    let mut lease = lease.unwrap_or_default();
    let spec = lease.spec.take().unwrap_or_default();
    let transitions = spec.lease_transitions.unwrap_or_default();
    let had_holder = spec.holder_identity.as_deref().is_some_and(|holder| !holder.is_empty());
    lease.metadata = ObjectMeta { name: Some(candidate.lease.clone()), ..lease.metadata };
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(candidate.identity.clone()),
        lease_duration_seconds: i32::try_from(candidate.duration.as_secs()).ok(),
        acquire_time: if is_new { Some(now.clone()) } else { spec.acquire_time.clone() },
        lease_transitions: Some(transitions + i32::from(is_new && had_holder)),
        renew_time: Some(now),
        ..spec
    });
    lease
}

async fn within<T>(patience: Duration, call: impl Future<Output = kube::Result<T>>) -> Result<T, LeaseError> {
    match timeout(patience, call).await {
        Ok(answer) => answer.map_err(|error| LeaseError::Api(Box::new(error))),
        Err(_) => Err(LeaseError::Timeout),
    }
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}
