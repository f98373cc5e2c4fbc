//! The stores that a PushSecret names: references in, the stores that are ours out, and what is missing.

use std::sync::Arc;

use crate::api::common::StoreKind;
use crate::api::push_secret::PushStoreRef;
use crate::api::secret_store::{Adopt, SecretStoreSpec};
use crate::facts::{Labels, selects};
use crate::loops::any_store::AnyStore;
use crate::push::wanted::{Destination, StoreKey};
use crate::source::plan::StoreId;
use crate::source::remote::Deletion;

/// A store, as far as a push needs it.
#[derive(Clone, Debug)]
pub(super) struct Store {
    /// Which it is.
    pub(super) id: StoreId,
    /// Whether it is ours to serve.
    pub(super) is_ours: bool,
    /// Its labels.
    pub(super) labels: Labels,
    /// Whether it is being deleted: nothing more is pushed there.
    pub(super) is_leaving: bool,
    /// What holds it back.
    pub(super) finalizers: Vec<String>,
    /// The version that was read.
    pub(super) version: Option<String>,
    /// The version of what it says.
    pub(super) generation: Option<i64>,
    /// What it says.
    pub(super) spec: Arc<SecretStoreSpec>,
}

/// What a PushSecret's references come to.
#[derive(Debug, Default)]
pub(super) struct Selected {
    /// Stores that are ours, in a fixed order.
    pub(super) ours: Vec<Store>,
    /// References that lead nowhere, `SecretStore aws`.
    pub(super) missing: Vec<String>,
}

impl Store {
    /// What a store's object says; it may be ours by what is adopted.
    pub(super) fn of<S: AnyStore>(store: &S, adopt: Adopt) -> Self {
        let metadata = store.meta();
        let labels = metadata.labels.iter().flatten();
        Self {
            id: store.id(),
            is_ours: store.is_ours(adopt),
            labels: labels.map(|(key, value)| (key.clone(), value.clone())).collect(),
            is_leaving: metadata.deletion_timestamp.is_some(),
            finalizers: metadata.finalizers.clone().unwrap_or_default(),
            version: metadata.resource_version.clone(),
            generation: metadata.generation,
            spec: Arc::new(store.spec().clone()),
        }
    }

    /// Whether it says the same as before, whatever became of its status.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        (self.generation, &self.labels, self.is_leaving)
            == (other.generation, &other.labels, other.is_leaving)
    }

    /// The key under which the status keeps what was pushed there.
    pub(super) fn key(&self) -> StoreKey {
        StoreKey { kind: self.id.kind, name: self.id.name.clone() }
    }

    /// Where a push to it goes, with what is put before every key.
    pub(super) fn destination(&self, prefix: &str) -> Destination {
        Destination { store: self.key(), labels: self.labels.clone(), prefix: prefix.to_owned() }
    }

    /// How its secrets are deleted.
    pub(super) fn deletion(&self) -> Deletion {
        let settings = self.spec.secrets_manager().and_then(|aws| aws.secrets_manager.as_ref());
        let Some(settings) = settings else { return Deletion::DefaultWindow };
        match (settings.force_delete_without_recovery, u8::try_from(settings.recovery_window_in_days)) {
            (true, _) => Deletion::Force,
            (false, Ok(0) | Err(_)) => Deletion::DefaultWindow,
            (false, Ok(days)) => Deletion::Window(days),
        }
    }
}

/// Selects by name or labels; labels win. `stores` are all that the namespace sees; `counts` tells those that are meant.
/// A store that both a name and labels select is one store.
pub(super) fn select(refs: &[PushStoreRef], stores: &[Store], counts: impl Fn(&Store) -> bool) -> Selected {
    let mut selected = Selected::default();
    for one in refs {
        let of_kind = stores.iter().filter(|store| store.id.kind == one.kind);
        let found: Vec<&Store> = match &one.label_selector {
            Some(labels) => of_kind.filter(|store| selects(labels, &store.labels)).collect(),
            None => of_kind.filter(|store| store.id.name == one.name).collect(),
        };
        if found.is_empty() {
            selected.missing.push(told(one));
        }
        for store in found.into_iter().filter(|store| counts(store)) {
            if !selected.ours.iter().any(|there| there.id == store.id) {
                selected.ours.push(store.clone());
            }
        }
    }
    selected.ours.sort_by_key(Store::key);
    selected
}

fn told(one: &PushStoreRef) -> String {
    let kind: StoreKind = one.kind;
    match one.label_selector {
        Some(_) => format!("{} with the labels of its labelSelector", kind.as_str()),
        None => format!("{} {}", kind.as_str(), one.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(kind: StoreKind, name: &str, team: &str, spec: &str) -> Store {
        Store {
            id: StoreId::seen_from("ns", kind, name),
            is_ours: name != "eso",
            labels: [("team".to_owned(), team.to_owned())].into_iter().collect(),
            is_leaving: false,
            finalizers: Vec::new(),
            version: None,
            generation: None,
            spec: Arc::new(serde_json::from_str(spec).unwrap()),
        }
    }

    #[test]
    fn references_select_by_name_or_labels_and_each_store_once() {
        let stores = [
            store(StoreKind::SecretStore, "b", "x", "{}"),
            store(StoreKind::SecretStore, "a", "x", "{}"),
            store(StoreKind::ClusterSecretStore, "a", "y", "{}"),
            store(StoreKind::SecretStore, "eso", "x", "{}"),
        ];
        let refs: Vec<PushStoreRef> = serde_json::from_str(
            r#"[{"name":"a"},{"labelSelector":{"matchLabels":{"team":"x"}}},{"name":"b","kind":"ClusterSecretStore"},
                {"labelSelector":{"matchLabels":{"team":"z"}}}]"#,
        )
        .unwrap();
        let selected = select(&refs, &stores, |store| store.is_ours);
        let ours: Vec<_> = selected.ours.iter().map(|store| store.key().to_string()).collect();
        assert_eq!(ours, ["SecretStore/a", "SecretStore/b"]);
        assert_eq!(
            selected.missing,
            ["ClusterSecretStore b", "SecretStore with the labels of its labelSelector"]
        );
    }

    #[test]
    fn a_store_says_how_secrets_are_deleted() {
        let with = |settings: &str| {
            let spec = format!(
                r#"{{"provider":{{"aws":{{"service":"SecretsManager","region":"eu-west-1","secretsManager":{settings}}}}}}}"#
            );
            store(StoreKind::SecretStore, "a", "x", &spec).deletion()
        };
        assert_eq!(with("{}"), Deletion::DefaultWindow);
        assert_eq!(with(r#"{"recoveryWindowInDays":0}"#), Deletion::DefaultWindow);
        assert_eq!(with(r#"{"recoveryWindowInDays":7}"#), Deletion::Window(7));
        assert_eq!(with(r#"{"forceDeleteWithoutRecovery":true}"#), Deletion::Force);
    }
}
