//! Who got what: one log line for each secret that a pod was given, and for each denial. With a shared cache
//! CloudTrail alone does not tell. The target `keyhatch::audit` is written at every log level.

use tracing::info;

use super::identity::Caller;
use super::proof::Proof;
use super::reason::Denial;

/// Each secret that a pod was given.
pub(super) fn delivered(caller: &Caller, proofs: &[Proof]) {
    let Caller { namespace, pod, uid, account, .. } = caller;
    for Proof { store, identity, arn, version, served } in proofs {
        info!(
            target: "keyhatch::audit",
            namespace, pod, uid, service_account = account, store, identity, arn = &**arn, version_id = version,
            served, decision = "delivered", "secret delivered to a pod"
        );
    }
}

/// That a pod was given nothing.
pub(super) fn denied(caller: &Caller, denial: &Denial) {
    let Caller { namespace, pod, uid, account, .. } = caller;
    let Denial { reason, message } = denial;
    info!(
        target: "keyhatch::audit",
        namespace, pod, uid, service_account = account, decision = ?reason, cause = message,
        "secrets denied to a pod"
    );
}

/// That somebody was given nothing who is no pod that is known.
pub(super) fn refused(denial: &Denial) {
    let Denial { reason, message } = denial;
    info!(decision = ?reason, cause = message, "a stranger refused");
}
