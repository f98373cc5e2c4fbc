//! The leader's part: reads Secret and webhook configurations, takes the step that is due, shows the bundle.
//!
//! Every write goes through the leader's guard and carries the version that was read, so a late one conflicts.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::info;

use super::advance::advance;
use super::bundle::Configuration;
use super::plan::{Step, plan};
use super::{Lifetimes, Names, Trust, bundle, secret};
use crate::cluster::Trouble;
use crate::health::Part;
use crate::leader::{Guard, NotLeader};

/// How often what is there is compared with what should be.
const EVERY: Duration = Duration::from_secs(5);
/// Nor more often than this, if a tool takes the bundle away as fast as we bring it back.
const AT_MOST_EVERY: Duration = Duration::from_millis(100);
/// An API server that does not answer in this time has not answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a round failed. The next one begins anew.
#[derive(Debug, Error)]
enum KeepError {
    #[error(transparent)]
    NotLeader(#[from] NotLeader),
    #[error("{what}: {trouble}")]
    Api { what: String, trouble: Trouble },
    #[error("a certificate could not be made: {0}")]
    Issue(#[from] rcgen::Error),
}

/// Keeps certificates and bundle.
#[derive(Debug)]
pub struct Keeper {
    secrets: Api<Secret>,
    validating: Api<ValidatingWebhookConfiguration>,
    mutating: Api<MutatingWebhookConfiguration>,
    names: Names,
    lifetimes: Lifetimes,
    part: Part,
}

impl Keeper {
    /// A keeper that does nothing yet.
    pub fn new(client: &Client, names: Names, lifetimes: Lifetimes, part: Part) -> Self {
        Self {
            secrets: Api::namespaced(client.clone(), &names.namespace),
            validating: Api::all(client.clone()),
            mutating: Api::all(client.clone()),
            names,
            lifetimes,
            part,
        }
    }

    /// Keeps them, whenever we lead, until it is dropped. `stirred` brings the next round forward: until an entry shows
    /// the bundle, whatever it is asked about is refused.
    pub async fn keep(self, mut guard: Guard, stirred: Arc<Notify>) {
        loop {
            if !guard.is_valid() {
                self.part.works(); // it is another's work now
                guard.elected().await;
            }
            match self.round(&guard, now()).await {
                Ok(step) => {
                    self.part.works();
                    if step == Step::Nothing {
                        pause(&self.lifetimes, &stirred).await;
                    }
                }
                Err(KeepError::NotLeader(_)) => {}
                Err(error) => {
                    self.part.fails(&error.to_string());
                    pause(&self.lifetimes, &stirred).await;
                }
            }
        }
    }

    /// Observes, takes one step, shows the bundle.
    async fn round(&self, guard: &Guard, now: i64) -> Result<Step, KeepError> {
        let present = call(&self.names.secret, self.secrets.get_opt(&self.names.secret)).await?;
        let trust = match present.as_ref().map(secret::read).transpose() {
            Ok(trust) => trust.flatten(),
            Err(damage) => {
                info!(secret = %self.names.secret, %damage, "the secret is spoilt and is made anew");
                None
            }
        };
        let is_visible = match &trust {
            Some(trust) => self.show_everywhere(&trust.bundle(), guard).await?,
            None => false,
        };
        let step = plan(trust.as_ref(), is_visible, &self.lifetimes, now);
        if let Some(next) = advance(step, trust, &self.names.hosts, &self.lifetimes, now)? {
            let version = present.and_then(|secret| secret.metadata.resource_version);
            self.store(&next, version, guard).await?;
            info!(secret = %self.names.secret, state = ?next.state, leaf_until = next.leaf.not_after, "{step:?}");
        }
        Ok(step)
    }

    async fn store(&self, trust: &Trust, version: Option<String>, guard: &Guard) -> Result<(), KeepError> {
        let name = &self.names.secret;
        let secret = secret::write(&self.names, trust, version);
        let written = async {
            if secret.metadata.resource_version.is_some() {
                self.secrets.replace(name, &PostParams::default(), &secret).await
            } else {
                self.secrets.create(&PostParams::default(), &secret).await
            }
        };
        guard.write(call(name, written)).await?.map(drop)
    }

    /// Answers whether both configurations show the bundle, after having seen to it. Only that of pods may be missing.
    async fn show_everywhere(&self, wanted: &str, guard: &Guard) -> Result<bool, KeepError> {
        let Names { webhook, pod_webhook, .. } = &self.names;
        let is_shown = show(&self.validating, webhook, wanted, guard).await?.unwrap_or_default();
        let is_shown_to_pods = show(&self.mutating, pod_webhook, wanted, guard).await?.unwrap_or(true);
        Ok(is_shown && is_shown_to_pods)
    }
}

/// Answers whether a configuration shows the bundle, after having seen to it. None: it is not installed yet, or not any
/// more.
async fn show<C>(api: &Api<C>, name: &str, wanted: &str, guard: &Guard) -> Result<Option<bool>, KeepError>
where
    C: Configuration + Clone + DeserializeOwned + Debug,
{
    let Some(configuration) = call(name, api.get_opt(name)).await? else { return Ok(None) };
    if bundle::is_shown(&configuration, wanted) {
        return Ok(Some(true));
    }
    let patch = Patch::Json::<()>(bundle::patch(&configuration, wanted));
    let parameters = PatchParams::default();
    let patched = api.patch(name, &parameters, &patch);
    let patched = guard.write(call(name, patched)).await??;
    Ok(Some(bundle::is_shown(&patched, wanted)))
}

async fn call<T>(what: &str, call: impl Future<Output = kube::Result<T>>) -> Result<T, KeepError> {
    let trouble = match timeout(PATIENCE, call).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => Trouble::from(&error),
        Err(_) => Trouble::silence(),
    };
    Err(KeepError::Api { what: what.to_owned(), trouble })
}

async fn pause(lifetimes: &Lifetimes, stirred: &Notify) {
    sleep(AT_MOST_EVERY).await;
    tokio::select! {
        () = sleep(pace(lifetimes)) => {}
        () = stirred.notified() => {}
    }
}

/// Short-lived certificates are looked after more often.
fn pace(lifetimes: &Lifetimes) -> Duration {
    EVERY.min(lifetimes.leaf / 12).min(lifetimes.settle / 2).max(Duration::from_millis(200))
}

/// The wall clock: certificates are judged by it, and timers that sleep through a suspended machine are not.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or_default()
}
