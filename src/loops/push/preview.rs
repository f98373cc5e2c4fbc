//! What a push would change, in words: the same functions, up to where something would be changed. Values are never
//! shown, only how many bytes they have.

use std::fmt::Write;

use kube::api::{Api, ListParams};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::push_secret::{PushDeletionPolicy, PushSecret};
use crate::api::secret_store::{ClusterSecretStore, SecretStore};
use crate::cluster::Trouble;
use crate::object_hash::version_of;
use crate::push::attributes::Change;
use crate::push::remote::Content;
use crate::push::token::Tokens;
use crate::push::value::{Intent, Step};
use crate::push::wanted::{Destination, Source as Pushed, Target, wanted};
use crate::push::{record, removal};
use crate::source::Source;
use crate::source::remote::{Deletion, Remote};

use super::error::PushError;
use super::follow::{of_cluster, of_namespace};
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
        let destination = Destination {
            store: store.key(),
            labels: store.labels.clone(),
            prefix: access.plan.prefix.clone(),
        };
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
                Ok((_, step)) => writeln!(text, "  {name}: {}", removed(&step, store.deletion()))?,
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
        writeln!(text, "  {name}: {}", value(&examined.value))?;
        for change in &examined.changes {
            writeln!(text, "    {}", changed(change))?;
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

fn value(step: &Step) -> String {
    match step {
        Step::Nothing | Step::Read => "as it should be".to_owned(),
        Step::Create { content, .. } => format!("to be created: {}", size(content)),
        Step::Put { content, .. } => format!("a new version: {}", size(content)),
        Step::Restore => "to be restored, and then looked at again".to_owned(),
    }
}

fn removed(step: &removal::Step, deletion: Deletion) -> String {
    match (step, deletion) {
        (removal::Step::Nothing | removal::Step::Read, _) => "gone, or not ours".to_owned(),
        (removal::Step::Put { content, .. }, _) => {
            format!("properties to be removed: {} left", size(content))
        }
        (removal::Step::Delete { .. }, Deletion::Force) => "to be deleted at once".to_owned(),
        (removal::Step::Delete { .. }, Deletion::Window(days)) => {
            format!("to be deleted, with {days} days to restore it")
        }
        (removal::Step::Delete { .. }, Deletion::DefaultWindow) => {
            "to be deleted, with 30 days to restore it".to_owned()
        }
    }
}

fn size(content: &Content) -> String {
    match content {
        Content::Text(value) => format!("{} bytes of text", value.len()),
        Content::Binary(value) => format!("{} bytes, binary", value.len()),
    }
}

fn changed(change: &Change) -> String {
    match change {
        Change::Update { description, kms_key_id } => {
            let description = description.as_ref().map(|text| format!("description {text:?}"));
            let key = kms_key_id.as_ref().map(|key| format!("key {key}"));
            [description, key].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Change::Untag(keys) => format!("without tags {}", keys.join(", ")),
        Change::Tag(tags) => {
            let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("tags {}", tags.join(", "))
        }
        Change::RemoveReplicas(regions) => format!("no replica in {}", regions.join(", ")),
        Change::Replicate { regions, .. } => format!("replicas in {}", regions.join(", ")),
        Change::PutPolicy(_) => "another resource policy".to_owned(),
        Change::DeletePolicy => "no resource policy".to_owned(),
    }
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
    let own = own.items.iter().map(of_namespace);
    Ok(own.chain(shared.items.iter().map(of_cluster)).collect())
}
