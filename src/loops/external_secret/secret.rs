//! The Secret at the API server: read, made, replaced, deleted.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::Api;

use crate::api::external_secret::{CreationPolicy, ExternalSecret};
use crate::cluster::{Trouble, TroubleKind};
use crate::external_secret::names::{CREATED_BY, field_manager, owner};
use crate::external_secret::target::{self, Step};
use crate::loops::watched::ObjectKey;
use crate::loops::write;

use super::error::KeepError;
use super::reconcile::Keeper;
use super::stores::is_managed;

impl Keeper {
    /// The Secret of an ExternalSecret, if there is one.
    pub(super) async fn read(&self, target: &ObjectKey) -> Result<Option<Secret>, KeepError> {
        let read = self.secrets(&target.namespace).get_opt(&target.name).await;
        read.map_err(|error| KeepError::Read { target: target.name.clone(), trouble: Trouble::from(&error) })
    }

    /// Does what was planned. The Secret as it is now, if it was written.
    pub(super) async fn apply(
        &self,
        object: &ExternalSecret,
        existing: Option<&Secret>,
        step: &Step,
    ) -> Result<Option<Secret>, KeepError> {
        let namespace = object.namespace().unwrap_or_default();
        let (api, manager) = (self.secrets(&namespace), field_manager(&object.name_any()));
        match step {
            Step::Create(new) => {
                let made = write::create(&api, &self.guard, new, &manager).await?;
                self.delete_orphans(object, &namespace).await?;
                Ok(Some(made))
            }
            Step::Replace(new) => {
                let written = write::replace(&api, &self.guard, new, &manager).await?;
                self.delete_orphans(object, &namespace).await?;
                Ok(Some(written))
            }
            // Whoever made it may not have come to that.
            Step::Keep if is_renamed(object) => self.delete_orphans(object, &namespace).await.map(|()| None),
            Step::Delete => {
                if let Some(existing) = existing {
                    write::delete(&api, &self.guard, existing).await?;
                }
                Ok(None)
            }
            Step::Keep | Step::Gone | Step::Retain | Step::Missing | Step::None => Ok(None),
        }
    }

    /// Deletes Secrets that the ExternalSecret kept under other names, once it has the one of its name. A label alone does
    /// not make one its own: it may have been copied.
    async fn delete_orphans(&self, object: &ExternalSecret, namespace: &str) -> Result<(), KeepError> {
        if object.spec.target.creation_policy != CreationPolicy::Owner {
            return Ok(());
        }
        let (target, owner) = (target::name(object), owner(namespace, &object.name_any()));
        let orphans = self.known.view.secrets.select(|key, trace| {
            key.namespace == namespace
                && key.name != target
                && is_managed(trace)
                && trace.labels.get(CREATED_BY).is_some_and(|by| *by == owner)
        });
        let api = self.secrets(namespace);
        for orphan in orphans {
            let read = api.get_metadata_opt(&orphan.name).await;
            let read = read.map_err(|error| KeepError::Read {
                target: orphan.name.clone(),
                trouble: Trouble::from(&error),
            })?;
            if let Some(found) = read.filter(|found| target::is_own(object, &found.metadata)) {
                let secret = Secret { metadata: found.metadata, ..Secret::default() };
                write::delete(&api, &self.guard, &secret).await?;
            }
        }
        Ok(())
    }

    /// The ExternalSecret is going: its Secret goes, too, if that was asked for and it is its own.
    pub(super) async fn delete_target(&self, object: &ExternalSecret) -> Result<(), KeepError> {
        let namespace = object.namespace().unwrap_or_default();
        let target = ObjectKey { namespace: namespace.clone(), name: target::name(object) };
        match self.read(&target).await {
            Ok(Some(existing)) if target::is_own(object, &existing.metadata) => {
                Ok(write::delete(&self.secrets(&namespace), &self.guard, &existing).await?)
            }
            Ok(_) => Ok(()),
            Err(KeepError::Read { trouble: Trouble { kind: TroubleKind::NotInstalled, .. }, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// Whether its status tells of a Secret of another name.
fn is_renamed(object: &ExternalSecret) -> bool {
    let binding = object.status.as_ref().and_then(|status| status.binding.as_ref());
    binding.is_some_and(|binding| binding.name != target::name(object))
}
