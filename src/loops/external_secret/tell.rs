//! What is told of an ExternalSecret: its status, and Events.

use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta};
use kube::{Resource, ResourceExt};

use crate::api::Kind;
use crate::api::external_secret::{ExternalSecret, ExternalSecretSpec, ExternalSecretStatus};
use crate::events::Happening;
use crate::external_secret::due;
use crate::external_secret::names::FINALIZER;
use crate::external_secret::target::Step;
use crate::loops::damaged::{self, Words};
use crate::loops::queue::Outcome;
use crate::loops::watched::ObjectKey;
use crate::loops::write;
use crate::object_hash::version_of;

use super::error::KeepError;
use super::fetch::Fetched;
use super::reconcile::{Cause, Keeper, Next, next};
use super::status;
use super::stores::Whose;

impl Keeper {
    /// Writes the status, if it says anything new.
    pub(super) async fn tell(
        &self,
        object: &ExternalSecret,
        outcome: Result<Step, KeepError>,
        cause: Cause,
        now: Timestamp,
    ) -> Result<(Next, ExternalSecretStatus), KeepError> {
        let outcome = match outcome {
            // It is looked at again before anybody reads of it.
            Err(KeepError::Write(error)) if error.is_passing() => return Err(error.into()),
            other => other,
        };
        let mut new = status::next(object, &outcome, &version_of(&object.metadata), now);
        if cause == Cause::Touched {
            // What is kept is as old as it was.
            new.refresh_time = object.status.as_ref().and_then(|old| old.refresh_time.clone());
        }
        if let Err(error) = &outcome {
            self.failed(object, &new, error);
        }
        let api = Api::namespaced(self.client.clone(), &object.namespace().unwrap_or_default());
        write::status(&api, &self.guard, object, object.status.as_ref(), &new).await?;
        let next = match outcome {
            Ok(_) => next(due::due(
                &object.spec,
                &new,
                &version_of(&object.metadata),
                object.metadata.uid.as_deref().unwrap_or_default(),
                now,
            )),
            Err(error) if error.is_final() => due::interval(&object.spec).map_or(Next::OnChange, Next::In),
            Err(_) => Next::Failed,
        };
        Ok((next, new))
    }

    /// Tells it of one that cannot be read, if it is ours.
    pub(super) async fn tell_damaged(&self, key: &ObjectKey, cause: &str) -> Outcome {
        let words = Words {
            kind: Kind::ExternalSecret,
            reason: "SecretSyncedError",
            consequence: "its Secret is not kept",
            finalizer: Some(FINALIZER),
        };
        self.operator.gone(Kind::ExternalSecret, key);
        let is_ours =
            |metadata: &ObjectMeta, spec: &ExternalSecretSpec| match self.known.whose(metadata, spec) {
                Whose::Ours(_) | Whose::Both(_) => true,
                Whose::Nobodys | Whose::Theirs => false,
            };
        let by = (&self.client, &self.guard);
        damaged::tell::<ExternalSecret, _, ExternalSecretStatus>(by, key, words, cause, is_ours).await
    }

    pub(super) fn happened(&self, object: &ExternalSecret, step: &Step, fetched: &Fetched) {
        for at in &fetched.missing {
            let note = format!("secret does not exist at provider using {at}");
            self.event(object, false, "MissingProviderSecret", note);
        }
        match step {
            Step::Create(_) => self.event(object, false, "Created", "secret created".to_owned()),
            Step::Replace(_) => self.event(object, false, "Updated", "secret updated".to_owned()),
            Step::Delete => {
                let note = "secret deleted due to DeletionPolicy=Delete".to_owned();
                self.event(object, false, "Deleted", note);
            }
            Step::Keep | Step::Gone | Step::Retain | Step::Missing | Step::None => {}
        }
    }

    fn failed(&self, object: &ExternalSecret, new: &ExternalSecretStatus, error: &KeepError) {
        if object.status.as_ref().is_none_or(|old| old.conditions != new.conditions) {
            self.event(object, true, "UpdateFailed", error.to_string());
        }
    }

    fn event(&self, object: &ExternalSecret, is_warning: bool, reason: &str, note: String) {
        self.events.tell(Happening {
            regarding: object.object_ref(&()),
            is_warning,
            reason: reason.to_owned(),
            action: "KeepSecret",
            distinct: note.clone(),
            note,
        });
    }
}
