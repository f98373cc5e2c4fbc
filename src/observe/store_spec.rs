//! The spec of a store, of which facts are taken whether it fits its type or not.

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::secret_store::SecretStoreSpec;

/// One that does not fit its type is not taken for another provider's because of that: a mistake in a store would hide
/// those of all that use it.
#[derive(Debug)]
pub(super) enum StoreSpec {
    Read(Box<SecretStoreSpec>),
    Unreadable {
        /// Whether it names AWS as its provider, or none.
        may_be_aws: bool,
    },
}

impl Default for StoreSpec {
    fn default() -> Self {
        Self::Read(Box::default())
    }
}

impl<'de> Deserialize<'de> for StoreSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if let Ok(spec) = serde_json::from_str(raw.get()) {
            return Ok(Self::Read(spec));
        }
        let written: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        let provider = written.get("provider").and_then(Value::as_object);
        Ok(Self::Unreadable { may_be_aws: provider.is_none_or(|provider| provider.contains_key("aws")) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::common::StoreRef;
    use crate::facts::{Facts, Provider};
    use crate::observe;

    #[test]
    fn a_store_that_cannot_be_read_is_nobody_elses() {
        for (spec, expected) in [
            (
                json!({"provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1"}}}),
                Provider::Aws,
            ),
            (
                json!({"provider": {"aws": {"service": "ParameterStore", "region": "eu-central-1"}}}),
                Provider::Other,
            ),
            (json!({"provider": {"vault": {}}}), Provider::Other),
            (json!({"provider": {"aws": {"service": "SecretManager"}}}), Provider::Unknown),
            (json!({"provider": {"aws": {"service": "SecretsManager", "prefix": 7}}}), Provider::Unknown),
            (json!({"provider": {"aws": {"region": "eu-central-1"}}}), Provider::Unknown),
            (json!({"provider": []}), Provider::Unknown),
            (json!({"provider": {"vault": {}}, "conditions": 7}), Provider::Other),
        ] {
            let mut facts = Facts::default();
            let store = json!({
                "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
                "metadata": {"name": "a", "namespace": "n"}, "spec": spec,
            });
            assert!(observe::add(&mut facts, &store));
            let named = StoreRef { name: "a".into(), kind: None };
            assert_eq!(facts.provider(Some("n"), &named), expected, "{spec}");
        }
    }
}
