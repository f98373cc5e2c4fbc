//! As whom the agent runs, and so who can read what it writes.

use keyhatch_agent::{Permissions, Request};
use serde_json::Value;

use super::Code;
use super::containers::Container;
use crate::field::Field;
use crate::finding::Report;

/// Nobody in particular, as images without a shell have it.
const NOBODY: u64 = 65532;

/// A user, and the permissions with which the pod's containers can read that user's files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    /// The agent's user id.
    pub(super) uid: u64,
    /// What files have that say nothing else.
    pub(super) permissions: Permissions,
    /// Whether the containers run as that user.
    is_common: bool,
}

/// The user that all containers with the volume run as, if it is one and not root: then nobody else can read the files.
/// Else the volume's group, if it has one; else everybody who mounts it.
pub(super) fn choose(pod: &Value, containers: &[Container<'_>]) -> Identity {
    let id = |context: Option<&Value>, key: &str| {
        context.and_then(|context| context.get(key)).and_then(Value::as_u64)
    };
    let of_pod = pod.pointer("/spec/securityContext");
    let of_container = |container: &Container<'_>| {
        id(container.get("securityContext"), "runAsUser").or_else(|| id(of_pod, "runAsUser"))
    };
    let mut uids = containers.iter().map(of_container);
    let first = uids.next().flatten().filter(|uid| *uid != 0);
    match first.filter(|_| uids.all(|uid| uid == first)) {
        Some(uid) => Identity { uid, permissions: Permissions::default(), is_common: true },
        None => {
            let digits = if id(of_pod, "fsGroup").is_some() { "0440" } else { "0444" };
            Identity { uid: NOBODY, permissions: digits.parse().unwrap_or_default(), is_common: false }
        }
    }
}

/// Warns about files that only the agent could read.
pub(super) fn check(request: &Request, identity: Identity, at: &Field<'_>, report: &mut Report) {
    if identity.is_common {
        return;
    }
    let wanted = identity.permissions.bits();
    for (path, file) in &request.files {
        if let Some(own) = file.permissions
            && own.bits() & wanted & 0o044 == 0
        {
            let cause = format!(
                "file {path:?} has {own} and belongs to user {}, which the containers do not run as",
                identity.uid
            );
            report.missing(Code::PermsUnreadable.rule(), at, cause);
        }
    }
}
