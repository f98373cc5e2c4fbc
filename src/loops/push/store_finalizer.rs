//! The finalizer of stores: External Secrets Operator's. A store stays for as long as a PushSecret with
//! `deletionPolicy: Delete` names it, or has pushed there: without the store nobody could delete what was pushed.

use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::api::common::StoreKind;
use crate::api::push_secret::{PushDeletionPolicy, PushSecret};
use crate::api::secret_store::{ClusterSecretStore, SecretStore};
use crate::cluster::Trouble;
use crate::leader::Guard;

use super::error::PushError;
use super::stores::{Store, select};

const FINALIZER: &str = "secretstore.externalsecrets.io/finalizer";

/// What is to be done about a store's finalizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Add,
    Remove,
}

/// Whether a PushSecret keeps a store: `object` is of a namespace that sees the store.
fn keeps(object: &PushSecret, store: &Store) -> bool {
    if object.spec.deletion_policy != PushDeletionPolicy::Delete {
        return false;
    }
    let recorded = object.status.as_ref().map(|status| &status.synced_push_secrets);
    if recorded.is_some_and(|recorded| recorded.contains_key(&store.key().to_string())) {
        return true;
    }
    // One that is going and has pushed nothing there needs nothing there.
    let is_named =
        || !select(&object.spec.secret_store_refs, std::slice::from_ref(store), |_| true).ours.is_empty();
    object.metadata.deletion_timestamp.is_none() && is_named()
}

fn step(store: &Store, is_kept: bool) -> Step {
    let has_it = store.finalizers.iter().any(|one| one == FINALIZER);
    match (is_kept, has_it, store.is_leaving) {
        (true, false, false) => Step::Add,
        (false, true, _) => Step::Remove,
        (true, true, _) | (true, false, true) | (false, false, _) => Step::Nothing,
    }
}

/// Brings a store's finalizer into step with the PushSecrets that see the store. `is_unsure`: there may be others, so it
/// stays where it is.
pub(super) async fn keep<'p>(
    client: &Client,
    guard: &Guard,
    store: &Store,
    mut pushes: impl Iterator<Item = &'p PushSecret>,
    is_unsure: bool,
) -> Result<(), PushError> {
    let others = store.finalizers.iter().map(String::as_str).filter(|one| *one != FINALIZER);
    let finalizers: Vec<&str> = match step(store, pushes.any(|object| keeps(object, store))) {
        Step::Nothing => return Ok(()),
        Step::Remove if is_unsure => return Ok(()),
        Step::Add => others.chain([FINALIZER]).collect(),
        Step::Remove => others.collect(),
    };
    let patch = json!({ "metadata": { "resourceVersion": store.version, "finalizers": finalizers } });
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
    let name = &store.id.name;
    let written = match store.id.kind {
        StoreKind::SecretStore => {
            let api = Api::<SecretStore>::namespaced(client.clone(), &store.id.namespace);
            guard.write(api.patch(name, &parameters, &patch)).await?.map(drop)
        }
        StoreKind::ClusterSecretStore => {
            let api = Api::<ClusterSecretStore>::all(client.clone());
            guard.write(api.patch(name, &parameters, &patch)).await?.map(drop)
        }
    };
    written.map_err(|error| PushError::Cluster {
        object: format!("finalizers of {}", store.id),
        trouble: Trouble::from(&error),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::plan::StoreId;

    fn store(finalizers: &[&str], is_leaving: bool) -> Store {
        Store {
            id: StoreId::seen_from("ns", StoreKind::SecretStore, "aws"),
            is_ours: true,
            labels: [].into_iter().collect(),
            is_leaving,
            finalizers: finalizers.iter().map(|one| (*one).to_owned()).collect(),
            version: None,
            generation: None,
            spec: Arc::default(),
        }
    }

    #[test]
    fn a_store_is_kept_by_those_that_would_delete_something_there() {
        let object = |spec: &str, status: &str, is_leaving: bool| -> PushSecret {
            let stamp = if is_leaving { r#","deletionTimestamp":"2026-01-01T00:00:00Z""# } else { "" };
            let text = format!(
                r#"{{"apiVersion":"external-secrets.io/v1alpha1","kind":"PushSecret",
                    "metadata":{{"name":"p"{stamp}}},"spec":{spec},"status":{status}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let named = r#"{"deletionPolicy":"Delete","secretStoreRefs":[{"name":"aws"}],"selector":{}}"#;
        let other = r#"{"deletionPolicy":"Delete","secretStoreRefs":[{"name":"other"}],"selector":{}}"#;
        let keeping = r#"{"secretStoreRefs":[{"name":"aws"}],"selector":{}}"#;
        let pushed = r#"{"syncedPushSecrets":{"SecretStore/aws":{}}}"#;
        for (spec, status, is_leaving, expected) in [
            (named, "{}", false, true),
            (named, "{}", true, false),
            (named, pushed, true, true),
            (other, "{}", false, false),
            (other, pushed, false, true),
            (keeping, pushed, false, false),
        ] {
            let kept = keeps(&object(spec, status, is_leaving), &store(&[], false));
            assert_eq!(kept, expected, "{spec} {status} {is_leaving}");
        }
    }

    #[test]
    fn a_finalizer_comes_and_goes_but_not_onto_a_store_that_leaves() {
        for (finalizers, is_leaving, is_kept, expected) in [
            (&[][..], false, true, Step::Add),
            (&[], true, true, Step::Nothing),
            (&[FINALIZER, "x"], true, true, Step::Nothing),
            (&[FINALIZER, "x"], true, false, Step::Remove),
            (&["x"], false, false, Step::Nothing),
        ] {
            assert_eq!(step(&store(finalizers, is_leaving), is_kept), expected, "{finalizers:?}");
        }
    }
}
