//! Stores and Secrets from files, for `keyhatch resolve --file`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::api::common::StoreKind;
use crate::api::secret_store::SecretStoreSpec;
use crate::facts::Labels;
use crate::secret_value::SecretValue;
use crate::source::plan::StoreId;

/// Objects that were read from files.
#[derive(Clone, Default)]
pub struct Files(Arc<Vec<Value>>);

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} objects", self.0.len())
    }
}

impl Files {
    /// Takes objects as they were written; the items of Lists, too.
    pub fn new(documents: Vec<Value>) -> Self {
        let items = documents.into_iter().flat_map(|mut document| match document.get_mut("items") {
            Some(Value::Array(items)) => std::mem::take(items),
            _ => vec![document],
        });
        Self(Arc::new(items.collect()))
    }

    pub(super) fn store(&self, id: &StoreId) -> Option<SecretStoreSpec> {
        let namespace = (id.kind == StoreKind::SecretStore).then_some(id.namespace.as_str());
        let store = self.find("external-secrets.io/", id.kind.as_str(), namespace, &id.name)?;
        SecretStoreSpec::deserialize(store.get("spec")?).ok()
    }

    pub(super) fn secret(&self, namespace: &str, name: &str) -> Option<BTreeMap<String, SecretValue>> {
        let secret = self.find("v1", "Secret", Some(namespace), name)?;
        let members = |field| secret.get(field).and_then(Value::as_object).into_iter().flatten();
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        let encoded = members("data")
            .filter_map(text)
            .filter_map(|(key, value)| Some((key, STANDARD.decode(value).ok()?)));
        let plain = members("stringData").filter_map(text).map(|(key, value)| (key, value.into_bytes()));
        Some(encoded.chain(plain).map(|(key, bytes)| (key, SecretValue::new(bytes))).collect())
    }

    pub(super) fn namespace(&self, name: &str) -> Option<Labels> {
        let labels = self.find("v1", "Namespace", None, name)?.pointer("/metadata/labels");
        Some(labels.map_or_else(Labels::default, |labels| Labels::deserialize(labels).unwrap_or_default()))
    }

    /// An object that names no namespace is in whichever is asked for.
    fn find(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Value> {
        self.0.iter().find(|object| {
            let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let named = text("/metadata/namespace");
            text("/apiVersion").starts_with(group)
                && text("/kind") == kind
                && text("/metadata/name") == name
                && (named.is_empty() || namespace.is_none_or(|namespace| namespace == named))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_found_by_kind_namespace_and_name() {
        let store = |namespace: &str, region: &str| {
            json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
                "metadata": {"name": "aws", "namespace": namespace},
                "spec": {"provider": {"aws": {"service": "SecretsManager", "region": region}}}})
        };
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"},
            "data": {"id": "QUtJQQ=="}, "stringData": {"secret": "s"}});
        let files = Files::new(vec![
            json!({"kind": "List", "items": [store("a", "eu-west-1"), store("b", "eu-west-2")]}),
            secret,
        ]);
        let region = |namespace| {
            let spec = files.store(&StoreId::seen_from(namespace, StoreKind::SecretStore, "aws"));
            spec.map(|spec| spec.provider.aws.unwrap().region)
        };
        assert_eq!(region("b").as_deref(), Some("eu-west-2"));
        assert_eq!(region("c"), None);
        let data = files.secret("anywhere", "keys").unwrap();
        assert_eq!((data["id"].expose(), data["secret"].expose()), (b"AKIA".as_slice(), b"s".as_slice()));
        assert!(files.secret("anywhere", "other").is_none());
    }
}
