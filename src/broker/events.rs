//! Events on pods that were denied, and on what makes pods that are doubtful, so that `kubectl describe` says why one does
//! not start.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;

use super::identity::Caller;
use super::reason::{Denial, Reason};
use crate::events::{self, Happening};

/// Where denials are put.
#[derive(Clone, Debug)]
pub(super) struct Events(events::Events);

impl Events {
    /// Starts the task that writes them.
    pub(super) fn start(client: Client) -> Self {
        Self(events::Events::start(client, "keyhatch.dev/broker", None))
    }

    /// Tells of a denial, unless it is one that passes by itself in a moment.
    pub(super) fn denied(&self, caller: &Caller, denial: &Denial) {
        if matches!(
            denial.reason,
            Reason::RateLimited | Reason::Busy | Reason::PodNotFound | Reason::PodReplaced
        ) {
            return;
        }
        let pod = ObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Pod".into()),
            namespace: Some(caller.namespace.clone()),
            name: Some(caller.pod.clone()),
            uid: Some(caller.uid.clone()),
            ..ObjectReference::default()
        };
        self.tell(pod, denial.reason.as_str(), "DeliverSecrets", &denial.message);
    }

    /// Tells whoever makes pods that they were admitted with warnings.
    pub(super) fn warned(&self, about: ObjectReference, warnings: &str) {
        self.tell(about, "InjectionDoubtful".into(), "InjectSecrets", warnings);
    }

    fn tell(&self, regarding: ObjectReference, reason: String, action: &'static str, note: &str) {
        self.0.tell(Happening {
            regarding,
            is_warning: true,
            reason,
            action,
            note: note.to_owned(),
            distinct: String::new(),
        });
    }
}
