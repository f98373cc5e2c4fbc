//! Leadership as a deadline, not a flag: a Lease that one replica holds, and a guard that every write takes.
//!
//! The guard is valid until the last renewal was *sent*, plus the Lease's duration, less a margin, on the monotonic
//! clock. A challenger takes over only after it has seen the Lease unchanged for the whole duration, which it can
//! only begin to see after that moment. So the leader's last write ends before the first of the next one, also when
//! the leader was stopped or cut off meanwhile; nobody's wall clock is believed.
//!
//! A leader that ends in order gives the Lease back once its writes have ended, so the next need not wait.

mod plan;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams};
use thiserror::Error;
use tokio::sync::{RwLock, watch};
use tokio::time::{sleep, sleep_until, timeout, timeout_at};
use tracing::{debug, info, warn};

use crate::cluster::{Trouble, TroubleKind};
use crate::health::Part;

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
    /// Held by every write; whoever gives the Lease back waits for all of them.
    writes: Arc<RwLock<()>>,
}

/// Leadership is not ours, or ended before the write did.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not the leader")]
pub struct NotLeader;

impl Guard {
    /// Whether we lead now.
    pub fn is_valid(&self) -> bool {
        self.until().is_some()
    }

    /// Until when we lead, if nothing is renewed any more.
    pub fn until(&self) -> Option<Instant> {
        (*self.until.borrow()).filter(|until| Instant::now() < *until)
    }

    /// Runs a write that ends before leadership does.
    ///
    /// What was sent cannot be called back: a write carries the version that it read, so a late one conflicts.
    ///
    /// # Errors
    /// If we do not lead, or the write took longer than we lead; it may have happened all the same.
    pub async fn write<T>(&self, write: impl Future<Output = T>) -> Result<T, NotLeader> {
        let _running = self.writes.read().await;
        let until = self.until().ok_or(NotLeader)?;
        let mut write = pin!(write);
        // A process that was stopped goes on where it was: timers alone would let it take one more step.
        let steps = poll_fn(|context| match Instant::now() < until {
            true => write.as_mut().poll(context).map(Ok),
            false => Poll::Ready(Err(NotLeader)),
        });
        timeout_at(until.into(), steps).await.unwrap_or(Err(NotLeader))
    }

    /// Waits until we lead.
    pub async fn elected(&mut self) {
        while !self.is_valid() {
            if self.until.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until we lead no more.
    pub async fn lost(&mut self) {
        while let Some(until) = self.until() {
            tokio::select! {
                () = sleep_until(until.into()) => {}
                changed = self.until.changed() => if changed.is_err() {
                    // Nobody renews it any more.
                    sleep_until(until.into()).await;
                }
            }
        }
    }
}

/// A guard, and the task that keeps it valid. It ends when `leaving` does, after the Lease was given back.
pub fn elect(
    leases: Api<Lease>,
    candidate: Candidate,
    part: Part,
    leaving: impl Future<Output = ()>,
) -> (Guard, impl Future<Output = ()>) {
    let (until, receiver) = watch::channel(None);
    let guard = Guard { until: receiver, writes: Arc::default() };
    let election = Election { leases, candidate, part, until };
    (guard.clone(), async move {
        tokio::select! {
            () = election.run() => {}
            () = leaving => election.give_back(&guard).await,
        }
    })
}

/// A candidate at work.
struct Election {
    leases: Api<Lease>,
    candidate: Candidate,
    part: Part,
    until: watch::Sender<Option<Instant>>,
}

impl Election {
    async fn run(&self) {
        let mut seen = None;
        loop {
            let pause = match self.attempt(&mut seen).await {
                Ok(pause) => {
                    self.part.works();
                    pause
                }
                Err(trouble) => {
                    self.part.fails(&format!("lease {}: {trouble}", self.candidate.lease));
                    self.candidate.duration / 10
                }
            };
            sleep(pause).await;
        }
    }

    /// Reads the Lease, does what is due, and says when to come again.
    async fn attempt(&self, seen: &mut Option<Seen>) -> Result<Duration, Trouble> {
        let Candidate { lease: name, identity, duration, margin } = &self.candidate;
        let patience = *duration / 3;
        let lease = within(patience, self.leases.get_opt(name)).await?;
        let step = plan(lease.as_ref(), seen, identity, Instant::now());
        if let Step::Wait(pause) = step {
            if self.until.borrow().is_some() {
                info!(lease = %name, "another replica leads");
                self.until.send_replace(None);
            }
            return Ok(pause.min(patience));
        }
        let sent = Instant::now();
        let next = renewed(lease, &self.candidate, step == Step::Take);
        match self.put(&next).await {
            Ok(()) => {
                if step == Step::Take {
                    info!(lease = %name, %identity, "leading");
                }
                self.until.send_replace(Some(sent + *duration - *margin));
                Ok(patience)
            }
            Err(trouble) if trouble.kind == TroubleKind::Conflict => {
                debug!(lease = %name, "another replica was faster");
                Ok(Duration::ZERO)
            }
            Err(error) => Err(error),
        }
    }

    async fn put(&self, lease: &Lease) -> Result<(), Trouble> {
        let parameters = PostParams::default();
        let patience = self.candidate.duration / 3;
        if lease.metadata.resource_version.is_some() {
            within(patience, self.leases.replace(&self.candidate.lease, &parameters, lease)).await.map(drop)
        } else {
            within(patience, self.leases.create(&parameters, lease)).await.map(drop)
        }
    }

    /// Waits for the writes under way, then leaves the Lease without a holder. Not in time: then it runs out.
    async fn give_back(&self, guard: &Guard) {
        let Some(until) = guard.until() else { return };
        let Ok(_no_writes) = timeout_at(until.into(), guard.writes.write()).await else { return };
        self.until.send_replace(None);
        let Candidate { lease: name, identity, duration, .. } = &self.candidate;
        let given_back = async {
            let Some(mut lease) = within(*duration / 3, self.leases.get_opt(name)).await? else {
                return Ok(());
            };
            match lease.spec.as_mut() {
                Some(spec) if spec.holder_identity.as_ref() == Some(identity) => {
                    spec.holder_identity = Some(String::new());
                    self.put(&lease).await
                }
                _ => Ok(()),
            }
        };
        match given_back.await {
            Ok(()) => info!(lease = %name, "gave the lease back"),
            Err(error) => warn!(lease = %name, %error, "the lease could not be given back and will run out"),
        }
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

async fn within<T>(patience: Duration, call: impl Future<Output = kube::Result<T>>) -> Result<T, Trouble> {
    match timeout(patience, call).await {
        Ok(answer) => answer.map_err(|error| Trouble::from(&error)),
        Err(_) => Err(Trouble::silence()),
    }
}
