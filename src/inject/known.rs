//! What a pod needs of others, judged by what is known of them. Without the fact, silence.

use super::{Code, Needs};
use crate::api::common::{StoreKind, StoreRef};
use crate::facts::{self, Facts, Lookup};
use crate::field::Field;
use crate::finding::Report;
use crate::reference::Store;

/// Checks stores and ExternalSecrets that a pod of this namespace needs.
pub fn check(needs: &Needs, namespace: &str, facts: &Facts, report: &mut Report) {
    for (store, field) in &needs.stores {
        check_store(store, namespace, facts, &Field::Path(field), report);
    }
    for (name, field) in &needs.external_secrets {
        if facts.external_secrets.get(namespace, name).is_absent() {
            let cause = "there is no ExternalSecret of this name in the pod's namespace";
            report.text(Code::ExternalSecretNotFound.rule(), &Field::Path(field), name, cause);
        }
    }
}

fn check_store(store: &Store, namespace: &str, facts: &Facts, at: &Field<'_>, report: &mut Report) {
    let reference = StoreRef { name: store.name.clone(), kind: Some(store.kind) };
    match facts.store(Some(namespace), &reference) {
        Lookup::Found(known) => check_found(store, known, namespace, facts, at, report),
        Lookup::Absent => {
            let other = match store.kind {
                StoreKind::SecretStore => StoreKind::ClusterSecretStore,
                StoreKind::ClusterSecretStore => StoreKind::SecretStore,
            };
            let elsewhere = StoreRef { name: store.name.clone(), kind: Some(other) };
            let meant = Store { kind: other, name: store.name.clone() };
            let cause = match facts.store(Some(namespace), &elsewhere).found() {
                Some(_) => format!("there is no such {}; did you mean {meant}?", store.kind.as_str()),
                None => {
                    format!("there is no such {} here; create it, or correct the name", store.kind.as_str())
                }
            };
            report.text(Code::StoreNotFound.rule(), at, &store.to_string(), cause);
        }
        Lookup::Unknown => {}
    }
}

fn check_found(
    store: &Store,
    known: &facts::Store,
    namespace: &str,
    facts: &Facts,
    at: &Field<'_>,
    report: &mut Report,
) {
    let name = store.to_string();
    if !known.is_aws {
        let cause = "is no store of AWS Secrets Manager, which is all that pods are served from";
        return report.text(Code::StoreNotAllowed.rule(), at, &name, cause);
    }
    if store.kind == StoreKind::ClusterSecretStore
        && facts.admits(&known.conditions, namespace) == Some(false)
    {
        let cause = format!("the store's conditions do not admit namespace {namespace:?}");
        report.text(Code::StoreNotAllowed.rule(), at, &name, cause);
    }
    if known.is_ready == Some(false) {
        report.text(Code::StoreNotReady.rule(), at, &name, "is not ready; its status and events say why");
    }
}
