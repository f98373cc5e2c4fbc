//! Rules about the stores that are named: there, ready, of this kind, prefix and region, and willing.

use super::super::{Context, Subject};
use super::namespaces;
use crate::api::Kind;
use crate::api::common::{StoreKind, StoreRef};
use crate::api::push_secret::{PushSecretSpec, PushStoreRef};
use crate::aws::{arn, region};
use crate::facts::{Lookup, Store, selects};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};
use crate::suggest;

/// Checks that the store exists, is of that kind, works, and may be used from here.
pub(in crate::validate) fn check_ref(
    subject: &Subject<'_>,
    store: &StoreRef,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    match context.facts.store(subject.namespace, store) {
        Lookup::Found(known) => check_use(subject, store, known, at, context, report),
        known => check_kind(subject, store, known.is_absent(), at, context, report),
    }
}

fn check_use(
    subject: &Subject<'_>,
    store: &StoreRef,
    known: &Store,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    if store.kind == Some(StoreKind::ClusterSecretStore)
        && let Some(namespace) = subject.namespace
        && namespaces::admits(&known.conditions, namespace, context) == Some(false)
    {
        let cause = format!("the store's conditions do not admit namespace {namespace:?}");
        report.text(&STORE_CONDITIONS, &at.key("name"), &store.name, cause);
    }
    if known.is_ready == Some(false) {
        let cause = "the store is not ready; its status and events say why";
        report.text(&STORE_NOT_READY, &at.key("name"), &store.name, cause);
    }
    if known.is_aws
        && known.is_ready.is_none()
        && let Some(cause) = nobody_runs(&known.controller, context)
    {
        report.text(&STORE_CONTROLLER, &at.key("name"), &store.name, format!("the store's {cause}"));
    }
}

/// A name that only the other kind has.
fn check_kind(
    subject: &Subject<'_>,
    store: &StoreRef,
    is_absent: bool,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let kind = store.kind.unwrap_or_default();
    let other = match kind {
        StoreKind::SecretStore => StoreKind::ClusterSecretStore,
        StoreKind::ClusterSecretStore => StoreKind::SecretStore,
    };
    let elsewhere = StoreRef { name: store.name.clone(), kind: Some(other) };
    let cause = if context.facts.store(subject.namespace, &elsewhere).found().is_some() {
        format!(
            "there is no {} of this name, but a {other}; add kind: {other}",
            kind.as_str(),
            other = other.as_str()
        )
    } else if is_absent {
        format!("there is no {} of this name; create it, or correct the name", kind.as_str())
    } else {
        return;
    };
    report.text(&STORE_UNKNOWN, &at.key("name"), &store.name, cause);
}

/// Checks the class of controllers that a store is for.
pub(super) fn check_controller(
    subject: &Subject<'_>,
    controller: &str,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let kind = if subject.kind == Kind::ClusterSecretStore {
        StoreKind::ClusterSecretStore
    } else {
        StoreKind::SecretStore
    };
    let own = subject
        .name
        .and_then(|name| context.facts.stores(kind).get(subject.namespace.unwrap_or_default(), name).found());
    if own.is_some_and(|own| &*own.controller == controller && own.is_ready.is_some()) {
        return; // somebody has looked at it
    }
    if let Some(cause) = nobody_runs(controller, context) {
        report.text(&STORE_CONTROLLER, at, controller, cause);
    }
}

/// Controllers write a status into their stores. A class whose stores have none, where those of others do, is nobody's.
fn nobody_runs(controller: &str, context: &Context<'_>) -> Option<String> {
    let facts = context.facts;
    if controller.is_empty()
        || controller == OWN_CLASS
        || !(facts.secret_stores.is_complete && facts.cluster_secret_stores.is_complete)
    {
        return None;
    }
    let stores = facts.secret_stores.all().chain(facts.cluster_secret_stores.all());
    let running: std::collections::BTreeSet<&str> = stores
        .filter(|(_, _, store)| store.is_ready.is_some())
        .map(|(_, _, store)| &*store.controller)
        .collect();
    if running.is_empty() || running.contains(controller) {
        return None;
    }
    Some(match suggest::nearest(controller, running.iter().copied().filter(|class| !class.is_empty())) {
        Some(near) => {
            format!("controller class {controller:?} is run by nobody, it seems; did you mean {near}?")
        }
        None => {
            format!("controller class {controller:?} is run by nobody, it seems: no store of it has a status")
        }
    })
}

/// The class of our own loops.
const OWN_CLASS: &str = "keyhatch";

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
fn selected<'a>(
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
        Some(_) if !known.is_complete => None,
        Some(labels) => {
            let stores = known.within(namespace).map(|(_, store)| store);
            Some(stores.filter(|store| !store.is_deleting && selects(labels, &store.labels)).collect())
        }
    }
}

fn labels_in_short(selector: &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    labels.collect::<Vec<_>>().join(",")
}

/// Checks a key that is an ARN against the store's prefix and region.
pub(in crate::validate) fn check_key(
    subject: &Subject<'_>,
    store: Option<&StoreRef>,
    key: &str,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(arn) = arn::parse(key) else { return };
    let Some(known) = store.and_then(|store| context.facts.store(subject.namespace, store).found()) else {
        return;
    };
    if !known.prefix.is_empty() {
        let cause = format!(
            "the operator puts the store's prefix {:?} before the ARN and finds nothing; write the name",
            known.prefix
        );
        report.text(&KEY_PREFIX, &at.key("key"), key, cause);
    }
    if known.is_aws && !known.region.is_empty() && region::without_fips(&known.region) != arn.region {
        let cause = format!("the store reads region {}, not {}", known.region, arn.region);
        report.text(&KEY_REGION, &at.key("key"), key, cause);
    }
}

/// Checks a search against the store's prefix.
pub(in crate::validate) fn check_find(
    subject: &Subject<'_>,
    store: Option<&StoreRef>,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(known) = store.and_then(|store| context.facts.store(subject.namespace, store).found()) else {
        return;
    };
    if !known.prefix.is_empty() {
        let cause = format!(
            "the operator mishandles the store's prefix {:?} in searches: it is put twice, or left out; use a store without prefix",
            known.prefix
        );
        report.missing(&KEY_PREFIX, at, cause);
    }
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
        let metadata = super::super::push_secret::metadata::read(value, &Field::Root, &mut Report::default());
        for region in metadata.replication_locations.iter().flatten() {
            if regions.iter().any(|own| region::without_fips(own) == region::without_fips(region)) {
                let cause = "the store's own region, which holds the secret itself; remove it";
                report.text(&REPLICA_OF_ITSELF, &list.index(index).key("metadata"), region, cause);
            }
        }
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[
    &STORE_UNKNOWN,
    &STORE_CONDITIONS,
    &STORE_NOT_READY,
    &STORE_CONTROLLER,
    &KEY_REGION,
    &KEY_PREFIX,
    &PUSH_STORES_UNMATCHED,
    &REPLICA_OF_ITSELF,
];

/// A store that is not there.
pub(crate) static STORE_UNKNOWN: Rule = Rule {
    id: "store-unknown",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "The status says only that the secret data could not be got.",
    fix: "Name an existing store, with its kind.",
    example: "secretStoreRef: {name: gone}",
};

/// A store that does not serve this namespace.
pub(crate) static STORE_CONDITIONS: Rule = Rule {
    id: "store-conditions",
    level: Level::Warn,
    reason: Reason::Forbidden,
    kind: Kind::ExternalSecret,
    why: "The operator refuses to use the store from this namespace.",
    fix: "Ask the store's owner to admit the namespace.",
    example: "secretStoreRef: {name: of-team-b, kind: ClusterSecretStore}",
};

/// An ARN of another region.
pub(crate) static KEY_REGION: Rule = Rule {
    id: "key-region",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "A store reads one region: the secret is not found.",
    fix: "Use a store of the secret's region.",
    example: "data: [{secretKey: a, remoteRef: {key: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf'}}]",
};

/// A key or search that the prefix spoils.
pub(crate) static KEY_PREFIX: Rule = Rule {
    id: "key-prefix",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "The operator glues the prefix to ARNs, and puts it twice or not at all in searches.",
    fix: "Names without the prefix; a store without prefix for ARNs and searches.",
    example: "secretStoreRef: {name: prefixed}\ndataFrom: [{find: {name: {regexp: ^db}}}]",
};

/// A replica where the secret is.
pub(crate) static REPLICA_OF_ITSELF: Rule = Rule {
    id: "replica-of-itself",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Kind::PushSecret,
    why: "AWS refuses to replicate a secret to its own region, and the operator pushes no value because of it.",
    fix: "List the other regions only.",
    example: "data: [{match: {secretKey: password, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {replicationLocations: [eu-central-1]}}}]",
};

/// A store that does not work.
pub(crate) static STORE_NOT_READY: Rule = Rule {
    id: "store-not-ready",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::ExternalSecret,
    why: "The operator does not read through a store that is not ready: nothing is fetched until it is.",
    fix: "Mend the store first: its condition Ready has the cause, or its events.",
    example: "secretStoreRef: {name: broken}",
};

/// A store that no controller looks at.
pub(crate) static STORE_CONTROLLER: Rule = Rule {
    id: "store-controller",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::SecretStore,
    why: "Every controller skips a store of another class, and all that uses it, without a status or an event.",
    fix: "Leave controller out, or name a class that a controller runs with (`--controller-class`).",
    example: "controller: nobody",
};

/// Labels that no store has.
pub(crate) static PUSH_STORES_UNMATCHED: Rule = Rule {
    id: "push-stores-unmatched",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Kind::PushSecret,
    why: "Without a store the operator does nothing and reports nothing.",
    fix: "Labels of the stores that are meant.",
    example: "secretStoreRefs: [{labelSelector: {matchLabels: {team: gone}}}]",
};
