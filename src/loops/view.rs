//! What more than one loop looks at, watched once; and which loops hear of which change.

use crate::api::external_secret::ExternalSecret;
use crate::api::push_secret::PushSecret;
use crate::api::secret_store::{ClusterSecretStore, SecretStore, SecretStoreSpec};
use crate::source::plan::StoreId;

use super::any_store::{self, AnyStore};
use super::watched::{Change, Trace, Watched};
use super::{Context, external_secret, fan_out, push, store};

/// What is known of the cluster; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// SecretStores.
    pub stores: Watched<SecretStore>,
    /// ClusterSecretStores.
    pub cluster_stores: Watched<ClusterSecretStore>,
    /// Secrets, without their values.
    pub secrets: Watched<Trace>,
    /// ExternalSecrets.
    pub external_secrets: Watched<ExternalSecret>,
    /// PushSecrets.
    pub push_secrets: Watched<PushSecret>,
}

/// Everybody who hears of changes.
pub(super) struct Loops {
    pub(super) stores: store::Loop,
    pub(super) external_secrets: external_secret::Loop,
    pub(super) push_secrets: push::Loop,
    pub(super) fan_out: fan_out::Loops,
}

impl View {
    /// Watches, and tells the loops of each change, until it is dropped.
    pub(super) async fn follow(&self, context: &Context, loops: &Loops) {
        let client = || context.client.clone();
        let part = |name| context.health.part(name);
        tokio::join!(
            self.stores.follow(client(), part("loop-secretstores"), |change| loops.store_changed(&change)),
            self.cluster_stores.follow(client(), part("loop-clustersecretstores"), |change| {
                loops.store_changed(&change);
            }),
            self.secrets
                .follow_secrets(client(), part("loop-secrets"), |change| loops.secret_changed(&change)),
            self.external_secrets.follow(client(), part("loop-externalsecrets"), |change| {
                loops.external_secrets.changed(&change);
                loops.fan_out.external_secret_changed(&change);
            }),
            self.push_secrets.follow(client(), part("loop-pushsecrets"), |change| {
                loops.push_secrets.changed(&change);
                loops.fan_out.push_secret_changed(&change);
            }),
        );
    }

    /// Waits until all stores were listed.
    pub async fn stores_listed(&self) {
        tokio::join!(self.stores.listed(), self.cluster_stores.listed());
    }

    /// The stores that can be read and match, in no order.
    pub fn stores_that(&self, matches: impl Fn(&StoreId, &SecretStoreSpec) -> bool) -> Vec<StoreId> {
        fn of<S: AnyStore>(
            watched: &Watched<S>,
            matches: &impl Fn(&StoreId, &SecretStoreSpec) -> bool,
        ) -> impl Iterator<Item = StoreId> {
            let found = watched.select(|key, store| matches(&any_store::id(S::KIND, key), store.spec()));
            found.into_iter().map(|key| any_store::id(S::KIND, &key))
        }
        of(&self.stores, &matches).chain(of(&self.cluster_stores, &matches)).collect()
    }
}

impl Loops {
    fn store_changed<S: AnyStore>(&self, change: &Change<S>) {
        self.stores.store_changed(change);
        self.external_secrets.store_changed(change);
        self.push_secrets.store_changed(change);
        self.fan_out.store_changed(change);
    }

    fn secret_changed(&self, change: &Change<Trace>) {
        self.stores.secret_changed(change);
        self.external_secrets.secret_changed(change);
        self.push_secrets.read_changed(change, true);
    }
}
