//! What has to be deleted one day is written down before it is made: whoever goes on after a crash may find the PushSecret
//! being deleted, and would not know what there is. What is not made after all is taken back in the end.

use std::borrow::Cow;

use futures_util::{StreamExt, stream};
use kube::api::Api;

use crate::loops::write;
use crate::push::record::{self, Outcome};
use crate::push::value::{Intent, Step};
use crate::push::wanted::{Source, Target, wanted};
use crate::source::remote::Remote;

use super::error::PushError;
use super::examine::{self, WantedPolicy};
use super::one::{Push, TOGETHER};
use super::stores::Store;

impl Push<'_> {
    /// Writes it into the status. Where nothing is new, nothing is asked and nothing is written.
    pub(super) async fn begin(&mut self, sources: &[Source], stores: &[Store]) -> Result<(), PushError> {
        if !self.deletes() {
            return Ok(());
        }
        let old = self.object.status.clone().unwrap_or_default();
        let mut begun = old.clone();
        for store in stores {
            // A store that cannot be reached is told of later; nothing is made there.
            let Ok(remote) = self.reach(store).await else { continue };
            let key = store.key().to_string();
            for (remote_key, target) in self.to_be_made(store, &remote, sources).await {
                let outcome = Outcome::Begun(target.entries);
                record::note(&mut begun.synced_push_secrets, &key, &remote_key, outcome);
            }
        }
        let api = Api::namespaced(self.pusher.client.clone(), self.namespace);
        let written = write::status(&api, &self.pusher.guard, &*self.object, Some(&old), &begun).await?;
        if let Some(written) = written {
            self.object = Cow::Owned(written);
        }
        Ok(())
    }

    /// Targets that are not recorded, and that will be made or changed.
    async fn to_be_made(&self, store: &Store, remote: &Remote, sources: &[Source]) -> Vec<(String, Target)> {
        let recorded = self.recorded.get(&store.key().to_string());
        let is_recorded = |key: &String| recorded.is_some_and(|recorded| recorded.contains_key(key));
        let destination = store.destination(&remote.access().plan.prefix);
        let targets = wanted(&self.object.spec, sources, &destination).targets.into_iter();
        let new = targets.filter(|(_, target)| !target.entries.keys().all(is_recorded));
        let looked_at = stream::iter(new).map(|(remote_key, target)| async move {
            self.is_to_be_made(remote, &target).await.then_some((remote_key, target))
        });
        looked_at.buffer_unordered(TOGETHER).filter_map(std::future::ready).collect().await
    }

    async fn is_to_be_made(&self, remote: &Remote, target: &Target) -> bool {
        let intent = Intent { update_policy: self.object.spec.update_policy, has_changed: true };
        let tokens = &self.pusher.tokens;
        let examined = examine::target(remote, target, intent, &WantedPolicy::Unmanaged, None, tokens).await;
        examined.is_ok_and(|examined| match examined.value {
            Step::Create { .. } | Step::Put { .. } | Step::Restore => true,
            Step::Nothing | Step::Read => false,
        })
    }
}
