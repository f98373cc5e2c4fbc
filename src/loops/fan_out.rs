//! ClusterExternalSecrets and ClusterPushSecrets: one ExternalSecret or PushSecret in each namespace that is meant.
//!
//! ```text
//! follow: changes ─▶ queue ─▶ keep: whose ─▶ plan ─▶ apply, namespace by namespace ─▶ status
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

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ObjectMeta;

use super::Context;
use super::any_store::AnyStore;
use super::view::View;
use super::watched::{Change, Watched};
use crate::api::cluster_external_secret::ClusterExternalSecret;
use crate::api::cluster_push_secret::ClusterPushSecret;
use crate::api::external_secret::ExternalSecret;
use crate::api::push_secret::PushSecret;
use crate::api::secret_store::OWN_CLASS;
use follow::Loop;
use seen::Place;

/// The annotation that hands a ClusterExternalSecret or ClusterPushSecret over to us; its value is that of a store's
/// `spec.controller`.
pub const CONTROLLER: &str = "keyhatch.dev/controller";

/// The loops of both kinds; clones are the same.
#[derive(Clone)]
pub(super) struct Loops {
    context: Context,
    namespaces: Watched<Place>,
    externals: Loop<ClusterExternalSecret>,
    pushes: Loop<ClusterPushSecret>,
}

impl Loops {
    pub(super) fn new(context: Context, view: &View) -> Self {
        let namespaces = Watched::default();
        let around = Around { namespaces: namespaces.clone(), view: view.clone() };
        let externals = Loop::new(context.clone(), around.clone());
        Self { externals, pushes: Loop::new(context.clone(), around), namespaces, context }
    }

    /// Keeps both kinds, until it is dropped.
    pub(super) async fn run(&self) {
        let Self { context, namespaces, externals, pushes } = self;
        let part = context.health.part("loop-namespaces");
        tokio::join!(
            externals.run("loop-clusterexternalsecrets"),
            pushes.run("loop-clusterpushsecrets"),
            namespaces.follow_metadata::<Namespace>(context.client.clone(), part, Place::of, |_| {
                self.everything_changed();
            }),
        );
    }

    /// Whose an object is may have changed.
    pub(super) fn store_changed<S: AnyStore>(&self, change: &Change<S>) {
        if says_another(change) {
            self.everything_changed();
        }
    }

    pub(super) fn external_secret_changed(&self, change: &Change<ExternalSecret>) {
        self.externals.child_changed(change);
    }

    pub(super) fn push_secret_changed(&self, change: &Change<PushSecret>) {
        self.pushes.child_changed(change);
    }

    fn everything_changed(&self) {
        self.externals.everything_changed();
        self.pushes.everything_changed();
    }
}

/// What both kinds look at.
#[derive(Clone)]
struct Around {
    namespaces: Watched<Place>,
    view: View,
}

/// Whether more changed of a store than its status.
fn says_another<S: AnyStore>(change: &Change<S>) -> bool {
    let of = |store: &S| {
        let metadata = store.meta();
        (metadata.uid.clone(), metadata.generation, metadata.labels.clone())
    };
    let objects = [&change.before, &change.after].map(|kept| kept.as_ref().and_then(|kept| kept.object()));
    match objects {
        [Some(before), Some(after)] => of(before) != of(after),
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
