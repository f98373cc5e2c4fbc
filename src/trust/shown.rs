//! Whether clients are told to trust what we serve: watches the webhook configurations for the bundle.

use std::fmt::Debug;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::Client;
use kube::api::Api;
use kube::runtime::watcher::Event;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::bundle::Configuration;
use super::{Names, bundle};
use crate::cluster;
use crate::health::Part;
use crate::watching::Watching;

/// Tells, at every change of either, whether the configurations show the present bundle, until it is dropped. That of
/// pods may be missing.
pub async fn follow(
    client: Client,
    names: Names,
    parts: [Part; 2],
    mut wanted: watch::Receiver<String>,
    tell: impl Fn(bool),
) {
    let [validating, mutating] = parts;
    let mut validating = One::<ValidatingWebhookConfiguration>::new(&client, &names.webhook, validating);
    let mut mutating = One::<MutatingWebhookConfiguration>::new(&client, &names.pod_webhook, mutating);
    loop {
        tokio::select! {
            () = validating.changed() => {}
            () = mutating.changed() => {}
            changed = wanted.changed() => if changed.is_err() { return },
        }
        let bundle = wanted.borrow();
        let is_shown =
            validating.shows(&bundle).unwrap_or_default() && mutating.shows(&bundle).unwrap_or(true);
        tell(!bundle.is_empty() && is_shown);
    }
}

/// One configuration, as it is now.
struct One<C: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static> {
    watching: Watching<C>,
    present: Option<C>,
}

impl<C> One<C>
where
    C: Configuration
        + kube::Resource<DynamicType = ()>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + Sync
        + 'static,
{
    fn new(client: &Client, name: &str, part: Part) -> Self {
        let only_ours = cluster::watch_config().fields(&format!("metadata.name={name}"));
        Self { watching: Watching::new(Api::all(client.clone()), only_ours, part), present: None }
    }

    /// Waits for news of it.
    async fn changed(&mut self) {
        match self.watching.next().await {
            Event::Apply(configuration) | Event::InitApply(configuration) => {
                self.present = Some(configuration)
            }
            Event::Init | Event::Delete(_) => self.present = None,
            Event::InitDone => {}
        }
    }

    /// Whether it shows the bundle; None if it is not there.
    fn shows(&self, bundle: &str) -> Option<bool> {
        self.present.as_ref().map(|present| bundle::is_shown(present, bundle))
    }
}
