//! One remote secret of a PushSecret: looked at and changed until it is as it should be, while nobody else of us does the
//! same; what came of it is noted.

use std::collections::BTreeMap;

use crate::api::push_secret::PushData;
use crate::push::known::Known;
use crate::push::record::{self, Outcome};
use crate::push::removal::{self, Removal};
use crate::push::value::{Intent, Step};
use crate::push::wanted::Target;
use crate::source::remote::Remote;

use super::error::PushError;
use super::examine::{self, WantedPolicy};
use super::one::Push;
use super::reconcile::Pusher;
use super::stores::Store;
use super::{apply, audit, sources};

/// What came of one remote secret.
pub(super) struct Done {
    pub(super) store: String,
    pub(super) remote_key: String,
    pub(super) outcome: Option<Outcome>,
    pub(super) arn: Option<String>,
    pub(super) problems: Vec<PushError>,
    pub(super) changes: usize,
}

impl Push<'_> {
    /// Brings a target into step.
    pub(super) async fn target(
        &self,
        remote: &Remote,
        store: &str,
        remote_key: &str,
        target: &Target,
        recorded: &BTreeMap<String, PushData>,
    ) -> Done {
        let mut done = Done::new(store, remote_key);
        // Two PushSecrets may write properties of one secret.
        let _turn = self.pusher.turns.take((remote.access().who.place.clone(), target.name.clone())).await;
        let intent = Intent {
            update_policy: self.object.spec.update_policy,
            has_changed: self.is_new_version || !record::has(recorded, remote_key),
        };
        let had_policy = record::had_policy(recorded, remote_key);
        let policy =
            sources::wanted_policy(&self.pusher.client, self.namespace, &target.metadata, had_policy).await;
        match self.bring_into_step(remote, target, intent, &policy).await {
            Ok(applied) => {
                done.changes = applied.changed + usize::from(applied.is_written);
                done.arn = Some(applied.arn);
                let outcome =
                    if applied.problems.is_empty() { Outcome::Pushed } else { Outcome::ValuePushed };
                done.outcome = Some(outcome(target.entries.clone()));
                done.problems = applied.problems;
            }
            Err(error) => {
                if error.may_have_happened() && self.deletes() {
                    done.outcome = Some(Outcome::Begun(target.entries.clone()));
                }
                done.problems.push(error);
            }
        }
        done
    }

    /// Looks and changes until it is as it should be; a secret that was restored is looked at once more.
    async fn bring_into_step(
        &self,
        remote: &Remote,
        target: &Target,
        intent: Intent,
        policy: &WantedPolicy,
    ) -> Result<apply::Applied, PushError> {
        let Pusher { tokens, memory, guard, .. } = self.pusher;
        let uid = self.object.metadata.uid.as_deref().unwrap_or_default();
        let place = format!("{} {}", remote.access().store, target.name);
        let known = memory.known(uid, &place);
        for _ in 0..2 {
            let examined = examine::target(remote, target, intent, policy, known.as_ref(), tokens).await?;
            let is_restored = matches!(examined.value, Step::Restore);
            if let (Step::Put { .. }, Some(described)) = (&examined.value, &examined.described) {
                let wait = memory.wait(&described.arn);
                if !wait.is_zero() {
                    return Err(PushError::TooOften(wait));
                }
            }
            let applied = apply::target(remote, guard, target, examined).await?;
            if is_restored {
                continue;
            }
            if applied.is_written {
                memory.written(&applied.arn);
                audit::pushed(self, remote, &applied);
            }
            if let Some(version) = &applied.version {
                memory.remember(uid, &place, Known::new(version, &target.edit, tokens));
            }
            return Ok(applied);
        }
        Err(PushError::Vanished)
    }

    /// Takes away what is to go, but for secrets that are `kept`.
    pub(super) async fn removal(
        &self,
        remote: &Remote,
        store: &Store,
        remote_key: &str,
        removal: &Removal,
        kept: &[String],
    ) -> Done {
        let mut done = Done::new(&store.key().to_string(), remote_key);
        let Pusher { tokens, guard, turns, .. } = self.pusher;
        let name = format!("{}{remote_key}", remote.access().plan.prefix);
        let _turn = turns.take((remote.access().who.place.clone(), name.clone())).await;
        let removed = async {
            let (described, step) = examine::removal(remote, &name, removal, tokens).await?;
            let arn = described.map(|described| described.arn).unwrap_or_default();
            if kept.contains(&arn) || matches!(step, removal::Step::Nothing) {
                return Ok(0);
            }
            apply::removal(remote, guard, &arn, step, store.deletion()).await?;
            audit::removed(self, remote, &arn);
            Ok(1)
        };
        match removed.await {
            Ok(changes) => {
                done.changes = changes;
                done.outcome = Some(Outcome::Removed(removal.entries.clone()));
            }
            Err(error) => done.problems.push(error),
        }
        done
    }
}

impl Done {
    fn new(store: &str, remote_key: &str) -> Self {
        Self {
            store: store.to_owned(),
            remote_key: remote_key.to_owned(),
            outcome: None,
            arn: None,
            problems: Vec::new(),
            changes: 0,
        }
    }
}
