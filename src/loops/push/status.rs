//! The status of a PushSecret: what came of a push in, the status as External Secrets Operator has it out. Pure.

use k8s_openapi::jiff::Timestamp;

use crate::api::common::Condition;
use crate::api::push_secret::{PushSecret, PushSecretStatus, UpdatePolicy};
use crate::loops::conditions;
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

/// Problems that are told in one message; a status has its size.
pub(super) const TOLD: usize = 8;

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
    let condition = Condition {
        type_: "Ready".into(),
        status: if is_ready { "True" } else { "False" }.into(),
        reason: Some(reason.into()),
        message: Some(message),
        last_transition_time: None,
    };
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
        Verdict::Failed(problems) => (false, "Errored", message(problems)),
    }
}

fn message(problems: &[(String, PushError)]) -> String {
    let told = problems.iter().take(TOLD).map(|(at, problem)| format!("{at}: {problem}"));
    let mut message = told.collect::<Vec<_>>().join("; ");
    if let Some(more) = problems.len().checked_sub(TOLD).filter(|more| *more > 0) {
        message.push_str(&format!("; and {more} more"));
    }
    message
}

/// As Kubernetes writes times.
pub(super) fn seconds(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
