//! The stores that a PushSecret writes to, as far as they are known: does a selector select any?

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::super::{Context, Subject};
use crate::api::Kind;
use crate::api::common::{StoreKind, StoreRef};
use crate::api::push_secret::{PushSecretSpec, PushStoreRef};
use crate::facts::{Provider, Store, selects};
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
        let Some(store) = entry.store_ref.as_ref().filter(|store| store.name.is_empty()) else { continue };
        let nothing = selected_for(subject, &spec.secret_store_refs, store, context);
        if nothing.is_some_and(|stores| stores.is_empty()) {
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
    let Some(labels) = &store.label_selector else {
        return by_name(subject, store, context).map(|known| vec![known]);
    };
    let namespace = match store.kind {
        StoreKind::SecretStore => subject.namespace?,
        StoreKind::ClusterSecretStore => "",
    };
    let known = context.facts.stores(store.kind);
    if !known.is_complete_in(namespace) {
        return None;
    }
    let stores = known.within(namespace).map(|(_, store)| store);
    Some(stores.filter(|store| !store.is_deleting && selects(labels, &store.labels)).collect())
}

/// Those of `listed` that an entry of `dataTo` means: a name counts before labels there. None if not all are known.
pub(super) fn selected_for<'a>(
    subject: &Subject<'_>,
    listed: &[PushStoreRef],
    store: &PushStoreRef,
    context: &Context<'a>,
) -> Option<Vec<&'a Store>> {
    if !store.name.is_empty() {
        return by_name(subject, store, context).map(|known| vec![known]);
    }
    let labels = store.label_selector.as_ref()?;
    let of_kind = listed.iter().filter(|listed| listed.kind == store.kind);
    let known: Option<Vec<_>> = of_kind.map(|listed| selected(subject, listed, context)).collect();
    Some(known?.into_iter().flatten().filter(|known| selects(labels, &known.labels)).collect())
}

fn by_name<'a>(subject: &Subject<'_>, store: &PushStoreRef, context: &Context<'a>) -> Option<&'a Store> {
    let store = StoreRef { name: store.name.clone(), kind: Some(store.kind) };
    context.facts.store(subject.namespace, &store).found()
}

/// Whether rules of AWS apply to what is written through a reference.
pub(in crate::validate) fn may_be_aws(
    subject: &Subject<'_>,
    store: &PushStoreRef,
    context: &Context<'_>,
) -> bool {
    is_one_of_aws(subject, selected(subject, store, context))
}

/// The same of an entry of `dataTo`.
pub(in crate::validate) fn entry_may_be_aws(
    subject: &Subject<'_>,
    listed: &[PushStoreRef],
    store: &PushStoreRef,
    context: &Context<'_>,
) -> bool {
    is_one_of_aws(subject, selected_for(subject, listed, store, context))
}

fn is_one_of_aws(subject: &Subject<'_>, stores: Option<Vec<&Store>>) -> bool {
    match stores {
        Some(stores) if !stores.is_empty() => stores.iter().any(|store| subject.may_be_aws(store.provider())),
        _ => subject.may_be_aws(Provider::Unknown),
    }
}

fn labels_in_short(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    labels.collect::<Vec<_>>().join(",")
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&PUSH_STORES_UNMATCHED];

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
