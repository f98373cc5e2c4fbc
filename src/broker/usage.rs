//! Whether a pod's ServiceAccount holds the verb `use` on a store, by the API server's word.

use std::time::Duration;

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::Client;
use kube::api::{Api, PostParams};

use super::api::{self, SHORT};
use super::identity::Caller;
use super::kept::{Kept, Limits};
use super::reason::{Denial, Reason};
use crate::api::common::StoreKind;
use crate::api::{GROUP, Kind};
use crate::source::plan::StoreId;

/// The verb.
const USE: &str = "use";
/// How long the API server's word is believed.
const LASTS: Duration = Duration::from_secs(10);
/// Pairs of ServiceAccount and store that are remembered. Names are short: longer ones are no names of stores.
const LIMITS: Limits<Result<(), Denial>> = Limits { most: 20_000, bytes: 32 << 20, weigh: |_| 1024 };

/// Who may use what, as far as somebody asked lately.
#[derive(Debug)]
pub(super) struct Uses {
    reviews: Api<SubjectAccessReview>,
    kept: Kept<(String, Option<String>, StoreId), Result<(), Denial>>,
}

impl Uses {
    pub(super) fn new(client: Client) -> Self {
        Self { reviews: Api::all(client), kept: Kept::new(LIMITS) }
    }

    /// Whether a caller's ServiceAccount may use a store.
    pub(super) async fn check(&self, caller: &Caller, store: &StoreId) -> Result<(), Denial> {
        let key = (caller.user.clone(), caller.user_uid.clone(), store.clone());
        self.kept.get(&key, || self.ask(caller, store)).await
    }

    async fn ask(&self, caller: &Caller, store: &StoreId) -> (Result<(), Denial>, Duration) {
        let review = SubjectAccessReview { spec: spec(caller, store), ..SubjectAccessReview::default() };
        let parameters = PostParams::default();
        match api::answer("a review of the access", self.reviews.create(&parameters, &review)).await {
            Ok(review) if review.status.as_ref().is_some_and(|status| status.allowed) => (Ok(()), LASTS),
            Ok(_) => {
                let message = format!(
                    "ServiceAccount {}/{} does not hold the verb {USE} on {store}",
                    caller.namespace, caller.account
                );
                (Err(Denial::new(Reason::StoreUseDenied, message)), LASTS)
            }
            Err(denial) => (Err(denial), SHORT),
        }
    }
}

fn spec(caller: &Caller, store: &StoreId) -> SubjectAccessReviewSpec {
    let (kind, namespace) = match store.kind {
        StoreKind::SecretStore => (Kind::SecretStore, Some(store.namespace.clone())),
        StoreKind::ClusterSecretStore => (Kind::ClusterSecretStore, None),
    };
    SubjectAccessReviewSpec {
        user: Some(caller.user.clone()),
        uid: caller.user_uid.clone(),
        groups: Some(caller.groups.clone()),
        resource_attributes: Some(ResourceAttributes {
            verb: Some(USE.to_owned()),
            group: Some(GROUP.to_owned()),
            resource: Some(kind.plural().to_owned()),
            name: Some(store.name.clone()),
            namespace,
            ..ResourceAttributes::default()
        }),
        ..SubjectAccessReviewSpec::default()
    }
}
