//! Keeps [`Facts`](crate::facts::Facts) about the cluster, from watches. What is not known is never guessed: a rule that needs it
//! says nothing, and `/readyz?verbose` names it.

mod fact_of;

use std::sync::Arc;

use kube::Client;
use kube::api::Api;
use kube::runtime::watcher::Event;

use crate::cluster;
use crate::facts::{Complete, FactKind, Known};
use crate::health::{Health, Part};
use crate::observe::{
    ClusterSecretStores, ConfigMaps, ExternalSecrets, Namespaces, Observed, PushSecrets, SecretStores,
    Secrets, ServiceAccounts,
};
use crate::shared_facts::SharedFacts;
use crate::validate::rules_about;
use crate::watching::{Seen, Watching};
use fact_of::{FactOf, resource};

/// Objects that are read at once: a page must not outweigh all facts, and a Secret may have a mebibyte.
const PAGE: u32 = 50;
const PAGE_OF_SECRETS: u32 = 20;

/// Watches everything that facts are taken of, until it is dropped. Secrets, ConfigMaps and ServiceAccounts only if
/// the operator asked for it: who may list them may read every credential, so a right that happens to be there is
/// not enough.
pub async fn follow(
    client: Option<Client>,
    facts: Arc<SharedFacts>,
    health: Arc<Health>,
    cluster_checks: bool,
) {
    let Some(client) = client else {
        for kind in FactKind::ALL {
            part(&health, kind).is_off(&format!("there is no cluster to watch{}", consequence(kind)));
        }
        return std::future::pending().await;
    };
    let source = Source { client, facts, health };
    tokio::join!(
        source.follow::<SecretStores>(),
        source.follow::<ClusterSecretStores>(),
        source.follow::<ExternalSecrets>(),
        source.follow::<PushSecrets>(),
        source.follow::<Namespaces>(),
        source.follow_if::<Secrets>(cluster_checks),
        source.follow_if::<ConfigMaps>(cluster_checks),
        source.follow_if::<ServiceAccounts>(cluster_checks),
    );
}

struct Source {
    client: Client,
    facts: Arc<SharedFacts>,
    health: Arc<Health>,
}

impl Source {
    async fn follow_if<O: Observed>(&self, is_wanted: bool) {
        if is_wanted {
            return self.follow::<O>().await;
        }
        let why = format!("--cluster-checks is not given{}", consequence(O::KIND));
        part(&self.health, O::KIND).is_off(&why);
    }

    /// A new list replaces what is known when it is complete, not before.
    async fn follow<O: Observed>(&self) {
        let api = Api::<Seen<FactOf<O>>>::all_with(self.client.clone(), &resource(O::KIND));
        let page = if O::KIND == FactKind::Secrets { PAGE_OF_SECRETS } else { PAGE };
        let config = cluster::watch_config().page_size(page);
        let mut watching =
            Watching::new(api, config, part(&self.health, O::KIND)).awaited(consequence(O::KIND));
        let mut listed = Known::default();
        loop {
            match watching.next().await {
                Event::Init => listed = Known::default(),
                Event::InitApply(seen) => {
                    listed.insert(seen.namespace(), seen.name(), seen.taken.0.clone());
                }
                Event::InitDone => {
                    listed.complete = Complete::Everywhere;
                    self.change::<O>(|known| *known = std::mem::take(&mut listed));
                }
                Event::Apply(seen) => self.change::<O>(|known| {
                    known.insert(seen.namespace(), seen.name(), seen.taken.0.clone());
                }),
                Event::Delete(seen) => self.change::<O>(|known| known.remove(seen.namespace(), seen.name())),
            }
        }
    }

    fn change<O: Observed>(&self, change: impl FnOnce(&mut Known<O::Fact>)) {
        self.facts.change(|facts| change(O::known(facts)));
    }
}

fn part(health: &Arc<Health>, kind: FactKind) -> Part {
    health.part(match kind {
        FactKind::SecretStores => "facts-secretstores",
        FactKind::ClusterSecretStores => "facts-clustersecretstores",
        FactKind::ExternalSecrets => "facts-externalsecrets",
        FactKind::PushSecrets => "facts-pushsecrets",
        FactKind::Namespaces => "facts-namespaces",
        FactKind::Secrets => "facts-secrets",
        FactKind::ConfigMaps => "facts-configmaps",
        FactKind::ServiceAccounts => "facts-serviceaccounts",
    })
}

/// The rules that say nothing meanwhile.
fn consequence(kind: FactKind) -> String {
    let ids: Vec<&str> = rules_about(kind).iter().map(|rule| rule.id).collect();
    format!("; without it these rules are off, or see less: {}", ids.join(", "))
}
