//! The objects of a live cluster, read with the caller's kubeconfig.

use std::collections::HashMap;
use std::path::PathBuf;

use kube::api::{Api, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use serde_json::Value;
use thiserror::Error;

use super::{Input, Manifest};
use crate::api::{GROUP, Kind};
use crate::cluster::Trouble;

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

/// Reads all objects of our kinds, in one namespace or in all. A kind that is not installed has none.
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
    let mut input = Input { is_whole_cluster: true, ..Input::default() };
    for kind in Kind::ALL {
        list(&client, kind, namespace, &mut input).await?;
    }
    Ok(input)
}

async fn list(
    client: &Client,
    kind: Kind,
    namespace: Option<&str>,
    input: &mut Input,
) -> Result<(), ClusterError> {
    let plural = kind.plural();
    let resource = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk(GROUP, kind.version(), kind.as_str()),
        plural,
    );
    let api: Api<DynamicObject> = match namespace.filter(|_| kind.is_namespaced()) {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let mut parameters = ListParams::default().limit(PAGE);
    loop {
        let page = match api.list(&parameters).await {
            Ok(page) => page,
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(ClusterError::List { plural, cause: Trouble::from(&error) }),
        };
        for object in page.items {
            let Ok(mut value) = serde_json::to_value(object) else { continue };
            name_type(&mut value, kind);
            input.manifests.extend(Manifest::of_ours(
                "cluster".into(),
                &value,
                String::new(),
                HashMap::new(),
                None,
            ));
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(()),
        }
    }
}

/// Items of a list come without their type.
fn name_type(value: &mut Value, kind: Kind) {
    if let Some(members) = value.as_object_mut() {
        members.insert("apiVersion".into(), kind.api_version().into());
        members.insert("kind".into(), kind.as_str().into());
    }
}
