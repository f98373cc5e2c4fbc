//! What benches do to a cluster: many objects at once; and what the system says of a process.

use futures_util::{StreamExt, stream};
use kube::api::{Api, DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use serde_json::Value;

use crate::support::control_plane::ControlPlane;

/// Objects that are created at the same time.
pub(crate) const AT_ONCE: usize = 16;

pub(crate) async fn connect(plane: &ControlPlane) -> Result<Client, String> {
    let read = Kubeconfig::read_from(plane.kubeconfig()).map_err(|error| error.to_string())?;
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
    Client::try_from(config.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
}

pub(crate) fn api(client: &Client, object: &Value) -> Api<DynamicObject> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("/apiVersion").split_once('/').unwrap_or_else(|| ("", text("/apiVersion")));
    let kind = text("/kind");
    let plural = format!("{}s", kind.to_lowercase());
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), &plural);
    Api::namespaced_with(client.clone(), text("/metadata/namespace"), &resource)
}

pub(crate) async fn create(client: &Client, count: usize, make: fn(usize) -> Value) -> Result<(), String> {
    let created = stream::iter(0..count).map(|number| async move {
        let value = make(number);
        let object: DynamicObject =
            serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        api(client, &value).create(&PostParams::default(), &object).await.map_err(|error| error.to_string())
    });
    all(created.buffer_unordered(AT_ONCE)).await
}

pub(crate) async fn all<T>(
    mut answers: impl stream::Stream<Item = Result<T, String>> + Unpin,
) -> Result<(), String> {
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(())
}
