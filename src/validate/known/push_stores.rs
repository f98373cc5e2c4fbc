//! Rules about the stores that a PushSecret writes to: does a selector select any, and is a replica none of them?

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::super::push_secret::metadata as push_metadata;
use super::super::{Context, Subject};
use crate::api::Kind;
use crate::api::common::{StoreKind, StoreRef};
use crate::api::push_secret::{PushSecretSpec, PushStoreRef};
use crate::aws::region;
use crate::facts::{Store, selects};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks labelSelectors against the stores that there are.
pub(super) fn check_selectors(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let refs = at.key("secretStoreRefs");
    for (index, store) in spec.secret_store_refs.iter().enumerate() {
        if let Some(labels) = &store.label_selector
            && selected(subject, store, context).is_some_and(|stores| stores.is_empty())
        {
            let at = refs.index(index);
            let kind = store.kind.as_str();
            let cause = format!("selects no {kind}; correct the labels {}", labels_in_short(labels));
            report.missing(&PUSH_STORES_UNMATCHED, &at.key("labelSelector"), cause);
        }
    }
    let entries = at.key("dataTo");
    for (index, entry) in spec.data_to.iter().enumerate() {
        let Some(store) = entry.store_ref.as_ref().filter(|store| store.label_selector.is_some()) else {
            continue;
        };
        let of_kind = spec.secret_store_refs.iter().filter(|listed| listed.kind == store.kind);
        let resolved: Option<Vec<_>> = of_kind.map(|listed| selected(subject, listed, context)).collect();
        let (Some(resolved), Some(labels)) = (resolved, &store.label_selector) else { continue };
        if !resolved.iter().flatten().any(|known| selects(labels, &known.labels)) {
            let at = entries.index(index);
            let at = at.key("storeRef");
            let cause = "selects none of the stores of secretStoreRefs; correct the labels";
            report.missing(&PUSH_STORES_UNMATCHED, &at.key("labelSelector"), cause);
        }
    }
}

/// The stores that a reference means, by name or by labels; none if not all are known.
pub(super) fn selected<'a>(
    subject: &Subject<'_>,
    store: &PushStoreRef,
    context: &Context<'a>,
) -> Option<Vec<&'a Store>> {
    let namespace = match store.kind {
        StoreKind::SecretStore => subject.namespace?,
        StoreKind::ClusterSecretStore => "",
    };
    let known = context.facts.stores(store.kind);
    match &store.label_selector {
        None => known.get(namespace, &store.name).found().map(|store| vec![store]),
        Some(_) if !known.is_complete_in(namespace) => None,
        Some(labels) => {
            let stores = known.within(namespace).map(|(_, store)| store);
            Some(stores.filter(|store| !store.is_deleting && selects(labels, &store.labels)).collect())
        }
    }
}

fn labels_in_short(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    labels.collect::<Vec<_>>().join(",")
}

/// Checks replicas against the stores' own regions.
pub(super) fn check_replicas(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let regions = spec.secret_store_refs.iter().filter_map(|store| {
        let store = StoreRef { name: store.name.clone(), kind: Some(store.kind) };
        context
            .facts
            .store(subject.namespace, &store)
            .found()
            .filter(|known| known.is_aws)
            .map(|known| &*known.region)
    });
    let regions: Vec<&str> = regions.collect();
    if regions.is_empty() {
        return;
    }
    let list = at.key("data");
    for (index, entry) in spec.data.iter().enumerate() {
        let Some(value) = &entry.metadata else { continue };
        let metadata = push_metadata::meaning(value);
        for (place, region) in metadata.replication_locations.iter().flatten().enumerate() {
            if regions.iter().any(|own| region::without_fips(own) == region::without_fips(region)) {
                let cause = "the store's own region, which holds the secret itself; remove it";
                let at = list.index(index);
                let at = at.key("metadata");
                let at = push_metadata::place(value, &at);
                report.text(&REPLICA_OF_ITSELF, &at.key("replicationLocations").index(place), region, cause);
            }
        }
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&PUSH_STORES_UNMATCHED, &REPLICA_OF_ITSELF];

/// Labels that no store has.
pub(in crate::validate) static PUSH_STORES_UNMATCHED: Rule = Rule {
    id: "push-stores-unmatched",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "Without a store the operator does nothing and reports nothing.",
    fix: "Labels of the stores that are meant.",
    example: "secretStoreRefs: [{labelSelector: {matchLabels: {team: gone}}}]",
};

/// A replica where the secret is.
pub(in crate::validate) static REPLICA_OF_ITSELF: Rule = Rule {
    id: "replica-of-itself",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "AWS refuses to replicate a secret to its own region, and the operator pushes no value because of it.",
    fix: "List the other regions only.",
    example: "data: [{match: {secretKey: password, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {replicationLocations: [eu-central-1]}}}]",
};
