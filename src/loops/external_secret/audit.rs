//! Who got what: a line for each secret that was written into a Secret. Target and form are those of deliveries to pods.

use kube::ResourceExt;
use tracing::info;

use crate::api::external_secret::ExternalSecret;

use super::fetch::Fetched;

/// A Secret was written.
pub(super) fn written(object: &ExternalSecret, target: &str, fetched: &Fetched) {
    for (access, answer) in &fetched.taken {
        info!(
            target: "keyhatch::audit",
            namespace = object.namespace(), external_secret = %object.name_any(), secret = target,
            store = %access.store, identity = ?access.who.identity, arn = %answer.payload.arn,
            version_id = answer.payload.version_id.as_deref(), served = ?answer.served, decision = "written",
            "secret written"
        );
    }
}
