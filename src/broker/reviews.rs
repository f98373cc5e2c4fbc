//! What the broker does for reviews, where both run in one process: it looks ahead, and tells who makes pods of warnings
//! that nobody else would read. On the broker's own threads, so that a review waits for it only as long as it wants to.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use tokio::runtime::Handle;
use tokio::time::timeout_at;

use super::Broker;
use super::preflight::Wanted;
use crate::admission::{Controller, Miss};

/// What was found out until the end may be a little later here.
const COMING: Duration = Duration::from_millis(20);

/// The broker, once it is there; until then, and where there is none, nothing is known and nobody told.
#[derive(Clone, Debug, Default)]
pub struct Reviews(Arc<OnceLock<(Arc<Broker>, Handle)>>);

impl Reviews {
    /// From now on this broker is asked, on the threads of the caller.
    pub fn begin(&self, broker: &Arc<Broker>) {
        drop(self.0.set((Arc::clone(broker), Handle::current())));
    }

    /// What has no value now, as far as it is found out in time.
    pub async fn look_ahead(&self, wanted: Wanted) -> Vec<Miss> {
        let Some((broker, threads)) = self.0.get() else { return Vec::new() };
        let (broker, until) = (Arc::clone(broker), (wanted.until + COMING).into());
        let looking = threads.spawn(async move { broker.resolver.preflight(&wanted).await });
        timeout_at(until, looking).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Tells the controller of a pod what is doubtful in it. `kubectl describe` shows it.
    pub fn warned(&self, namespace: &str, controller: &Controller, warnings: &[String]) {
        let Some((broker, _)) = self.0.get() else { return };
        let Controller { api_version, kind, name, uid, .. } = controller;
        let about = ObjectReference {
            api_version: Some(api_version.clone()),
            kind: Some(kind.clone()),
            namespace: Some(namespace.to_owned()),
            name: Some(name.clone()),
            uid: Some(uid.clone()),
            ..ObjectReference::default()
        };
        broker.events.warned(about, &warnings.join("\n"));
    }
}
