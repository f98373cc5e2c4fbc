//! The objects of a live cluster, read with the caller's kubeconfig.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config, ResourceExt};
use serde_json::Value;
use thiserror::Error;

use super::{Input, Manifest, Place};
use crate::api::{GROUP, Kind};
use crate::cluster::Trouble;
use crate::inject::annotations::PREFIX;
use crate::inject::workload::Workload;

/// How many objects one call lists.
const PAGE: u32 = 500;

/// Why the cluster cannot be read.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// No kubeconfig, or none that names a cluster.
    #[error("no usable kubeconfig: {0}; set KUBECONFIG or --kubeconfig")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// The client cannot be made.
    #[error("cannot connect to the cluster of the kubeconfig: {0}")]
    Connect(Box<kube::Error>),
    /// A kind cannot be listed.
    #[error("cannot list {plural}: {cause}")]
    List {
        /// Which.
        plural: &'static str,
        /// Why, without the words of an answer that cannot be read.
        cause: Trouble,
    },
}

/// Objects that are listed.
struct Listed {
    kind: GroupVersionKind,
    plural: &'static str,
    is_namespaced: bool,
}

/// Reads all objects of our kinds, and what makes pods that ask for secrets, in one namespace or in all. A kind that is not
/// installed has none; one that is served in another version only is told.
///
/// # Errors
/// If there is no usable kubeconfig, or the API server does not answer.
pub async fn read(kubeconfig: Option<PathBuf>, namespace: Option<&str>) -> Result<Input, ClusterError> {
    let config = match kubeconfig {
        Some(path) => Kubeconfig::read_from(path)?,
        None => Kubeconfig::read()?,
    };
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    let client = Client::try_from(config).map_err(|error| ClusterError::Connect(Box::new(error)))?;
    let place = namespace.map_or(Place::Cluster, |name| Place::Namespace(name.to_owned()));
    let mut input = Input { place, ..Input::default() };
    input.others = namespaces(&client, namespace).await;
    let ours = Kind::ALL.into_iter().map(|kind| Listed {
        kind: GroupVersionKind::gvk(GROUP, kind.version(), kind.as_str()),
        plural: kind.plural(),
        is_namespaced: kind.is_namespaced(),
    });
    let workloads = Workload::ALL.into_iter().map(|workload| Listed {
        kind: GroupVersionKind::gvk(workload.group(), "v1", workload.as_str()),
        plural: workload.plural(),
        is_namespaced: true,
    });
    for listed in ours.chain(workloads) {
        list(&client, &listed, namespace, &mut input).await?;
    }
    Ok(input)
}

/// What namespaces say for their pods, and to which stores they are admitted. Who may not read them is told nothing of that.
async fn namespaces(client: &Client, namespace: Option<&str>) -> Vec<Value> {
    let api = Api::<Namespace>::all(client.clone());
    let found = match namespace {
        Some(name) => api.get(name).await.map(|one| vec![one]),
        None => api.list(&ListParams::default()).await.map(|list| list.items),
    };
    let kind = GroupVersionKind::gvk("", "v1", "Namespace");
    let named = |namespace| {
        let mut value = serde_json::to_value(namespace).ok()?;
        name_type(&mut value, &kind);
        Some(value)
    };
    found.unwrap_or_default().into_iter().filter_map(named).collect()
}

async fn list(
    client: &Client,
    listed: &Listed,
    namespace: Option<&str>,
    input: &mut Input,
) -> Result<(), ClusterError> {
    let Listed { kind, plural, is_namespaced } = listed;
    let resource = ApiResource::from_gvk_with_plural(kind, plural);
    let api: Api<DynamicObject> = match namespace.filter(|_| *is_namespaced) {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let mut parameters = ListParams::default().limit(PAGE);
    loop {
        let page = match api.list(&parameters).await {
            Ok(page) => page,
            Err(kube::Error::Api(status)) if status.code == 404 => {
                if let Some(version) = other_version(client, listed).await {
                    input.refuse(Path::new("cluster"), 1, not_checked(listed, &version));
                }
                return Ok(());
            }
            Err(error) => {
                return Err(ClusterError::List { plural: listed.plural, cause: Trouble::from(&error) });
            }
        };
        for object in page.items.into_iter().filter(|object| !is_anothers(&kind.kind, object)) {
            let Ok(mut value) = serde_json::to_value(object) else { continue };
            name_type(&mut value, kind);
            input.manifests.extend(Manifest::of_ours(
                "cluster".into(),
                &value,
                String::new(),
                Arc::default(),
                None,
            ));
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(()),
        }
    }
}

fn not_checked(Listed { kind, plural, .. }: &Listed, version: &str) -> String {
    let ours = kind.api_version();
    format!(
        "{plural} are served as {version} here, and not as {ours}, so they were not checked; bring their \
         CustomResourceDefinition up to date"
    )
}

/// Another version of its group in which a kind is served, if there is one.
async fn other_version(client: &Client, listed: &Listed) -> Option<String> {
    let groups = client.list_api_groups().await.ok()?.groups;
    let group = groups.into_iter().find(|group| group.name == listed.kind.group)?;
    for version in group.versions {
        let Ok(served) = client.list_api_group_resources(&version.group_version).await else { continue };
        if served.resources.iter().any(|resource| resource.name == listed.plural) {
            return Some(version.group_version);
        }
    }
    None
}

/// Pods and Jobs of a controller are judged as its template, where somebody can mend them; and a pod without annotations
/// was judged when it was made.
fn is_anothers(kind: &str, object: &DynamicObject) -> bool {
    let is_controlled = object.owner_references().iter().any(|owner| owner.controller == Some(true));
    match kind {
        "Pod" => is_controlled || !object.annotations().keys().any(|key| key.starts_with(PREFIX)),
        "Job" => is_controlled,
        _ => false,
    }
}

/// Items of a list come without their type.
fn name_type(value: &mut Value, kind: &GroupVersionKind) {
    if let Some(members) = value.as_object_mut() {
        members.insert("apiVersion".into(), kind.api_version().into());
        members.insert("kind".into(), kind.kind.clone().into());
    }
}
