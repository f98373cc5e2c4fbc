//! Reviews of pods ask the broker, where it is in this process: what AWS does not give now, and whom else to tell.

use std::time::{Duration, Instant};

use super::Webhook;
use crate::admission::review::Request;
use crate::admission::{Decision, warnings};
use crate::broker::Wanted;
use crate::policy::Preflight;

/// The longest that a review waits for what AWS says.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is left of the time for the answer itself.
const ANSWERING: Duration = Duration::from_millis(100);

impl Webhook {
    /// Adds what AWS does not give now to the decision about a pod that keeps all rules. A review that has little time
    /// left is answered without.
    pub(super) async fn look_ahead(&self, request: &Request<'_>, decision: &mut Decision, deadline: Instant) {
        let Some(ahead) = decision.ahead.take() else { return };
        if self.preflight == Preflight::Off || !decision.mistakes.is_empty() {
            return;
        }
        let now = Instant::now();
        let left = deadline.saturating_duration_since(now).saturating_sub(ANSWERING).min(PATIENCE);
        if left.is_zero() {
            return;
        }
        let wanted = Wanted {
            namespace: request.namespace.as_deref().unwrap_or_default().to_owned(),
            account: ahead.account.clone(),
            references: ahead.references.iter().map(|(reference, _)| reference.clone()).collect(),
            may_ask: !request.dry_run.unwrap_or_default(),
            until: now + left,
        };
        let misses = self.reviews.look_ahead(wanted).await;
        ahead.judge(misses, self.preflight, decision);
    }

    /// Nobody reads the warnings that a controller is answered: an Event on it tells them.
    pub(super) fn tell_controller(&self, request: &Request<'_>, decision: &Decision) {
        let is_told = decision.mistakes.is_empty() && !request.dry_run.unwrap_or_default();
        if let Some(controller) = decision.controller.as_ref().filter(|_| is_told)
            && !decision.doubts.is_empty()
        {
            let namespace = request.namespace.as_deref().unwrap_or_default();
            self.reviews.warned(namespace, controller, &warnings(&decision.doubts));
        }
    }
}
