//! The two kinds.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use crate::api::Kind;
use crate::api::cluster_external_secret::{ClusterExternalSecret, ClusterExternalSecretStatus};
use crate::api::cluster_push_secret::{ClusterPushSecret, ClusterPushSecretStatus};
use crate::api::common::{Condition, StoreRef};
use crate::api::external_secret::ExternalSecret;
use crate::api::push_secret::{PushSecret, PushStoreRef};
use crate::loops::conditions;
use crate::loops::view::View;
use crate::loops::watched::Watched;

use super::object::{FanOut, Wanted, interval, name_or};
use super::status::Outcome;
use super::whose::{By, Named};

/// On an ExternalSecret it makes the loop fetch at once.
const FORCE_SYNC: &str = "external-secrets.io/force-sync";

impl FanOut for ClusterExternalSecret {
    type Child = ExternalSecret;
    type Status = ClusterExternalSecretStatus;
    const KINDS: (Kind, Kind) = (Kind::ClusterExternalSecret, Kind::ExternalSecret);
    const QUEUE: &'static str = "clusterexternalsecret";
    const TEMPLATE: &'static str = "externalSecretSpec";
    const TAKEN: &'static str = "external secret already exists in namespace";
    const FINALIZER: Option<&'static str> =
        Some("externalsecrets.external-secrets.io/clusterexternalsecret-cleanup");
    const NAMESPACE_FINALIZER: Option<&'static str> = Some("externalsecrets.external-secrets.io/ces-");

    fn children(view: &View) -> &Watched<ExternalSecret> {
        &view.external_secrets
    }

    fn wanted(&self) -> Wanted {
        let spec = &self.spec;
        let metadata = spec.external_secret_metadata.clone().unwrap_or_default();
        let mut annotations = metadata.annotations;
        match self.annotations().get(FORCE_SYNC) {
            Some(value) => drop(annotations.insert(FORCE_SYNC.to_owned(), value.clone())),
            None => drop(annotations.remove(FORCE_SYNC)),
        }
        let template = &spec.external_secret_spec;
        let single = template.data.iter().filter_map(|entry| entry.source_ref.as_ref());
        let whole = template.data_from.iter().filter_map(|entry| entry.source_ref.as_ref());
        let of_entries = single.chain(whole).filter_map(|source| source.store_ref.as_ref());
        Wanted {
            name: name_or(&spec.external_secret_name, self.metadata.name.as_ref()),
            labels: metadata.labels,
            annotations,
            selectors: spec.namespace_selector.iter().chain(&spec.namespace_selectors).cloned().collect(),
            namespaces: spec.namespaces.clone(),
            stores: template.secret_store_ref.iter().chain(of_entries).filter_map(by_name).collect(),
            interval: interval(spec.refresh_time.as_deref()),
        }
    }

    fn status(&self) -> Option<&ClusterExternalSecretStatus> {
        self.status.as_ref()
    }

    fn conditions(status: &ClusterExternalSecretStatus) -> &[Condition] {
        &status.conditions
    }

    /// Its condition has neither a reason nor a time: the operator's definition has no room for them.
    fn next(&self, name: &str, outcome: &Outcome, _now: Timestamp) -> ClusterExternalSecretStatus {
        let (is_ready, message) = outcome.condition();
        let ready = Condition {
            type_: Condition::READY.into(),
            status: if is_ready { "True" } else { "False" }.into(),
            message,
            ..Condition::default()
        };
        let mut conditions = self.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
        match conditions.iter_mut().find(|one| one.type_ == ready.type_) {
            Some(there) if there.status == ready.status && there.message == ready.message => {}
            Some(there) => *there = ready,
            None => conditions.push(ready),
        }
        ClusterExternalSecretStatus {
            external_secret_name: Some(name.to_owned()),
            failed_namespaces: outcome.failed(),
            provisioned_namespaces: outcome.provisioned(),
            conditions,
        }
    }
}

impl FanOut for ClusterPushSecret {
    type Child = PushSecret;
    type Status = ClusterPushSecretStatus;
    const KINDS: (Kind, Kind) = (Kind::ClusterPushSecret, Kind::PushSecret);
    const QUEUE: &'static str = "clusterpushsecret";
    const TEMPLATE: &'static str = "pushSecretSpec";
    const TAKEN: &'static str = "push secret already exists in namespace";
    const FINALIZER: Option<&'static str> = None;
    const NAMESPACE_FINALIZER: Option<&'static str> = None;

    fn children(view: &View) -> &Watched<PushSecret> {
        &view.push_secrets
    }

    fn wanted(&self) -> Wanted {
        let spec = &self.spec;
        let metadata = spec.push_secret_metadata.clone().unwrap_or_default();
        Wanted {
            name: name_or(&spec.push_secret_name, self.metadata.name.as_ref()),
            labels: metadata.labels,
            annotations: metadata.annotations,
            selectors: spec.namespace_selectors.clone(),
            namespaces: Vec::new(),
            stores: spec.push_secret_spec.secret_store_refs.iter().map(selected).collect(),
            interval: interval(spec.refresh_time.as_deref()),
        }
    }

    fn status(&self) -> Option<&ClusterPushSecretStatus> {
        self.status.as_ref()
    }

    fn conditions(status: &ClusterPushSecretStatus) -> &[Condition] {
        &status.conditions
    }

    fn next(&self, name: &str, outcome: &Outcome, now: Timestamp) -> ClusterPushSecretStatus {
        let (is_ready, message) = outcome.condition();
        let ready = Condition {
            type_: Condition::READY.into(),
            status: if is_ready { "True" } else { "False" }.into(),
            reason: Some(if is_ready { "Synced" } else { "Errored" }.into()),
            message,
            last_transition_time: None,
        };
        let old = self.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        ClusterPushSecretStatus {
            failed_namespaces: outcome.failed(),
            provisioned_namespaces: outcome.provisioned(),
            push_secret_name: Some(name.to_owned()),
            conditions: conditions::set(old, ready, &conditions::seconds(now))
                .unwrap_or_else(|| old.to_vec()),
        }
    }
}

fn by_name(store: &StoreRef) -> Option<Named> {
    let kind = store.kind.unwrap_or_default();
    (!store.name.is_empty()).then(|| Named { kind, by: By::Name(store.name.clone()) })
}

/// Labels win.
fn selected(store: &PushStoreRef) -> Named {
    let by = match &store.label_selector {
        Some(labels) => By::Labels(labels.clone()),
        None => By::Name(store.name.clone()),
    };
    Named { kind: store.kind, by }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::common::StoreKind;

    #[test]
    fn all_that_matters_is_taken_of_a_cluster_external_secret() {
        let text = r#"{"apiVersion":"external-secrets.io/v1","kind":"ClusterExternalSecret",
            "metadata":{"name":"app","annotations":{"external-secrets.io/force-sync":"1","other":"2"}},
            "spec":{"namespaceSelector":{"matchLabels":{"a":"1"}},"namespaceSelectors":[{}],"namespaces":["x"],
                "refreshTime":"5m","externalSecretMetadata":{"labels":{"l":"1"},"annotations":{"n":"1"}},
                "externalSecretSpec":{"secretStoreRef":{"name":"aws"},
                    "data":[{"secretKey":"k","remoteRef":{"key":"r"},
                        "sourceRef":{"storeRef":{"name":"one","kind":"ClusterSecretStore"}}}],
                    "dataFrom":[{"find":{},"sourceRef":{"storeRef":{"name":"two"}}},
                        {"sourceRef":{"generatorRef":{"kind":"Password","name":"p"}}}]}}}"#;
        let object: ClusterExternalSecret = serde_json::from_str(text).unwrap();
        let wanted = object.wanted();
        assert_eq!((wanted.name.as_str(), wanted.interval), ("app", Some(Duration::from_secs(300))));
        assert_eq!(wanted.selectors.len(), 2);
        let annotations: Vec<_> = wanted.annotations.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(annotations, ["external-secrets.io/force-sync=1", "n=1"]);
        let stores: Vec<_> = wanted.stores.iter().map(ToString::to_string).collect();
        assert_eq!(stores, ["SecretStore aws", "ClusterSecretStore one", "SecretStore two"]);
    }

    #[test]
    fn all_that_matters_is_taken_of_a_cluster_push_secret() {
        let text = r#"{"apiVersion":"external-secrets.io/v1alpha1","kind":"ClusterPushSecret","metadata":{"name":"app"},
            "spec":{"pushSecretName":"p","namespaceSelectors":[{}],"refreshTime":"0s",
                "pushSecretSpec":{"selector":{"secret":{"name":"s"}},"secretStoreRefs":[{"name":"aws"},
                    {"kind":"ClusterSecretStore","labelSelector":{"matchLabels":{"a":"1"}}}]}}}"#;
        let wanted = serde_json::from_str::<ClusterPushSecret>(text).unwrap().wanted();
        assert_eq!((wanted.name.as_str(), wanted.interval), ("p", None));
        assert_eq!(wanted.stores[0], Named { kind: StoreKind::SecretStore, by: By::Name("aws".into()) });
        assert!(matches!(wanted.stores[1].by, By::Labels(_)));
        for (said, expected) in
            [(None, Some(3600)), (Some("soon"), Some(3600)), (Some("-1s"), None), (Some("0"), None)]
        {
            assert_eq!(interval(said), expected.map(Duration::from_secs), "{said:?}");
        }
    }
}
