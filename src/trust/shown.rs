//! Whether clients are told to trust what we serve: watches the webhook configuration for the bundle.

use futures_util::StreamExt;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::Client;
use kube::api::Api;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;

use super::{Names, bundle};
use crate::cluster;
use crate::health::Part;

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
    let mut changes = std::pin::pin!(watcher(configurations, only_ours).default_backoff().applied_objects());
    let mut present = None;
    loop {
        tokio::select! {
            change = changes.next() => match change {
                Some(Ok(configuration)) => {
                    part.works();
                    present = Some(configuration);
                }
                Some(Err(error)) => {
                    part.fails(&format!("{}: cannot be watched: {}", names.webhook, cluster::causes(&error)));
                    continue;
                }
                None => return,
            },
            changed = wanted.changed() => if changed.is_err() { return },
        }
        let bundle = wanted.borrow();
        tell(
            !bundle.is_empty() && present.as_ref().is_some_and(|present| bundle::is_shown(present, &bundle)),
        );
    }
}
