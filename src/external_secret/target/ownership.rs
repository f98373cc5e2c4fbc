//! Whose a Secret is: its owner references.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt;
use kube::api::ObjectMeta;

use super::{TargetError, name};
use crate::api::external_secret::ExternalSecret;
use crate::external_secret::names::{API_VERSION, KIND};

/// Who controls an object.
pub fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|reference| reference.controller == Some(true))
}

/// Whether an object is controlled by this very ExternalSecret.
pub fn is_own(object: &ExternalSecret, metadata: &ObjectMeta) -> bool {
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    !uid.is_empty() && controller(metadata).is_some_and(|controller| controller.uid == uid)
}

/// Takes it over, unless it is another's.
pub(super) fn own(object: &ExternalSecret, metadata: &mut ObjectMeta) -> Result<(), TargetError> {
    let controller = foreign(object, metadata)?;
    if let Some(controller) = controller {
        let (kind, name_of) = (controller.kind.clone(), controller.name.clone());
        return Err(TargetError::Controlled { target: name(object), kind, name: name_of });
    }
    let reference = OwnerReference {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        name: object.name_any(),
        uid: object.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    let references = metadata.owner_references.get_or_insert_default();
    // One of the same name is it, or was: it was deleted and made again.
    match references.iter_mut().find(|there| is_named(object, there)) {
        Some(there) => *there = reference,
        None => references.push(reference),
    }
    Ok(())
}

/// Gives it up, if it was taken over.
pub(super) fn release(object: &ExternalSecret, metadata: &mut ObjectMeta) -> Result<(), TargetError> {
    foreign(object, metadata)?;
    if let Some(references) = &mut metadata.owner_references {
        references.retain(|there| !(is_named(object, there) && there.controller == Some(true)));
    }
    Ok(())
}

/// Whoever else controls it; another ExternalSecret would write it, too.
fn foreign<'m>(
    object: &ExternalSecret,
    metadata: &'m ObjectMeta,
) -> Result<Option<&'m OwnerReference>, TargetError> {
    let controller = controller(metadata).filter(|controller| !is_named(object, controller));
    match controller {
        Some(controller) if is_external_secret(controller) => {
            Err(TargetError::OwnedByAnother { target: name(object), name: controller.name.clone() })
        }
        other => Ok(other),
    }
}

fn is_named(object: &ExternalSecret, reference: &OwnerReference) -> bool {
    is_external_secret(reference) && reference.name == object.name_any()
}

fn is_external_secret(reference: &OwnerReference) -> bool {
    let group = reference.api_version.split('/').next();
    reference.kind == KIND && group == API_VERSION.split('/').next()
}
