//! Replicas of what a PushSecret writes: is one where the secret itself is?

use super::super::push_secret::metadata as push_metadata;
use super::super::{Context, Subject};
use super::push_stores::{selected, selected_for};
use crate::api::Kind;
use crate::api::push_metadata::Metadata;
use crate::api::push_secret::PushSecretSpec;
use crate::aws::region;
use crate::facts::Store;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks replicas against the regions of the stores that each entry is written to.
pub(super) fn check(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let listed = &spec.secret_store_refs;
    let all: Vec<&Store> =
        listed.iter().filter_map(|store| selected(subject, store, context)).flatten().collect();
    let list = at.key("data");
    for (index, entry) in spec.data.iter().enumerate() {
        check_entry(entry.metadata.as_ref(), &all, &list.index(index), report);
    }
    let list = at.key("dataTo");
    for (index, entry) in spec.data_to.iter().enumerate() {
        let Some(store) = &entry.store_ref else { continue };
        let stores = selected_for(subject, listed, store, context).unwrap_or_default();
        check_entry(entry.metadata.as_ref(), &stores, &list.index(index), report);
    }
}

fn check_entry(written: Option<&Metadata>, stores: &[&Store], at: &Field<'_>, report: &mut Report) {
    // The cheaper question first: metadata takes time to read.
    let Some(written) = written.filter(|_| stores.iter().any(|store| store.is_aws)) else { return };
    let metadata = push_metadata::meaning(written);
    for (place, region) in metadata.replication_locations.iter().flatten().enumerate() {
        let is_own = |store: &&Store| {
            store.is_aws && region::without_fips(&store.region) == region::without_fips(region)
        };
        if stores.iter().any(is_own) {
            let cause = "the store's own region, which holds the secret itself; remove it";
            let at = at.key("metadata");
            let at = push_metadata::place(written, &at);
            report.text(&REPLICA_OF_ITSELF, &at.key("replicationLocations").index(place), region, cause);
        }
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&REPLICA_OF_ITSELF];

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
