//! Whether clients are told to trust what we serve: watches the webhook configuration for the bundle.

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::Client;
use kube::api::Api;
use kube::runtime::watcher::Event;
use tokio::sync::watch;

use super::{Names, bundle};
use crate::cluster;
use crate::health::Part;
use crate::watching::Watching;

/// Tells, at every change of either, whether the configuration shows the present bundle, until it is dropped.
pub async fn follow(
    client: Client,
    names: Names,
    part: Part,
    mut wanted: watch::Receiver<String>,
    tell: impl Fn(bool),
) {
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client);
    let only_ours = cluster::watch_config().fields(&format!("metadata.name={}", names.webhook));
    let mut watching = Watching::new(configurations, only_ours, part);
    let mut present = None;
    loop {
        tokio::select! {
            event = watching.next() => match event {
                Event::Apply(configuration) | Event::InitApply(configuration) => present = Some(configuration),
                Event::Init | Event::Delete(_) => present = None,
                Event::InitDone => {}
            },
            changed = wanted.changed() => if changed.is_err() { return },
        }
        let bundle = wanted.borrow();
        tell(
            !bundle.is_empty() && present.as_ref().is_some_and(|present| bundle::is_shown(present, &bundle)),
        );
    }
}
