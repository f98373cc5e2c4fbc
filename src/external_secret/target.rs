//! The Secret of an ExternalSecret: what it is now and the values that were fetched in, what is to be done out.
//!
//! Everything is as the operator does it, down to the field manager, so that an ExternalSecret that changes hands changes
//! nothing. But for one thing: labels and annotations that the ExternalSecret has no more are removed for names of any
//! length, and a Secret is deleted only if it is this ExternalSecret's own.

mod ownership;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::ObjectMeta;
use thiserror::Error;

use super::names::{CREATED_BY, DATA_HASH, MANAGED, field_manager, owner};
use super::owned::{Owned, owned};
use crate::api::common::Condition;
use crate::api::external_secret::{CreationPolicy, DeletionPolicy, ExternalSecret};
use crate::extract::Values;
use crate::object_hash::data_hash;
pub use ownership::{controller, is_own};
use ownership::{own, release};

/// The reason of the condition Ready, as the operator has it, while a Secret that another makes is not there.
pub const MISSING: &str = "SecretMissing";
/// Bytes of data that a Secret can have, without its keys: Kubernetes' `MaxSecretSize`.
const LARGEST: usize = 1024 * 1024;

/// What is to be done with the Secret. It is printed without the Secret: Kubernetes' own type would show its values.
pub enum Step {
    /// It is as it should be.
    Keep,
    /// There is none.
    Create(Box<Secret>),
    /// It differs; this carries the version that was read.
    Replace(Box<Secret>),
    /// Nothing was found at AWS, so it goes.
    Delete,
    /// Nothing was found at AWS, and it is gone.
    Gone,
    /// Nothing was found at AWS, and what there is stays.
    Retain,
    /// It is somebody else's to make, and is not there.
    Missing,
    /// No Secret is wanted.
    None,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Create(_) => "Create",
            Self::Replace(_) => "Replace",
            Self::Delete => "Delete",
            Self::Gone => "Gone",
            Self::Retain => "Retain",
            Self::Missing => "Missing",
            Self::None => "None",
        })
    }
}

/// Why the Secret cannot be what the ExternalSecret says.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TargetError {
    #[error(
        "target is owned by another ExternalSecret: Secret {target} is {name}'s; name another one in spec.target.name"
    )]
    OwnedByAnother { target: String, name: String },
    #[error(
        "failed to take ownership of target secret: Secret {target} is controlled by {kind} {name}; set \
         spec.target.creationPolicy to Orphan or Merge, or name another one in spec.target.name"
    )]
    Controlled { target: String, kind: String, name: String },
    #[error(
        "could not update secret, target is immutable: the values in AWS are others than those of Secret {target}; delete it, \
         and it is made anew (with creationPolicy Merge by whoever made it)"
    )]
    Immutable { target: String },
    #[error(
        "could not update secret: Secret {target} would have {size} bytes of data, and Kubernetes takes no more than {LARGEST}; \
         take fewer entries, or split them among several ExternalSecrets"
    )]
    TooLarge { target: String, size: usize },
    #[error(
        "could not delete secret: AWS has nothing for it, and Secret {target} is not this ExternalSecret's own; \
         deletionPolicy Delete needs creationPolicy Owner"
    )]
    NotOwn { target: String },
}

/// The name of the Secret that an ExternalSecret keeps.
pub fn name(object: &ExternalSecret) -> String {
    match object.spec.target.name.as_str() {
        "" => object.name_any(),
        name => name.to_owned(),
    }
}

/// Whether a Secret is as it was written last, so that there is no reason to fetch anything before the time. One that
/// nobody keeps is always so, and one that is another's to make, once it was told that it is not there.
pub fn is_intact(object: &ExternalSecret, existing: Option<&Secret>) -> bool {
    match object.spec.target.creation_policy {
        CreationPolicy::Orphan | CreationPolicy::None => return true,
        CreationPolicy::Merge if existing.is_none() => return is_told_missing(object),
        CreationPolicy::Owner | CreationPolicy::CreateOrMerge | CreationPolicy::Merge => {}
    }
    let Some(existing) = existing else { return false };
    let none = BTreeMap::new();
    let hash = data_hash(existing.data.as_ref().unwrap_or(&none));
    existing.labels().get(MANAGED).is_some_and(|managed| managed == "true")
        && existing.annotations().get(DATA_HASH) == Some(&hash)
}

fn is_told_missing(object: &ExternalSecret) -> bool {
    let conditions = object.status.as_ref().map(|status| status.conditions.as_slice());
    let ready = Condition::ready(conditions.unwrap_or_default());
    ready.is_some_and(|ready| ready.reason.as_deref() == Some(MISSING))
}

/// What is to be done.
///
/// # Errors
/// A Secret that is another's, does not change, or would be too large.
pub fn plan(
    object: &ExternalSecret,
    existing: Option<&Secret>,
    values: &Values,
) -> Result<Step, TargetError> {
    let spec = &object.spec.target;
    if values.is_empty() {
        match spec.deletion_policy {
            DeletionPolicy::Retain => return Ok(Step::Retain),
            DeletionPolicy::Delete => return deletion(object, existing),
            DeletionPolicy::Merge => {}
        }
    }
    if spec.creation_policy == CreationPolicy::None {
        return Ok(Step::None);
    }
    let Some(existing) = existing else {
        if spec.creation_policy == CreationPolicy::Merge {
            return Ok(Step::Missing);
        }
        let metadata =
            ObjectMeta { name: Some(name(object)), namespace: object.namespace(), ..ObjectMeta::default() };
        let new = Secret { metadata, ..Secret::default() };
        return Ok(Step::Create(Box::new(changed(object, new, values)?)));
    };
    let new = changed(object, existing.clone(), values)?;
    Ok(if is_same(&new, existing) { Step::Keep } else { Step::Replace(Box::new(new)) })
}

fn deletion(object: &ExternalSecret, existing: Option<&Secret>) -> Result<Step, TargetError> {
    match existing {
        None => Ok(Step::Gone),
        Some(existing) if is_own(object, &existing.metadata) => Ok(Step::Delete),
        Some(_) => Err(TargetError::NotOwn { target: name(object) }),
    }
}

/// A Secret as the ExternalSecret wants it.
fn changed(object: &ExternalSecret, mut secret: Secret, values: &Values) -> Result<Secret, TargetError> {
    let spec = &object.spec.target;
    let is_fixed = secret.immutable == Some(true);
    let had = owned(&secret.metadata, &field_manager(&object.name_any()));
    let before = secret.data.take().unwrap_or_default();
    let wanted = data(before.clone(), &had, spec.creation_policy, values);
    if is_fixed && wanted != before {
        return Err(TargetError::Immutable { target: name(object) });
    }
    let size = wanted.values().map(|value| value.0.len()).sum();
    if size > LARGEST {
        return Err(TargetError::TooLarge { target: name(object), size });
    }
    let hash = data_hash(&wanted);
    secret.data = Some(wanted);
    if spec.immutable {
        secret.immutable = Some(true);
    }
    describe(object, &mut secret.metadata, &had);
    let metadata = &mut secret.metadata;
    if spec.creation_policy == CreationPolicy::Owner {
        own(object, metadata)?;
        let owner = owner(&object.namespace().unwrap_or_default(), &object.name_any());
        metadata.labels.get_or_insert_default().insert(CREATED_BY.to_owned(), owner);
    } else {
        release(object, metadata)?;
        metadata.labels.get_or_insert_default().remove(CREATED_BY);
    }
    metadata.labels.get_or_insert_default().insert(MANAGED.to_owned(), "true".to_owned());
    metadata.annotations.get_or_insert_default().insert(DATA_HASH.to_owned(), hash);
    Ok(secret)
}

/// What others have put there stays where the Secret is filled, and goes where it is kept.
fn data(
    mut data: BTreeMap<String, ByteString>,
    had: &Owned,
    policy: CreationPolicy,
    values: &Values,
) -> BTreeMap<String, ByteString> {
    match policy {
        CreationPolicy::Merge | CreationPolicy::CreateOrMerge => {
            data.retain(|key, _| !had.data.contains(key))
        }
        CreationPolicy::Owner | CreationPolicy::Orphan | CreationPolicy::None => data.clear(),
    }
    data.extend(values.iter().map(|(key, value)| (key.clone(), ByteString(value.expose().to_vec()))));
    data
}

/// Labels and annotations are the ExternalSecret's, beside those of others.
fn describe(object: &ExternalSecret, metadata: &mut ObjectMeta, had: &Owned) {
    let labels = metadata.labels.get_or_insert_default();
    labels.retain(|key, _| !had.labels.contains(key));
    labels.extend(object.labels().clone());
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.retain(|key, _| !had.annotations.contains(key));
    annotations.extend(object.annotations().clone());
}

/// Whether writing one in the place of the other would change nothing.
fn is_same(new: &Secret, old: &Secret) -> bool {
    let data = |secret: &Secret| secret.data.clone().filter(|data| !data.is_empty());
    data(new) == data(old)
        && new.immutable.unwrap_or(false) == old.immutable.unwrap_or(false)
        && new.labels() == old.labels()
        && new.annotations() == old.annotations()
        && new.owner_references() == old.owner_references()
}
