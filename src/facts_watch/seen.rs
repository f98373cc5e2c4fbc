//! An object as a watch needs it, and the fact that was taken of it while it was read.

use std::borrow::Cow;
use std::fmt;

use kube::Resource;
use kube::api::ObjectMeta;
use kube::core::{ApiResource, GroupVersionKind};
use serde::de::{Deserialize, Deserializer};

use crate::api::{GROUP, Kind};
use crate::facts::FactKind;
use crate::observe::Observed;

/// Name, version and fact.
pub(super) struct Seen<O: Observed> {
    metadata: ObjectMeta,
    pub(super) fact: O::Fact,
}

impl<O: Observed> fmt::Debug for Seen<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("name", &self.metadata.name).field("fact", &self.fact).finish()
    }
}

impl<O: Observed> Clone for Seen<O> {
    fn clone(&self) -> Self {
        Self { metadata: self.metadata.clone(), fact: self.fact.clone() }
    }
}

impl<O: Observed> Seen<O> {
    /// Its namespace; `""` for objects of the cluster.
    pub(super) fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub(super) fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }
}

impl<'de, O: Observed> Deserialize<'de> for Seen<O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (metadata, fact) = O::read(deserializer)?;
        let metadata = ObjectMeta {
            name: Some(metadata.name),
            namespace: metadata.namespace,
            resource_version: metadata.resource_version,
            ..ObjectMeta::default()
        };
        Ok(Self { metadata, fact })
    }
}

impl<O: Observed> Resource for Seen<O> {
    type DynamicType = ApiResource;
    type Scope = kube::core::DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Where a kind is.
pub(super) fn resource(kind: FactKind) -> ApiResource {
    let ours = |ours: Kind| (GROUP, ours.version(), ours.as_str());
    let (group, version, name) = match kind {
        FactKind::SecretStores => ours(Kind::SecretStore),
        FactKind::ClusterSecretStores => ours(Kind::ClusterSecretStore),
        FactKind::ExternalSecrets => ours(Kind::ExternalSecret),
        FactKind::PushSecrets => ours(Kind::PushSecret),
        FactKind::Namespaces => ("", "v1", "Namespace"),
        FactKind::Secrets => ("", "v1", "Secret"),
        FactKind::ConfigMaps => ("", "v1", "ConfigMap"),
        FactKind::ServiceAccounts => ("", "v1", "ServiceAccount"),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, name), kind.plural())
}
