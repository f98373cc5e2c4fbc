//! The broker: a pod's token in, its files and variables out.
//!
//! ```text
//! question ─▶ token (what it claims) ─▶ identity (what is true) ─▶ rate ─▶ live (the pod, and its args by crate::grant)
//!          ─▶ resolve (use of stores, ExternalSecrets, the source) ─▶ delivery ─▶ answer, ETag, audit
//! ```
//!
//! - `token`, `delivery`, `proof`, `why`, [`reason`]: pure
//! - `identity`, `live`, `usage`, `externals`: the API server's word, `kept` for seconds; `api`: asking it
//! - `resolve`: values; `preflight`: whether there are any; `reviews`: what reviews ask for; `audit`, [`metrics`], `events`: what is told
//! - [`rate`], `sending`, `http`: what one may ask, and how

mod api;
mod audit;
mod delivery;
mod events;
mod externals;
mod http;
mod identity;
mod kept;
mod live;
pub mod metrics;
mod preflight;
mod proof;
pub mod rate;
pub mod reason;
mod resolve;
mod reviews;
mod sending;
mod token;
mod usage;
mod why;

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use kube::Client;
use tokio::sync::{Semaphore, watch};

pub use http::router;
pub use preflight::Wanted;
pub use reviews::Reviews;

use crate::source::Source;
use crate::tls::Certificate;
use delivery::{plan, tag};
use events::Events;
use externals::Externals;
use identity::{Caller, Identities};
use keyhatch_agent::Answer;
use live::Pods;
use metrics::Metrics;
use proof::{Proof, Prover};
use rate::{Rate, Rates};
use reason::{Denial, Reason};
use resolve::Resolver;
use sending::{Asking, Room, Sending};
use usage::Uses;

/// What a broker is made of.
#[derive(Debug)]
pub struct BrokerConfig {
    /// Where secrets come from.
    pub source: Source,
    /// What is served, and with it what agents must trust.
    pub tls: watch::Receiver<Option<Certificate>>,
    /// What one pod may ask.
    pub rate: Rate,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether pods may share their process namespace.
    pub allow_shared_pid: bool,
}

/// Questions at the same time; further ones are told to come again.
const AT_ONCE: usize = 2048;

/// Answers pods.
#[derive(Debug)]
pub struct Broker {
    tls: watch::Receiver<Option<Certificate>>,
    identities: Identities,
    rates: Rates,
    pods: Pods,
    resolver: Resolver,
    events: Events,
    metrics: Arc<Metrics>,
    slots: Semaphore,
    sending: Sending,
}

/// What a pod is told.
enum Told {
    /// Everything, and by which tag it will know whether it changed.
    All(Box<Answer>, String, OnItsWay),
    /// That nothing has changed.
    Unchanged(String),
}

/// What is held until an answer is sent: its room, and its pod's turn.
struct OnItsWay {
    _room: Room,
    _asking: Asking,
}

impl Broker {
    /// Asks and answers in a cluster.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn new(config: BrokerConfig, client: Client) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let BrokerConfig { source, tls, rate, metrics, allow_shared_pid } = config;
        Ok(Self {
            tls,
            identities: Identities::new(client.clone()),
            rates: Rates::new(rate),
            pods: Pods::new(client.clone(), allow_shared_pid),
            resolver: Resolver {
                source,
                uses: Uses::new(client.clone()),
                externals: Externals::new(client.clone()),
                prover: Prover::new()?,
            },
            events: Events::start(client),
            metrics,
            slots: Semaphore::new(AT_ONCE),
            sending: Sending::new(),
        })
    }

    /// The pod that a token speaks for.
    async fn caller(&self, token: &str) -> Result<Arc<Caller>, Denial> {
        let claims = token::read(token, unix_time())?;
        self.identities.caller(token, &claims).await
    }

    /// Answers a pod that has the answer with this tag already, if any. What it is given or denied is told where people
    /// look for it.
    async fn answer(&self, caller: &Caller, has: Option<&str>) -> Result<Told, Denial> {
        match self.told(caller, has).await {
            Ok((told, proofs)) => {
                audit::delivered(caller, &proofs);
                Ok(told)
            }
            Err(denial) => {
                audit::denied(caller, &denial);
                self.events.denied(caller, &denial);
                Err(denial)
            }
        }
    }

    async fn told(&self, caller: &Caller, has: Option<&str>) -> Result<(Told, Vec<Proof>), Denial> {
        if !self.rates.take(&caller.uid, Instant::now()) {
            return Err(Denial::new(Reason::RateLimited, "the pod asks too often"));
        }
        let asking = self.sending.ask(&caller.uid).ok_or_else(|| {
            Denial::new(Reason::RateLimited, "the pod asks already; its answer was not taken yet")
        })?;
        let admitted = self.pods.admitted(caller).await?;
        let resolved = self.resolver.resolve(caller, &admitted).await?;
        let roots = self.roots()?;
        let tag = tag(&admitted, &resolved, &roots);
        if has == Some(&tag) {
            return Ok((Told::Unchanged(tag), Vec::new()));
        }
        let planned = plan(&admitted, &resolved)?;
        // Before anything is copied.
        let room = self.sending.room(planned.size() + roots.len()).await;
        let delivery = planned.deliver(roots.to_string());
        let on_its_way = OnItsWay { _room: room, _asking: asking };
        Ok((Told::All(Box::new(delivery.answer), tag, on_its_way), delivery.proofs))
    }

    /// Whom agents must trust from now on.
    fn roots(&self) -> Result<Arc<str>, Denial> {
        let roots = self.tls.borrow().as_ref().map(|certificate| Arc::clone(&certificate.roots));
        roots.filter(|roots| !roots.is_empty()).ok_or_else(|| {
            Denial::new(Reason::NotReady, "the broker does not know yet whom agents must trust")
        })
    }
}

fn unix_time() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
