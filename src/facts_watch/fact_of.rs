//! The fact that is taken of an object while it is read, and where its kind is.

use std::fmt;

use kube::api::ObjectMeta;
use kube::core::{ApiResource, GroupVersionKind};
use serde::de::Deserializer;

use crate::api::{GROUP, Kind};
use crate::facts::FactKind;
use crate::observe::Observed;
use crate::watching::Taken;

/// A fact.
pub(super) struct FactOf<O: Observed>(pub(super) O::Fact);

impl<O: Observed> fmt::Debug for FactOf<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<O: Observed> Clone for FactOf<O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<O: Observed> Taken for FactOf<O> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(ObjectMeta, Self), D::Error> {
        let (metadata, fact) = O::read(deserializer)?;
        let metadata = ObjectMeta {
            name: Some(metadata.name),
            namespace: metadata.namespace,
            resource_version: metadata.resource_version,
            ..ObjectMeta::default()
        };
        Ok((metadata, Self(fact)))
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
