//! The source's failures, as a pod is told of them. What lies outside of the pod's namespace is not named: whoever may
//! read the pod's log may not know it. Pure.

use super::reason::{Denial, Reason};
use crate::api::common::StoreKind;
use crate::aws::failure::Class;
use crate::extract::Cause;
use crate::reference::{SecretRef, Store};
use crate::source::error::SourceError;
use crate::source::objects::{ObjectError, ObjectId};
use crate::source::plan::PlanError;

/// The word for a failure.
pub(super) fn reason(error: &SourceError) -> Reason {
    match error {
        SourceError::Plan(PlanError::NotAdmitted { .. }) | SourceError::Outside(_) => {
            Reason::StoreNotAdmitted
        }
        SourceError::Plan(
            PlanError::NotSecretsManager { .. }
            | PlanError::NoRegion { .. }
            | PlanError::Incomplete { .. }
            | PlanError::AmbientForbidden { .. },
        )
        | SourceError::Key { .. }
        | SourceError::NoRole { .. } => Reason::StoreUnusable,
        SourceError::Object(error) => of_object(error),
        SourceError::Aws(failure) => match failure.class {
            Class::NotFound | Class::MarkedForDeletion => Reason::SecretNotFound,
            Class::Denied => Reason::AwsDenied,
            Class::IdentityRefused => Reason::AwsIdentityRefused,
            Class::Exists | Class::LimitReached | Class::Invalid => Reason::AwsInvalid,
            Class::Throttled => Reason::AwsThrottled,
            Class::Unavailable | Class::Malformed => Reason::AwsUnavailable,
        },
        SourceError::Extract(error) => match &error.cause {
            Cause::NotFound | Cause::MarkedForDeletion => Reason::SecretNotFound,
            Cause::PropertyMissing => Reason::PropertyMissing,
            Cause::NotJson
            | Cause::NotAnObject(_)
            | Cause::Path(_)
            | Cause::Decoding(_)
            | Cause::DecodingOf { .. }
            | Cause::NullBytes(_)
            | Cause::Rewrite { .. }
            | Cause::KeysCollide(_)
            | Cause::Key { .. } => Reason::ValueUnusable,
        },
    }
}

fn of_object(error: &ObjectError) -> Reason {
    match error {
        ObjectError::Missing { object: ObjectId::Store(_) } => Reason::StoreNotFound,
        ObjectError::Missing { .. } | ObjectError::NotInFiles { .. } => Reason::StoreUnusable,
        ObjectError::Forbidden { .. } => Reason::KubernetesForbidden,
        ObjectError::Unavailable { .. } | ObjectError::Replaced { .. } => Reason::KubernetesUnavailable,
    }
}

/// Why a store cannot be used.
pub(super) fn denial(kind: StoreKind, error: &SourceError) -> Denial {
    Denial::new(reason(error), error.for_consumer(kind))
}

/// Why a reference has no value.
pub(super) fn of_reference(store: &Store, reference: &SecretRef, error: &SourceError) -> Denial {
    let denial = denial(store.kind, error);
    match error {
        // It begins with the reference.
        SourceError::Extract(_) => denial,
        _ => Denial { message: format!("{reference}: {}", denial.message), ..denial },
    }
}

/// Why an ExternalSecret has no values.
pub(super) fn of_external(name: &str, store: &Store, error: &SourceError) -> Denial {
    let denial = denial(store.kind, error);
    Denial { message: format!("ExternalSecret {name}: {}", denial.message), ..denial }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::plan::SecretKey;

    #[test]
    fn another_namespaces_objects_are_not_named() {
        let at = SecretKey { namespace: "platform".into(), name: "aws-keys".into(), key: "id".into() };
        let error = SourceError::Key { at };
        let told = denial(StoreKind::ClusterSecretStore, &error);
        assert_eq!(told.reason, Reason::StoreUnusable);
        assert!(!told.message.contains("platform") && !told.message.contains("aws-keys"), "{told:?}");
        assert!(denial(StoreKind::SecretStore, &error).message.contains("aws-keys"));
    }
}
