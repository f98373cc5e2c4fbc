//! Who pushed what: a line for each version that was written and each secret that was deleted. Target and form are those
//! of deliveries to pods.

use kube::ResourceExt;
use tracing::info;

use crate::source::remote::Remote;

use super::apply::Applied;
use super::one::Push;

/// A version was written.
pub(super) fn pushed(push: &Push<'_>, remote: &Remote, applied: &Applied) {
    let access = remote.access();
    info!(
        target: "keyhatch::audit",
        namespace = push.namespace, push_secret = %push.object.name_any(), store = %access.store,
        identity = ?access.who.identity, arn = applied.arn, version_id = applied.version, decision = "pushed",
        "secret pushed"
    );
}

/// A secret, or a part of it, was deleted.
pub(super) fn removed(push: &Push<'_>, remote: &Remote, arn: &str) {
    let access = remote.access();
    info!(
        target: "keyhatch::audit",
        namespace = push.namespace, push_secret = %push.object.name_any(), store = %access.store,
        identity = ?access.who.identity, arn, decision = "removed", "secret removed"
    );
}
