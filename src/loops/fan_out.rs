//! ClusterExternalSecrets and ClusterPushSecrets: one ExternalSecret or PushSecret in each namespace that is meant.
//!
//! ```text
//! follow: watches ─▶ queue ─▶ keep: whose ─▶ plan ─▶ apply, namespace by namespace ─▶ status
//! ```
//!
//! The operator makes these of every ClusterExternalSecret, whosever stores it names. So ours are only those that say so by
//! [`CONTROLLER`], or all once `--adopt=all` says that nobody else does it; and of these only what uses stores of ours.

mod apply;
mod follow;
mod keep;
mod kinds;
mod memory;
mod object;
mod plan;
mod seen;
mod status;
mod take_over;
mod whose;
mod written;

use kube::api::ObjectMeta;

use super::Context;
use super::watched::{Change, Watched};
use crate::api::cluster_external_secret::ClusterExternalSecret;
use crate::api::cluster_push_secret::ClusterPushSecret;
use crate::api::secret_store::{ClusterSecretStore, OWN_CLASS, SecretStore};
use follow::Follower;
use seen::Place;

/// The annotation that hands a ClusterExternalSecret or ClusterPushSecret over to us; its value is that of a store's
/// `spec.controller`.
pub const CONTROLLER: &str = "keyhatch.dev/controller";

/// Keeps both kinds while we lead, until it is dropped.
pub async fn run(context: Context) {
    let around = Around::default();
    let externals = Follower::<ClusterExternalSecret>::new(context.clone(), around.clone());
    let pushes = Follower::<ClusterPushSecret>::new(context.clone(), around.clone());
    let changed = || {
        externals.everything_changed();
        pushes.everything_changed();
    };
    let client = || context.client.clone();
    let part = |name| context.health.part(name);
    tokio::join!(
        externals.follow("loop-clusterexternalsecrets", "loop-externalsecrets-made"),
        pushes.follow("loop-clusterpushsecrets", "loop-pushsecrets-made"),
        around.namespaces.follow_metadata::<k8s_openapi::api::core::v1::Namespace>(
            client(),
            part("loop-fan-out-namespaces"),
            None,
            Place::of,
            |_| changed(),
        ),
        around.stores.follow(client(), part("loop-fan-out-secretstores"), |change| {
            if says_another(&change, |store| &store.metadata) {
                changed();
            }
        }),
        around.cluster_stores.follow(client(), part("loop-fan-out-clustersecretstores"), |change| {
            if says_another(&change, |store| &store.metadata) {
                changed();
            }
        }),
    );
}

/// What both kinds look at.
#[derive(Clone, Default)]
struct Around {
    namespaces: Watched<Place>,
    stores: Watched<SecretStore>,
    cluster_stores: Watched<ClusterSecretStore>,
}

/// Whether more changed of a store than its status.
fn says_another<S>(change: &Change<S>, metadata: impl Fn(&S) -> &ObjectMeta) -> bool {
    let of = |metadata: &ObjectMeta| (metadata.uid.clone(), metadata.generation, metadata.labels.clone());
    let objects = [&change.before, &change.after].map(|kept| kept.as_ref().and_then(|kept| kept.object()));
    match objects {
        [Some(before), Some(after)] => of(metadata(before)) != of(metadata(after)),
        _ => true,
    }
}

/// Whether an object is ours to make others of: it says so, or all are.
fn is_handed_over(metadata: &ObjectMeta, adopt: super::Adopt) -> bool {
    let says = metadata.annotations.as_ref().and_then(|annotations| annotations.get(CONTROLLER));
    match says {
        Some(controller) => controller == OWN_CLASS,
        None => adopt == super::Adopt::All,
    }
}
