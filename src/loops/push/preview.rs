//! What a push would change, in words: the same functions, up to where something would be changed. Values are never
//! shown, only how many bytes they have.

mod words;

use std::fmt::Write;

use kube::api::{Api, ListParams};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::push_secret::{PushDeletionPolicy, PushSecret};
use crate::api::secret_store::{Adopt, ClusterSecretStore, SecretStore};
use crate::cluster::Trouble;
use crate::object_hash::version_of;
use crate::push::token::Tokens;
use crate::push::value::Intent;
use crate::push::wanted::{Source as Pushed, Target, wanted};
use crate::push::{record, removal};
use crate::source::Source;
use crate::source::remote::Remote;

use super::error::PushError;
use super::stores::{Store, select};
use super::{examine, sources};

/// Tells what a push of a PushSecret would change now, a line each; whose its stores are does not matter.
///
/// # Errors
/// If the PushSecret, its stores or its Secrets cannot be read.
pub async fn preview(
    client: &Client,
    source: &Source,
    namespace: &str,
    name: &str,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let object = read::<PushSecret>(client, namespace, name).await?;
    let stores = stores(client, namespace).await?;
    let selected = select(&object.spec.secret_store_refs, &stores, |_| true);
    let found = match &object.spec.selector.secret {
        Some(wanted) => sources::secrets(client, namespace, wanted).await?,
        None => Vec::new(),
    };
    let mut text = String::new();
    for store in &selected.missing {
        writeln!(text, "{store}: {}", PushError::NoStore)?;
    }
    if found.is_empty() {
        writeln!(text, "no Secret is selected, so nothing is pushed")?;
    }
    let preview = Preview { client, source, object: &object, namespace, tokens: own_tokens()? };
    for store in selected.ours.iter().filter(|_| !found.is_empty()) {
        preview.store(store, &found, &mut text).await?;
    }
    Ok(text)
}

struct Preview<'a> {
    client: &'a Client,
    source: &'a Source,
    object: &'a PushSecret,
    namespace: &'a str,
    tokens: Tokens,
}

impl Preview<'_> {
    async fn store(&self, store: &Store, found: &[Pushed], text: &mut String) -> Result<(), std::fmt::Error> {
        let access = match self.source.access(&store.id, self.namespace).await {
            Ok(access) => access,
            Err(error) => return writeln!(text, "{}: {error}", store.id),
        };
        writeln!(text, "{} in {}, as {}", store.id, access.plan.region, access.title)?;
        let remote = self.source.remote(&access);
        let destination = store.destination(&access.plan.prefix);
        let recorded = self.object.status.clone().unwrap_or_default().synced_push_secrets;
        let recorded = recorded.get(&store.key().to_string()).cloned().unwrap_or_default();
        let mut wanted = wanted(&self.object.spec, found, &destination);
        let deletes = self.object.spec.deletion_policy == PushDeletionPolicy::Delete;
        let removals = if deletes { removal::split(&recorded, &mut wanted) } else { Default::default() };
        for error in &wanted.refused {
            writeln!(text, "  {error}")?;
        }
        for (remote_key, target) in &wanted.targets {
            let had_policy = record::had_policy(&recorded, remote_key);
            let is_new = !record::has(&recorded, remote_key);
            self.target(&remote, target, had_policy, is_new, text).await?;
        }
        for (remote_key, removal) in &removals {
            let name = format!("{}{remote_key}", destination.prefix);
            match examine::removal(&remote, &name, removal, &self.tokens).await {
                Ok((_, step)) => writeln!(text, "  {name}: {}", words::removed(&step, store.deletion()))?,
                Err(error) => writeln!(text, "  {name}: {error}")?,
            }
        }
        Ok(())
    }

    async fn target(
        &self,
        remote: &Remote,
        target: &Target,
        had_policy: bool,
        is_new: bool,
        text: &mut String,
    ) -> Result<(), std::fmt::Error> {
        let version = version_of(&self.object.metadata);
        let synced = self.object.status.as_ref().and_then(|status| status.synced_resource_version.as_ref());
        let intent = Intent {
            update_policy: self.object.spec.update_policy,
            has_changed: is_new || synced != Some(&version),
        };
        let policy = sources::wanted_policy(self.client, self.namespace, &target.metadata, had_policy).await;
        let name = &target.name;
        let examined = examine::target(remote, target, intent, &policy, None, &self.tokens).await;
        let examined = match examined {
            Ok(examined) => examined,
            Err(error) => return writeln!(text, "  {name}: {error}"),
        };
        writeln!(text, "  {name}: {}", words::value(&examined.value))?;
        for change in &examined.changes {
            writeln!(text, "    {}", words::changed(change))?;
        }
        examined.problems.iter().try_for_each(|problem| writeln!(text, "    {problem}"))
    }
}

/// Ids of versions that are never written, so that what is there is read and compared.
fn own_tokens() -> Result<Tokens, PushError> {
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| PushError::NoRandom)?;
    Ok(Tokens::new(&key))
}

async fn read<K>(client: &Client, namespace: &str, name: &str) -> Result<K, PushError>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let read = Api::<K>::namespaced(client.clone(), namespace).get(name).await;
    let object = || format!("{} {namespace}/{name}", K::kind(&()));
    read.map_err(|error| PushError::Cluster { object: object(), trouble: Trouble::from(&error) })
}

/// All stores that a namespace sees.
async fn stores(client: &Client, namespace: &str) -> Result<Vec<Store>, PushError> {
    let failed = |object: &str, error: &kube::Error| PushError::Cluster {
        object: object.to_owned(),
        trouble: Trouble::from(error),
    };
    let parameters = ListParams::default();
    let own = Api::<SecretStore>::namespaced(client.clone(), namespace).list(&parameters).await;
    let own = own.map_err(|error| failed("SecretStores", &error))?;
    let shared = Api::<ClusterSecretStore>::all(client.clone()).list(&parameters).await;
    let shared = shared.map_err(|error| failed("ClusterSecretStores", &error))?;
    // Whoever serves them now: what would be pushed is asked.
    let own = own.items.iter().map(|store| Store::of(store, Adopt::All));
    Ok(own.chain(shared.items.iter().map(|store| Store::of(store, Adopt::All))).collect())
}
