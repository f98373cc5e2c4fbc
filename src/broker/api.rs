//! Questions to the API server, within a time, and why they have no answer.

use std::time::Duration;

use tokio::time::timeout;

use super::reason::{Denial, Reason};
use crate::cluster::{Trouble, TroubleKind};

/// An API server that does not answer in this time has not answered.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is believed that the API server cannot say.
pub(super) const SHORT: Duration = Duration::from_secs(1);

/// The answer, or that there is none now; `what` is what was asked for.
pub(super) async fn answer<T>(
    what: &str,
    asking: impl Future<Output = kube::Result<T>>,
) -> Result<T, Denial> {
    let trouble = match timeout(PATIENCE, asking).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => Trouble::from(&error),
        Err(_) => Trouble::silence(),
    };
    let reason = match trouble.kind {
        TroubleKind::Forbidden => Reason::KubernetesForbidden,
        TroubleKind::NotInstalled | TroubleKind::Conflict | TroubleKind::Passing => {
            Reason::KubernetesUnavailable
        }
    };
    Err(Denial::new(reason, format!("{what}: {trouble}")))
}
