//! The status of a PushSecret: what came of a push in, the status as External Secrets Operator has it out. Pure.

use k8s_openapi::jiff::Timestamp;

use crate::api::push_secret::{PushSecret, PushSecretStatus, UpdatePolicy};
use crate::loops::conditions::{self, seconds};
use crate::push::record::Record;

use super::error::PushError;

/// What is said of it.
#[derive(Debug)]
pub(super) enum Verdict {
    /// All is as it should be.
    Pushed,
    /// There is no Secret any more, and so no remote secrets.
    SourceDeleted,
    /// It is going.
    Deleting,
    /// Something is not as it should be: where, and why.
    Failed(Vec<(String, PushError)>),
}

/// The status after a push.
pub(super) fn next(
    object: &PushSecret,
    record: Record,
    verdict: &Verdict,
    version: &str,
    now: Timestamp,
) -> PushSecretStatus {
    let old = object.status.clone().unwrap_or_default();
    let mut status = PushSecretStatus { synced_push_secrets: record, ..old };
    if matches!(verdict, Verdict::Pushed) {
        status.refresh_time = Some(seconds(now));
        status.synced_resource_version = Some(version.to_owned());
    }
    let (is_ready, reason, message) = told(object, verdict);
    let condition = conditions::ready(is_ready, reason, message);
    if let Some(conditions) = conditions::set(&status.conditions, condition, &seconds(now)) {
        status.conditions = conditions;
    }
    status
}

fn told(object: &PushSecret, verdict: &Verdict) -> (bool, &'static str, String) {
    match verdict {
        Verdict::Pushed => {
            let unchanged = object.spec.update_policy == UpdatePolicy::IfNotExists;
            let more = if unchanged { ". Existing secrets in providers unchanged." } else { "" };
            (true, "Synced", format!("PushSecret synced successfully{more}"))
        }
        Verdict::SourceDeleted => {
            (false, "SourceDeleted", "source secret deleted; provider secrets cleaned up".to_owned())
        }
        Verdict::Deleting => (false, "Deleting", "its remote secrets are being deleted".to_owned()),
        Verdict::Failed(problems) => (false, "Errored", conditions::listed(problems)),
    }
}
