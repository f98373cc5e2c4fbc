//! What a PushSecret reads in its namespace: the Secrets that it pushes, and the policies that it names.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Client;
use kube::api::{Api, ListParams};
use kube::core::Selector;

use crate::api::push_metadata::{PolicySource, PushSecretMetadata};
use crate::api::push_secret::PushSource;
use crate::cluster::{Trouble, TroubleKind};
use crate::push::attributes::{self, Policy};
use crate::push::wanted::Source;
use crate::secret_value::SecretValue;

use super::error::PushError;
use super::examine::WantedPolicy;

/// Reads the Secrets: none if there are none.
pub(super) async fn secrets(
    client: &Client,
    namespace: &str,
    wanted: &PushSource,
) -> Result<Vec<Source>, PushError> {
    let api = Api::<Secret>::namespaced(client.clone(), namespace);
    if !wanted.name.is_empty() {
        let object = format!("Secret {namespace}/{}", wanted.name);
        let found = api.get_opt(&wanted.name).await.map_err(|error| told(&object, &error))?;
        return Ok(found.map(source).into_iter().collect());
    }
    let Some(labels) = &wanted.selector else { return Ok(Vec::new()) };
    let selector = Selector::try_from(labels.clone());
    let selector = selector.map_err(|error| PushError::Selector(error.to_string()))?;
    let parameters = ListParams::default().labels_from(&selector);
    let listed = api.list(&parameters).await;
    let listed = listed.map_err(|error| told(&format!("Secrets of namespace {namespace}"), &error))?;
    let mut sources: Vec<Source> = listed.items.into_iter().map(source).collect();
    sources.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(sources)
}

/// What is looked for, for people.
pub(super) fn title(namespace: &str, wanted: &PushSource) -> String {
    match wanted.name.as_str() {
        "" => format!("Secrets of namespace {namespace} with the labels of selector.secret.selector"),
        name => format!("Secret {namespace}/{name}"),
    }
}

fn source(secret: Secret) -> Source {
    let data = secret.data.unwrap_or_default().into_iter();
    let data = data.map(|(key, ByteString(bytes))| (key, SecretValue::new(bytes))).collect();
    Source { name: secret.metadata.name.unwrap_or_default(), data }
}

/// Reads a policy; also tells where it is, for people.
async fn policy(
    client: &Client,
    namespace: &str,
    wanted: &PolicySource,
    block_public: Option<bool>,
) -> Result<(Policy, String), PushError> {
    let PolicySource { kind, name, key } = wanted;
    let object = format!("{kind} {namespace}/{name}");
    let place = format!("{object}, key {key}");
    let text = match kind.as_str() {
        "ConfigMap" => {
            let api = Api::<ConfigMap>::namespaced(client.clone(), namespace);
            let map = api.get(name).await.map_err(|error| told(&object, &error))?;
            map.data.and_then(|mut data| data.remove(key.as_str()))
        }
        "Secret" => {
            let api = Api::<Secret>::namespaced(client.clone(), namespace);
            let secret = api.get(name).await.map_err(|error| told(&object, &error))?;
            let bytes = secret.data.and_then(|mut data| data.remove(key.as_str()));
            bytes.map(|ByteString(bytes)| String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => return Err(PushError::PolicyKind(kind.to_string())),
    };
    let text = text.ok_or_else(|| PushError::NoPolicyKey { place: place.clone() })?;
    let is_secret = kind == "Secret";
    Ok((Policy { text, block_public, is_secret }, place))
}

/// The policy that metadata wants, read where it is; `had_policy`: the last push had one of ours.
pub(super) async fn wanted_policy(
    client: &Client,
    namespace: &str,
    metadata: &PushSecretMetadata,
    had_policy: bool,
) -> WantedPolicy {
    let block_public = metadata.resource_policy.as_ref().and_then(|policy| policy.block_public_policy);
    let source = match attributes::policy_source(metadata) {
        Ok(None) if had_policy => return WantedPolicy::Gone,
        Ok(None) => return WantedPolicy::Unmanaged,
        Ok(Some(source)) => source,
        Err(cause) => return WantedPolicy::Broken(cause.into()),
    };
    match policy(client, namespace, source, block_public).await {
        Ok((policy, place)) => WantedPolicy::This { policy, place },
        Err(error) => WantedPolicy::Broken(error),
    }
}

fn told(object: &str, error: &kube::Error) -> PushError {
    let mut trouble = Trouble::from(error);
    if trouble.kind == TroubleKind::NotInstalled {
        "not found".clone_into(&mut trouble.text);
    }
    PushError::Cluster { object: object.to_owned(), trouble }
}
